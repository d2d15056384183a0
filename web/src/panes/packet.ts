/** The packet: its bytes beside the fields of its headers; pointing at one shows the other. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { PacketField, PacketView, View } from '../engine/api';
import { plural } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import { band, mark, next, read, watched, written, type Pick } from './bytes';
import './bytes';
import text from './packet.css';

/** Bytes drawn of one packet at first. */
const most = 512;

@customElement('skep-packet')
export class PacketPane extends Pane {
  static override styles = styles(text);
  /** Byte under the pointer; -1. */
  @state() private near = -1;
  @state() private field: PacketField | null = null;
  @state() private all = false;

  private marks(v: View, p: PacketView): Uint8Array {
    const m = new Uint8Array(p.bytes.length);
    const f = this.field ?? this.innermost(p, this.near);
    if (f !== null) for (let i = f.offset; i < Math.min(m.length, f.offset + f.length); i++) m[i]! |= band;
    mark(m, written, p.region, p.start, v.writes);
    mark(m, read, p.region, p.start, v.reads);
    if (v.nextAccess !== null) mark(m, next, p.region, p.start, [v.nextAccess]);
    const w = this.m.watched?.watch;
    if (w?.kind === 'memory') mark(m, watched, p.region, p.start, [w]);
    return m;
  }

  private innermost(p: PacketView, at: number): PacketField | null {
    if (at < 0) return null;
    let best: PacketField | null = null;
    for (const f of p.fields) {
      if (at >= f.offset && at < f.offset + f.length && (best === null || f.depth >= best.depth)) best = f;
    }
    return best;
  }

  private ask(p: PacketView, offset: number, length: number, name: string): void {
    void this.stage.moving.watch({ kind: 'memory', region: p.region, offset: p.start + offset, length }, name);
  }

  private line(p: PacketView, f: PacketField, marks: Uint8Array): TemplateResult {
    const head = f.depth === 0, label = head ? f.name : f.name.slice(f.name.lastIndexOf('.') + 1);
    const near = this.innermost(p, this.near) === f;
    let changed = false;
    for (let i = f.offset; i < Math.min(marks.length, f.offset + f.length) && !head; i++) changed ||= (marks[i]! & written) !== 0;
    return html`<li><button class="bare ${head ? 'head' : 'in'} ${near ? 'near' : ''} ${changed ? 'changed' : ''}"
      title="${f.name}: bytes ${f.offset} to ${f.offset + f.length - 1}"
      @pointerenter=${() => { this.field = f; }} @pointerleave=${() => { this.field = null; }}
      @focus=${() => { this.field = f; }} @blur=${() => { this.field = null; }}
      @click=${() => this.ask(p, f.offset, f.length, f.name)}>
      <span class="k">${label}</span><span class="v">${f.value}${f.note === '' ? nothing : html`<span class="note"> ${f.note}</span>`}</span>
      ${changed ? html`<span class="sr">changed</span>` : nothing}
    </button></li>`;
  }

  override render(): TemplateResult {
    const v = this.m.view, p = v?.packet ?? null;
    if (v !== null && p === null && this.m.input.kind === 'events') {
      return html`<p class="empty">This run has no packet: what it is given is in the Context pane. Events such as <span class="mono">pkt ipv4 / icmp</span> have one.</p>`;
    }
    if (v === null || p === null) {
      return html`<p class="empty">No packet here yet. Write one in the Input pane, such as <span class="mono">eth / ipv4 / udp(dport=53)</span>, or drop a pcap file.</p>`;
    }
    const marks = this.marks(v, p);
    const rows = p.bytes.length > most && !this.all ? Array.from({ length: most / 8 }, (_, i) => 8 * i) : null;
    return html`<p class="sum">Packet ${v.event + 1} of ${v.events}: ${p.summary}${p.start === 0 ? nothing
      : html` <span class="second">(starts ${plural(Math.abs(p.start), 'byte')} ${p.start < 0 ? 'before' : 'after'} where it arrived)</span>`}</p>
      <div class="both">
        <div><skep-bytes caption="packet bytes" .bytes=${p.bytes} .marks=${marks} .rows=${rows}
          .name=${(at: number) => `packet byte ${at}, ${this.innermost(p, at)?.name ?? 'payload'}`}
          @skep-point=${(e: CustomEvent<Pick>) => { this.near = e.detail.offset; }}
          @skep-pick=${(e: CustomEvent<Pick>) => this.ask(p, e.detail.offset, 1, `packet byte ${e.detail.offset}`)}></skep-bytes>
          ${rows === null ? nothing : html`<button @click=${() => { this.all = true; }}>Show all ${plural(p.bytes.length, 'byte')}</button>`}</div>
        <ol class="fields" aria-label="Header fields">${p.fields.map(f => this.line(p, f, marks))}</ol>
      </div>`;
  }
}
