/**
 * The range of a number on a scale from 0 to 2⁶⁴ that is logarithmic, so that
 * 255 and 2³² are both to be seen. A second bar for signed limits when they say
 * something else; the range before as an outline; the run's value as a dot.
 */
import { html, nothing, svg, type TemplateResult } from 'lit';
import { anySigned, anyUnsigned, number } from './words';
import { isConst } from './bounds';
import type { Bounds } from './types';

const width = 320;
/** 0 … 2⁶⁴ to 0 … width. */
const place = (v: bigint): number => width * Math.log2(Number(v) + 1) / 64;
/** −2⁶³ … 2⁶³ to 0 … width. */
const signedPlace = (v: bigint): number => width / 2 * (1 + (v < 0n ? -1 : 1) * Math.log2(Math.abs(Number(v)) + 1) / 63);

export interface BarMarks {
  /** The range of the step before; null when it is the same. */
  readonly before: Bounds | null;
  /** The run's value. */
  readonly value: bigint | null;
  /** Largest value that the next access allows. */
  readonly limit: bigint | null;
}

const ticks: readonly (readonly [bigint, string])[] = [[0n, '0'], [1n << 8n, '2⁸'], [1n << 16n, '2¹⁶'], [1n << 32n, '2³²'], [1n << 63n, '2⁶³']];

const box = (lo: number, hi: number, kind: string, y: number, h: number) => svg`<rect class=${kind} x=${lo.toFixed(1)} y=${y} width=${Math.max(3, hi - lo).toFixed(1)} height=${h} rx="1"/>`;

export function rangeBar(b: Bounds, m: BarMarks, scale: boolean): TemplateResult {
  const signed = b.smin < 0n && !anySigned(b) && !isConst(b), h = signed ? 26 : 12;
  const words = `${anyUnsigned(b) ? 'unsigned: any' : `unsigned ${number(b.umin)} to ${number(b.umax)}`}${anySigned(b) ? '' : `, signed ${number(b.smin)} to ${number(b.smax)}`}`
    + `${m.value === null ? '' : `; the run has ${BigInt.asIntN(64, m.value)}`}${m.limit === null ? '' : `; at most ${m.limit} is allowed`}`;
  return html`<svg class="bar" viewBox="0 0 ${width} ${h + (scale ? 14 : 0)}" role="img" aria-label=${words}>
    <rect class="rail" x="0" y="3" width=${width} height="6" rx="1"/>
    ${ticks.slice(1).map(([v]) => svg`<line class="tick" x1=${place(v)} x2=${place(v)} y1="2" y2="10"/>`)}
    ${m.before === null ? nothing : box(place(m.before.umin), place(m.before.umax), 'ghost', 1, 10)}
    ${box(place(b.umin), place(b.umax), 'known', 3, 6)}
    ${signed ? svg`<rect class="rail" x="0" y="17" width=${width} height="6" rx="1"/><line class="tick" x1=${width / 2} x2=${width / 2} y1="15" y2="25"/>
      ${box(signedPlace(b.smin), signedPlace(b.smax), 'known signed', 17, 6)}` : nothing}
    ${m.limit === null ? nothing : svg`<line class="limit" x1=${place(m.limit)} x2=${place(m.limit)} y1="0" y2="12"/>`}
    ${m.value === null ? nothing : svg`<circle class="value" cx=${place(BigInt.asUintN(64, m.value)).toFixed(1)} cy="6" r="4.500"/>
      ${signed ? svg`<circle class="value" cx=${signedPlace(BigInt.asIntN(64, m.value)).toFixed(1)} cy="20" r="4.500"/>` : nothing}`}
    ${scale ? ticks.map(([v, t]) => svg`<text class="mark" x=${place(v).toFixed(1)} y=${h + 11} text-anchor=${v === 0n ? 'start' : place(v) > width - 10 ? 'end' : 'middle'}>${t}</text>`) : nothing}
  </svg>`;
}
