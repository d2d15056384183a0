/** A ring buffer as a ring: what waits between consumer and producer, and what state it is in. */
import { html, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import type { RingView } from '../../engine/api';
import { plural } from '../../model/bytes';

const centre = 60, radius = 44;

/** A place on the circle: 0 is at the top, and it goes clockwise. */
function at(turn: number, r: number): string {
  const a = turn * 2 * Math.PI - Math.PI / 2;
  return `${(centre + r * Math.cos(a)).toFixed(2)} ${(centre + r * Math.sin(a)).toFixed(2)}`;
}

function arc(from: number, to: number): string {
  const end = Math.min(to, from + 0.9999); // a whole turn would be none
  return `M${at(from, radius)}A${radius} ${radius} 0 ${end - from > 0.5 ? 1 : 0} 1 ${at(end, radius)}`;
}

function hand(turn: number, kind: string, inside: boolean): SVGTemplateResult {
  return svg`<path class=${kind} d="M${at(turn, inside ? radius - 16 : radius - 9)}L${at(turn, inside ? radius + 9 : radius + 16)}"/>`;
}

export function ringView(r: RingView): TemplateResult {
  const size = Math.max(1, r.size), turn = (p: bigint) => Number(p % BigInt(size)) / size;
  const used = Number(r.producer - r.consumer), n = (s: string) => r.slots.filter(x => x.state === s).length;
  const words = [['submitted', 'waiting for user space'], ['reserved', 'still being written'], ['discarded', 'taken back']] as const;
  // A record of a few bytes would be too thin to see in a large ring: then all are drawn wider, one behind the other.
  const least = Math.min(0.05, 0.9 / Math.max(1, r.slots.length)), from0 = turn(r.consumer);
  let edge = from0;
  const arcs = r.slots.map(s => {
    const from = Math.max(edge, from0 + Number(s.pos - r.consumer) / size);
    edge = from + Math.max(Math.ceil((s.length + 8) / 8) * 8 / size, least);
    return { from, to: edge, state: s.state };
  });
  const end = Math.max(edge, from0 + used / size);
  return html`<div class="ring"><svg viewBox="0 0 120 120" width="120" height="120" aria-hidden="true" focusable="false">
      <circle cx=${centre} cy=${centre} r=${radius} class="track"/>
      ${arcs.map(a => svg`<path class="slot-${a.state}" d=${arc(a.from + 0.004, a.to - 0.004)}/>`)}
      ${hand(from0, 'consumer', true)}${hand(end, 'producer', false)}
    </svg><dl>
      <div><dt>producer</dt><dd>${String(r.producer)}<i class="key producer"></i></dd></div>
      <div><dt>consumer</dt><dd>${String(r.consumer)}<i class="key consumer"></i></dd></div>
      <div><dt>in use</dt><dd>${plural(used, 'byte')} of ${r.size}</dd></div>
      ${words.map(([state, word]) => n(state) === 0 ? nothing : html`<div><dt><i class="key slot-${state}"></i>${state}</dt><dd>${plural(n(state), 'record')} ${word}</dd></div>`)}
    </dl></div>`;
}
