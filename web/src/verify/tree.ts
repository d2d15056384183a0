/**
 * The path tree. A row is a path: thin as far as it is shared with the one it
 * branched off from, thick for its own instructions; its length is the number of
 * instructions. Colour and sign say how it ended; a dotted arc leads from a
 * covered state to the one that covers it. Walked with the arrow keys.
 */
import { html, nothing, svg, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { count, plural } from '../model/bytes';
import { css } from '../ui/css';
import { styles } from '../ui/pane';
import { hullOf, isLoop } from './hull';
import { pathName, type Paths } from './paths';
import { rowsOf, type TreeRow } from './rows';
import { endName, endSign } from './words';
import { WalkPane } from './view';
import text from './tree.css';

const rowHeight = 24, margin = 20;

@customElement('skep-walk-tree')
export class WalkTree extends WalkPane {
  static override styles = styles(text);
  @state() private opened: ReadonlySet<string> = new Set();
  @state() private closed: ReadonlySet<string> = new Set();
  @state() private top = 0;
  @state() private height = 300;
  /** Key of the row that has the focus. */
  @state() private at = '0';
  private rows: readonly TreeRow[] = [];
  private made: readonly unknown[] = [];
  private longest = 1;
  private shown = -1;

  private take(p: Paths): void {
    const now = [p, this.opened, this.closed];
    if (this.made.every((x, i) => x === now[i]) && this.made.length > 0) return;
    if (this.made[0] !== p) {
      this.longest = 1;
      for (const x of p.all) this.longest = Math.max(this.longest, p.length(x.id));
      if (this.made.length > 0) {
        this.opened = new Set();
        this.closed = new Set();
      }
    }
    this.made = [p, this.opened, this.closed];
    this.rows = rowsOf(p, this.opened, this.closed);
  }

  private toggle(r: TreeRow, open: boolean): void {
    const group = r.alike.length > 1, set = new Set(group ? this.opened : this.closed), o = new Set(this.opened);
    if (group) {
      if (open) set.add(r.key);
      else set.delete(r.key);
      this.opened = set;
      return;
    }
    if (open) {
      set.delete(r.key);
      o.add(r.key);
    } else {
      set.add(r.key);
      o.delete(r.key);
    }
    this.closed = set;
    this.opened = o;
  }

  private show(r: TreeRow): void {
    const w = this.walk, p = w.paths!, path = w.trace!.paths[r.path]!;
    this.at = r.key;
    this.shown = r.path; // the row is where it was clicked: do not scroll
    w.go(r.path, path.end === 'refused' || path.end === 'covered' ? Infinity : p.before(r.path));
  }

  private async key(e: KeyboardEvent): Promise<void> {
    const i = this.rows.findIndex(r => r.key === this.at), r = this.rows[i];
    if (r === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    let to = i;
    switch (e.key) {
      case 'ArrowDown': to = i + 1; break;
      case 'ArrowUp': to = i - 1; break;
      case 'Home': to = 0; break;
      case 'End': to = this.rows.length - 1; break;
      case 'ArrowRight': if (r.opens && !r.open) this.toggle(r, true); else if (r.opens) to = i + 1; break;
      case 'ArrowLeft':
        if (r.open) this.toggle(r, false);
        else for (to = i - 1; to > 0 && this.rows[to]!.level >= r.level; to--);
        break;
      case 'Enter': case ' ': this.show(r); break;
      default: return;
    }
    e.preventDefault();
    e.stopPropagation();
    to = Math.max(0, Math.min(to, this.rows.length - 1));
    if (to === i) return;
    this.at = this.rows[to]!.key;
    this.reveal(to);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(`[data-key="${this.at}"]`)?.focus();
  }

  private reveal(i: number): void {
    const box = this.renderRoot.querySelector('.scroll');
    if (box === null || i < 0) return;
    const y = i * rowHeight;
    if (y < box.scrollTop || y > box.scrollTop + box.clientHeight - rowHeight) box.scrollTop = Math.max(0, y - box.clientHeight / 2);
  }

  private share(n: number): number { return 100 * n / this.longest; }

  private row(r: TreeRow, i: number): TemplateResult {
    const w = this.walk, p = w.paths!, path = p.all[r.path]!, mine = w.path === r.path && r.alike.length === 1, group = r.alike.length > 1;
    const from = p.before(r.path), end = group ? Math.max(...r.alike.map(x => p.length(x))) : p.length(r.path);
    const own = group ? r.alike.reduce((a, x) => a + p.all[x]!.count, 0) : path.count;
    const ends = group ? [...new Set(r.alike.map(x => p.all[x]!.end))] : [path.end], how = ends.includes('refused') ? 'refused' : ends[0]!;
    const name = group ? `${pathName(r.alike[0]!)}…` : pathName(r.path);
    const times = group ? isLoop(p, r.alike) ? 'iterations' : 'paths' : '', hull = group ? hullOf(p, r.alike) : '';
    const words = `${group ? `${count(r.alike.length)} ${times}${hull === '' ? '' : `, ${hull}`}` : `path ${name}`}, from instruction ${path.start}, ${plural(own, 'instruction')} of ${group ? 'their' : 'its'} own, ${ends.map(x => endName[x]).join(' or ')}`;
    return html`<li role="treeitem" class="${mine ? 'mine' : ''} ${how}" data-key=${r.key} tabindex=${r.key === this.at ? 0 : -1} aria-level=${r.level} aria-posinset=${i + 1} aria-setsize=${this.rows.length}
      aria-expanded=${r.opens ? String(r.open) : nothing} aria-selected=${mine} title=${words} @focus=${() => { this.at = r.key; }} @click=${() => this.show(r)}>
      <span class="sr">${words}</span>
      <span class="twist" aria-hidden="true" @click=${(e: Event) => { if (r.opens) { e.stopPropagation(); this.toggle(r, !r.open); } }}>${r.opens ? (r.open ? '▾' : '▸') : ''}</span>
      <span class="name" aria-hidden="true">${name}</span>
      <span class="lane"><i class="past" ${css({ width: `${this.share(from)}%` })}></i><i class="own" ${css({ left: `${this.share(from)}%`, width: `${Math.max(0.8, this.share(end - from))}%` })}></i>
        ${hull === '' ? nothing : html`<b class="hull" aria-hidden="true">${hull}</b>`}
        ${mine ? html`<i class="cursor" ${css({ left: `${this.share(w.n + 0.5)}%` })}></i>` : nothing}</span>
      <span class="how" aria-hidden="true">${group ? `×${count(r.alike.length)} ${times} ` : ''}${endSign[how]}${ends.length > 1 ? '…' : ''} <span class="n">${count(own)}</span></span></li>`;
  }

  /** Dotted, from each covered end that is in sight to the state that covers it. */
  private arcs(from: number, to: number): TemplateResult {
    const p = this.walk.paths!, lines = [], rowOf = new Map(this.rows.map((r, i) => [r.path, i]));
    for (let i = from; i < to; i++) {
      const r = this.rows[i]!, path = p.all[r.path]!;
      if (path.by < 0 || r.alike.length > 1) continue;
      const byPath = this.walk.trace!.pathOf(path.by), row = rowOf.get(byPath);
      if (row === undefined) continue;
      const x1 = 10 * this.share(p.length(r.path)), y1 = i * rowHeight + 12, x2 = 10 * this.share(p.indexOf(byPath, path.by)), y2 = row * rowHeight + 12;
      lines.push(svg`<path class=${this.walk.path === r.path ? 'here' : ''} d="M${x1} ${y1} C${x1 + 40} ${y1} ${x2 + 40} ${y2} ${x2} ${y2}"/>`);
    }
    return html`<svg class="arcs" viewBox="0 0 1000 ${this.rows.length * rowHeight}" preserveAspectRatio="none" aria-hidden="true" ${css({ height: `${this.rows.length * rowHeight}px` })}>${lines}</svg>`;
  }

  override render(): TemplateResult {
    const w = this.walk, p = w.paths;
    if (p === null || w.trace === null || w.trace.steps === 0) {
      return html`<p class="empty">The verifier follows every branch. Each path it walks becomes a row here; one that reaches a state it has seen before is covered and ends early.</p>`;
    }
    this.take(p);
    const n = this.rows.length, from = Math.max(0, Math.floor(this.top / rowHeight) - margin), to = Math.min(n, Math.ceil((this.top + this.height) / rowHeight) + margin);
    const ends = { exit: 0, covered: 0, refused: 0, open: 0 };
    let walked = 0;
    for (const x of p.all) {
      ends[x.end]++;
      if (x.count > 0) walked++;
    }
    return html`<p class="sum">${plural(walked, 'path')}${ends.covered > 0 ? html` · <span class="covered">≡ ${count(ends.covered)} covered</span>` : nothing}${ends.refused > 0 ? html` · <span class="refused">✖ refused</span>` : nothing}${ends.open > 0 ? ` · … ${count(ends.open)} not walked` : nothing}
      ${w.trace.missing > 0 ? ` · ${count(w.trace.missing)} steps are not kept` : nothing}</p>
      <div class="scroll" @scroll=${this.scrolled} @keydown=${this.key}>
      <ul role="tree" aria-label="Paths" ${css({ 'padding-top': `${from * rowHeight}px`, 'padding-bottom': `${(n - to) * rowHeight}px` })}>${this.rows.slice(from, to).map((r, i) => this.row(r, from + i))}</ul>
      ${this.arcs(from, to)}</div>`;
  }

  private scrolled(e: Event): void {
    const box = e.target as HTMLElement;
    this.top = box.scrollTop;
    this.height = box.clientHeight;
  }
  protected override updated(_: PropertyValues): void {
    const w = this.walk;
    if (w.path === this.shown) return;
    this.shown = w.path;
    const i = this.rows.findIndex(r => r.alike.length === 1 && r.path === w.path);
    if (i < 0) return;
    if (this.shadowRoot?.activeElement === null) this.at = this.rows[i]!.key;
    requestAnimationFrame(() => { if (this.isConnected) this.reveal(i); });
  }
}
