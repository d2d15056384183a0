/**
 * What is proved about memory: the packet as a ruler of its bytes, and a box
 * for each map value or block that a register points to. Dashed while the
 * pointer may be NULL; the access that is looked at is drawn on it.
 */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { hexByte } from '../model/bytes';
import { css } from '../ui/css';
import { styles } from '../ui/pane';
import { decode, type Access } from './insn';
import { isConst } from './bounds';
import type { FrameState, Reg } from './types';
import { range } from './words';
import { WalkPane } from './view';
import text from './memory.css';

/** Members of a value that are named at most. */
const named = 6;

const constant = (r: Reg): number => r.off + Number(isConst(r.bounds) ? BigInt.asIntN(64, r.bounds.bits.value) : 0n);

@customElement('skep-walk-memory')
export class WalkMemory extends WalkPane {
  static override styles = styles(text);

  private access(): Access | null {
    const i = this.walk.insn;
    return i === null ? null : decode(i.bytes).access;
  }

  private packet(f: FrameState): TemplateResult | typeof nothing {
    const all = f.regs.map((r, n) => ({ r, n })).filter(x => x.r.kind === 'packet');
    const spilled = this.walk.state!.frames.flatMap(x => x.slots).flatMap(s => (s.reg?.kind === 'packet' ? [s.reg] : []));
    if (all.length === 0 && spilled.length === 0) return nothing;
    const fixed = all.filter(x => isConst(x.r.bounds)), moving = all.filter(x => !isConst(x.r.bounds));
    const proved = Math.max(0, ...[...fixed.map(x => x.r), ...spilled].map(r => r.range));
    const a = this.access(), hit = a === null ? undefined : fixed.find(x => x.n === a.base);
    const from = hit === undefined ? -1 : constant(hit.r) + a!.off, to = hit === undefined ? -1 : from + a!.size;
    const shown = Math.min(256, Math.max(32, Math.ceil((Math.max(proved, to, ...fixed.map(x => constant(x.r) + 1)) + 4) / 16) * 16));
    const pv = this.m.view?.packet, fields = (pv?.fields ?? []).filter(x => x.length > 0 && !x.name.includes('.'));
    const cell = (i: number) => {
      const needed = i >= from && i < to, ok = i < proved, b = this.m.mode === 'both' && pv != null ? pv.bytes[i] : undefined;
      return html`<i class="${ok ? 'proved' : ''} ${needed ? 'touched' : ''} ${needed && !ok ? 'lacking' : ''}">${b === undefined ? (ok ? '' : needed ? '✖' : '') : hexByte(b)}</i>`;
    };
    return html`<section><h3>Packet <span class="second">${proved === 0 ? 'no byte is proved to be there' : `the first ${proved} bytes are proved to be there`}</span></h3>
      <div class="ruler" role="img" aria-label="Packet: ${proved} bytes proved${hit === undefined ? '' : `; the access touches bytes ${from} to ${to - 1}, ${to <= proved && from >= 0 ? 'allowed' : 'not proved'}`}${fixed.map(x => `; r${x.n} points to byte ${constant(x.r)}`).join('')}">
        ${Array.from({ length: shown / 16 }, (_, row) => {
          const here = fixed.filter(x => constant(x.r) >= row * 16 && constant(x.r) < row * 16 + 16), names = fields.filter(x => x.offset >= row * 16 && x.offset < row * 16 + 16);
          return html`<div class="line"><span class="at">${row * 16}</span><span class="cells">${Array.from({ length: 16 }, (_, k) => cell(row * 16 + k))}</span></div>
          ${here.length + names.length === 0 ? nothing : html`<div class="line"><span class="at"></span><span class="marks">${[...here.map(x => ({ at: constant(x.r) - row * 16, w: `r${x.n}`, k: 'ptr' })), ...names.map(x => ({ at: x.offset - row * 16, w: x.name, k: 'field' }))]
            .map(x => html`<b class=${x.k} ${css({ left: `${100 * x.at / 16}%` })}>${x.k === 'ptr' ? '↑' : ''}${x.w}</b>`)}</span></div>`}`;
        })}</div>
      ${moving.map(x => html`<p><span class="mono">r${x.n}</span> points to packet + ${x.r.off} + (${range(x.r.bounds)}); ${x.r.range === 0 ? 'nothing is proved from there on' : `${x.r.range} bytes are proved from its variable part on`}.</p>`)}
      ${proved === 0 ? html`<p class="second">Compare a packet pointer with the end of the packet: on the branch where it is not beyond, the bytes before it are proved.</p>` : nothing}</section>`;
  }

  private box(r: Reg, names: readonly string[], hit: boolean): TemplateResult {
    const a = this.access(), size = Math.max(1, r.size), lo = r.off + (isConst(r.bounds) ? constant(r) - r.off : Number(r.bounds.smin)), hi = r.off + (isConst(r.bounds) ? constant(r) - r.off : Number(r.bounds.umax));
    const from = hit && a !== null ? lo + a.off : lo, to = hit && a !== null ? hi + a.off + a.size : hi + 1, span = Math.max(size, 8), bad = hit && (from < 0 || to > size || r.orNull);
    const x = (v: number) => 100 * Math.max(0, Math.min(v, span * 1.25)) / (span * 1.25);
    const edges = r.fields.filter(f => f.offset > 0), touched = from < 0 ? [] : r.fields.filter(f => f.offset < to && f.offset + f.size > from), members = touched.slice(0, named).map(f => f.name).join(', ') + (touched.length > named ? ' …' : '');
    const words = `${r.kind === 'memory' ? 'memory' : `value of ${r.map}`}, ${size} bytes${r.orNull ? ', or NULL' : ''}, pointed to by ${names.join(' and ')}; ${hit ? 'the access covers' : 'points to'} byte ${from}${to - 1 === from ? '' : ` to ${to - 1}`}${members === '' ? '' : `, ${members}`}`;
    return html`<div class="mem"><p>${names.map(n => html`<span class="mono">${n}</span> `)}<b>${r.kind === 'memory' ? 'memory' : r.map}</b> <span class="second">${size} bytes</span>
        ${r.orNull ? html`<span class="null">or NULL: not compared yet</span>` : nothing}</p>
      <div class="box" role="img" aria-label=${words}><i class="whole ${r.orNull ? 'dashed' : ''}" ${css({ width: `${x(size)}%` })}></i>
        ${edges.map(f => html`<i class="edge" ${css({ left: `${x(f.offset)}%` })}></i>`)}
        <i class="window ${hit ? 'touch' : ''} ${bad && !r.orNull ? 'bad' : ''} ${r.orNull ? 'unsure' : ''}" ${css({ left: `${x(from)}%`, width: `${Math.max(0.6, x(to) - x(from))}%` })}></i></div>
      <p class="scale"><span>0</span><span ${css({ left: `${x(size)}%` })}>${size}</span>${bad && to > size ? html`<span class="bad" ${css({ left: `${Math.min(88, x(to))}%` })}>${to > size * 1.25 ? '→ ' : ''}${to}</span>` : nothing}</p>
      ${members === '' ? nothing : html`<p class="members">${hit ? 'touches' : 'points to'} <b class="mono">${members}</b></p>`}</div>`;
  }

  private boxes(f: FrameState): TemplateResult | typeof nothing {
    const a = this.access(), by = new Map<string, { r: Reg; names: string[]; hit: boolean }>();
    f.regs.forEach((r, n) => {
      if ((r.kind !== 'map_value' && r.kind !== 'memory') || r.size === 0) return;
      const x = by.get(r.text), hit = a !== null && a.base === n;
      if (x === undefined) by.set(r.text, { r, names: [`r${n}`], hit });
      else {
        x.names.push(`r${n}`);
        x.hit ||= hit;
      }
    });
    if (by.size === 0) return nothing;
    return html`<section><h3>Values <span class="second">what the pointers may reach</span></h3>${[...by.values()].map(x => this.box(x.r, x.names, x.hit))}</section>`;
  }

  override render(): TemplateResult {
    const f = this.walk.frame;
    const parts = f === null ? [] : [this.packet(f), this.boxes(f)];
    if (parts.every(p => p === nothing)) {
      return html`<p class="empty">Pointers into the packet or into map values are drawn here: how many bytes are proved to be there, and which the instruction touches. A pointer that may be NULL has a dashed outline until a branch makes it solid.</p>`;
    }
    return html`${parts}`;
  }
}
