/**
 * <skep-play>: the playground. On the page it takes its program from the
 * address and keeps it there; elsewhere from the <pre><code> inside it.
 *
 *     <skep-play page></skep-play>
 *
 * Events: skep-ready, skep-step {id, step}, skep-verdict {name, value}.
 * Read next: model/model.ts for what is shown, layout.ts for where.
 */
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { LitElement } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Engine } from '../engine/api';
import { loadEngine } from '../engine/client';
import { VerdictClient, verifierInWorker } from '../engine/verdict';
import { applyMode, exampleSituation, situationOf } from '../model/address';
import { findCompiler } from '../model/compile';
import { examples, hookTitle } from '../model/gallery';
import type { Model } from '../model/model';
import { emptyProgram, fileKind, needsCompiler } from '../model/program';
import { Stage } from '../model/stage';
import { css } from '../ui/css';
import { chevron, mark } from '../ui/icons';
import { styles } from '../ui/pane';
import tokens from '../styles/tokens.css';
import text from './skep-play.css';
import { handleKey, plainKey, type Frame } from './keys';
import { changedPanes, columnsOf, paneInfo, panes, widthOf, type Column, type PaneId, type Slot, type Width } from './layout';
import { paneView } from './views';
import type { Shift } from './splitter';
import './splitter';
import './transport';
import './narration';
import './verdict-strip';
import './gallery';
import './options';
import './share';
import './help';
import './panes';
import './menu';
import './mode';
import type { SkepVerify } from '../verify/skep-verify';

@customElement('skep-play')
export class SkepPlay extends LitElement implements Frame {
  static override styles = styles(tokens, text);

  /** The whole page is this element: use the address, and keys wherever the focus is. */
  @property({ type: Boolean }) page = false;
  @state() private width: Width = 'wide';
  /** Slot that has all the room. */
  @state() private large = '';
  @state() private dropping = false;
  readonly stage = new Stage();
  private readonly resize = new ResizeObserver(() => { this.width = widthOf(this.clientWidth); });
  private off: (() => void) | null = null;
  private shownStep = -1;
  private shownTab = '';
  private saved: { readonly prefs?: unknown; readonly watched?: unknown; readonly at?: string } = {};
  private drag: { readonly sizes: number[]; readonly pixels: number } | null = null;
  private swipe = 0;
  /** Pane that had the focus last. */
  private current: PaneId = 'code';

  private get m() { return this.stage.model; }

  override connectedCallback(): void {
    super.connectedCallback();
    this.width = widthOf(this.clientWidth);
    this.resize.observe(this);
    this.off = this.m.subscribe(() => this.requestUpdate());
    (this.page ? window : this).addEventListener('keydown', this.key as EventListener);
    this.addEventListener('dragover', this.over);
    this.addEventListener('dragleave', this.leave);
    this.addEventListener('drop', this.dropped);
    if (this.page) {
      window.addEventListener('popstate', this.travelled);
      window.addEventListener('online', this.online);
      window.addEventListener('offline', this.online);
      this.stage.moving.moved = jump => this.stage.address.save(jump);
    }
    void this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
    this.off?.();
    (this.page ? window : this).removeEventListener('keydown', this.key as EventListener);
    window.removeEventListener('popstate', this.travelled);
    window.removeEventListener('online', this.online);
    window.removeEventListener('offline', this.online);
    this.m.session?.close();
    this.stage.verdicts.end();
  }

  // ------------------------------------------------------------ beginning

  private async begin(): Promise<void> {
    const situation = this.openAddress();
    void this.startEngine();
    void findCompiler().then(c => { this.m.compiler = c; this.m.changed(); });
    await situation;
  }

  /** What the address, or the light DOM, says is to be shown. */
  private async openAddress(): Promise<void> {
    let s = null;
    if (this.page && location.hash.length > 1) s = await situationOf(location.hash);
    else if (this.page) s = await exampleSituation(new URLSearchParams(location.search).get('example') ?? examples[0]?.id ?? '');
    else {
      const code = this.querySelector('pre')?.textContent ?? '';
      await this.stage.loading.open({
        program: { ...emptyProgram, text: code, title: 'Example' }, input: { kind: 'text', text: this.getAttribute('packets') ?? 'eth / ipv4 / udp' },
        maps: [], options: { hook: this.getAttribute('hook') ?? '' }, entry: '', step: Number(this.getAttribute('step') ?? 0), breakpoints: [],
      });
      return;
    }
    if (typeof s !== 'string') {
      await this.stage.loading.open(s);
      return;
    }
    const first = await exampleSituation(examples[0]?.id ?? '');
    if (typeof first !== 'string') await this.stage.loading.open(first);
    this.m.tell(`${s}${typeof first === 'string' ? '' : ` Here is "${first.program.title}" instead.`}`);
  }

  private async startEngine(): Promise<void> {
    const m = this.m;
    m.engineState = 'loading';
    m.engineError = '';
    m.session = null;
    m.changed();
    try {
      const engine: Engine = SKEP_FAKE ? (await import('../engine/fake')).fakeEngine() : await loadEngine({
        wasm: new URL(SKEP_WASM, import.meta.url), worker: new URL(SKEP_WORKER, import.meta.url),
        onProgress: p => { m.engineProgress = p; m.changed(); },
      });
      await this.stage.loading.begin(engine);
      this.dispatchEvent(new CustomEvent('skep-ready', { bubbles: true, composed: true }));
      this.startVerifier();
    } catch (e) {
      m.engineState = 'failed';
      m.engineError = e instanceof Error ? e.message : String(e);
      m.changed();
    }
  }

  /** The verifier is not needed for the first step: it comes when the page has settled. */
  private startVerifier(): void {
    if (SKEP_FAKE || this.stage.verdicts.on || !this.isConnected) return;
    const start = verifierInWorker(new URL(SKEP_WORKER, import.meta.url), new URL(SKEP_VERIFY, import.meta.url));
    this.stage.verdicts.begin(new VerdictClient(start));
  }

  /** Shows an instruction that a verdict or a line of the log is about. */
  private async showInsn(pc: number): Promise<void> {
    const m = this.m, had = this.width === 'narrow';
    if (m.insnAt(pc) < 0) return;
    m.pointed = m.insn(pc)?.line ?? -1;
    this.front('code');
    await this.updateComplete;
    await new Promise(requestAnimationFrame);
    const code = this.renderRoot.querySelector('skep-code') as unknown as { show(pc: number): void; focusInsn(pc: number): Promise<void> } | null;
    if (had) await code?.focusInsn(pc);
    else code?.show(pc);
  }

  private readonly travelled = async (): Promise<void> => {
    if (location.hash.length < 2) return;
    const s = await situationOf(location.hash), m = this.m;
    if (typeof s === 'string') {
      m.tell(s);
      return;
    }
    const same = s.program.lang === m.program.lang && s.program.text === m.program.text && s.program.object?.length === m.program.object?.length
      && JSON.stringify(s.input) === JSON.stringify(m.input) && s.entry === m.entry;
    if (same && m.view !== null) {
      m.breakpoints = new Set(s.breakpoints);
      await m.session?.setBreakpoints(s.breakpoints);
      applyMode(m, s.view ?? '');
      await this.stage.moving.go((x, o) => x.seek(s.step, o));
    } else await this.stage.loading.open(s);
  };

  private readonly online = async (): Promise<void> => {
    this.m.compiler = await findCompiler();
    this.m.changed();
  };

  // ------------------------------------------------------------ files

  private readonly over = (e: DragEvent): void => {
    if (e.dataTransfer?.types.includes('Files') !== true) return;
    e.preventDefault();
    this.dropping = true;
  };
  private readonly leave = (e: DragEvent): void => {
    if (e.relatedTarget === null || !this.contains(e.relatedTarget as Node)) this.dropping = false;
  };
  private readonly dropped = (e: DragEvent): void => {
    this.dropping = false;
    const f = e.dataTransfer?.files[0];
    if (f === undefined) return;
    e.preventDefault();
    void this.take(f);
  };

  /** A file that was dropped or chosen. */
  async take(f: File): Promise<void> {
    if (f.size > 16 << 20) {
      this.m.tell(`${f.name} has ${(f.size / 1e6).toFixed(0)} MB; at most 16 MB are read.`);
      return;
    }
    const bytes = new Uint8Array(await f.arrayBuffer());
    const kind = fileKind(f.name, bytes.subarray(0, 4)), m = this.m;
    const now = { input: m.input.kind !== 'pcap' && m.input.text === '' ? { kind: 'text' as const, text: 'eth / ipv4 / udp(dport=53)' } : m.input, maps: [], options: {}, entry: '', step: 0, breakpoints: [] };
    switch (kind) {
      case 'pcap': this.stage.loading.editInput({ kind: 'pcap', bytes }); this.front('packets'); break;
      case 'object': await this.stage.loading.open({ ...now, program: { ...emptyProgram, lang: 'object', object: bytes, title: f.name } }); break;
      case 'c': case 'asm': await this.stage.loading.open({ ...now, program: { ...emptyProgram, lang: kind, text: new TextDecoder().decode(bytes), title: f.name } }); break;
      default: m.tell(`${f.name} is no pcap file, no ELF object, no .c and no .s file.`);
    }
  }

  // ------------------------------------------------------------ keys

  private readonly key = (e: KeyboardEvent): void => {
    const name = this.m.mode === 'run' ? null : plainKey(this, e);
    if (name !== null && this.renderRoot.querySelector<SkepVerify>('skep-verify')?.key(name) === true) e.preventDefault();
    else handleKey(this, e);
  };

  /** Run, Verify, Both in turn, or the one that is named. */
  mode(to?: Model['mode']): void {
    const next = { run: 'verify', verify: 'both', both: 'run' } as const;
    this.m.mode = to ?? next[this.m.mode];
    this.m.changed();
    this.stage.address.save(true);
  }
  private walkState: 'none' | 'loading' | 'here' | 'failed' = 'none';
  /** The verifier's views come when they are asked for. */
  private async loadWalk(): Promise<void> {
    if (this.walkState === 'loading' || this.walkState === 'here') return;
    this.walkState = 'loading';
    try {
      await import('../verify/skep-verify');
      this.walkState = 'here';
    } catch {
      this.walkState = 'failed';
      this.m.mode = 'run';
      this.m.tell(navigator.onLine ? 'The verifier\'s views could not be loaded: try again.' : 'You are offline and the verifier\'s views are not in the browser\'s store yet.');
    }
    this.m.changed();
  }

  run(): void {
    if (needsCompiler(this.m.program)) void this.stage.loading.compile();
    else void this.stage.moving.run();
  }
  share(): void { this.dialog('skep-share'); }
  help(): void { this.dialog('skep-help'); }
  pane(key: string): void {
    const p = panes.find(x => x.key === key);
    if (p !== undefined) void this.focusPane(p.id);
  }
  maximise(): void {
    this.large = this.large === '' ? this.slotOf(this.current)?.id ?? '' : '';
  }
  async goTo(): Promise<void> {
    await this.focusPane('code');
    const pc = this.m.selected >= 0 ? this.m.selected : this.m.view?.pc ?? 0;
    await (this.renderRoot.querySelector('skep-code') as unknown as { focusInsn(pc: number): Promise<void> } | null)?.focusInsn(pc);
  }
  escape(): boolean {
    if (this.large === '') return false;
    this.large = '';
    return true;
  }

  /** Confirm, live run and terminal come when they are first asked for. */
  private async realKernel(): Promise<void> {
    try {
      await import('../real/real');
    } catch {
      this.m.tell('That part of the page could not be loaded. Is the network there?');
      return;
    }
    this.dialog('skep-real');
  }

  private dialog(name: string): void {
    void (this.renderRoot.querySelector(name) as unknown as { show(): Promise<void> } | null)?.show();
  }

  private slotOf(id: PaneId): Slot | undefined {
    return columnsOf(this.width).flatMap(c => c.slots).find(s => s.panes.includes(id));
  }
  /** The pane that a slot shows. */
  private frontOf(s: Slot): PaneId {
    const shown = s.panes.filter(p => !this.m.prefs.hidden.includes(p));
    const front = this.m.prefs.front[s.id] as PaneId | undefined;
    return front !== undefined && shown.includes(front) ? front : shown[0] ?? s.panes[0]!;
  }
  private front(id: PaneId): void {
    const s = this.slotOf(id), p = this.m.prefs;
    if (s === undefined) return;
    if (this.large !== '' && this.large !== s.id) this.large = s.id;
    this.m.setPrefs({ front: { ...p.front, [s.id]: id }, hidden: p.hidden.filter(h => h !== id) });
  }
  private async focusPane(id: PaneId): Promise<void> {
    this.current = id;
    this.front(id);
    await this.updateComplete;
    await new Promise(requestAnimationFrame);
    if (id === 'source') (this.renderRoot.querySelector('skep-source') as unknown as { focusText(): void } | null)?.focusText();
    else this.renderRoot.querySelector<HTMLElement>(`[data-pane="${id}"]`)?.focus();
  }

  // ------------------------------------------------------------ panes

  private sizes(id: string, parts: readonly { readonly share: number }[]): number[] {
    const own = this.m.prefs.sizes[id];
    return own !== undefined && own.length === parts.length ? own : parts.map(p => p.share);
  }

  private shift(e: CustomEvent<Shift>, id: string, i: number, all: readonly { readonly share: number }[], axis: 'x' | 'y'): void {
    const box = (e.target as HTMLElement).parentElement!;
    if (e.detail.pixels === 0 && !e.detail.done) {
      this.drag = { sizes: [...this.sizes(id, all)], pixels: axis === 'x' ? box.clientWidth : box.clientHeight };
      return;
    }
    if (this.drag === null) return;
    const sum = this.drag.sizes.reduce((a, b) => a + b, 0), least = sum * 0.08;
    const d = Math.max(least - this.drag.sizes[i]!, Math.min(this.drag.sizes[i + 1]! - least, sum * e.detail.pixels / this.drag.pixels));
    const next = [...this.drag.sizes];
    next[i]! += d;
    next[i + 1]! -= d;
    this.m.setPrefs({ sizes: { ...this.m.prefs.sizes, [id]: next } });
    if (e.detail.done) this.drag = null;
  }

  private tabKey(e: KeyboardEvent, ids: readonly PaneId[], now: PaneId): void {
    const d = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (d === undefined) return;
    e.preventDefault();
    const to = ids[(ids.indexOf(now) + d + ids.length) % ids.length]!;
    this.front(to);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${to}`)?.focus());
  }

  private tools(id: PaneId): TemplateResult | typeof nothing {
    const p = this.m.prefs;
    if (id === 'regs' || id === 'ctx') {
      return html`<button aria-pressed=${p.base === 'hex'} @click=${() => this.m.setPrefs({ base: 'hex' })}>hex</button>
        <button aria-pressed=${p.base === 'dec'} @click=${() => this.m.setPrefs({ base: 'dec' })}>decimal</button>`;
    }
    if (id === 'code') return html`<button aria-pressed=${p.bytes} @click=${() => this.m.setPrefs({ bytes: !p.bytes })}>bytes</button>`;
    return nothing;
  }

  private slotView(s: Slot, share: number, changed: ReadonlySet<PaneId>): TemplateResult {
    const shown = s.panes.filter(p => !this.m.prefs.hidden.includes(p)), front = this.frontOf(s), tabs = shown.length > 1;
    const large = this.large === s.id;
    const badge = (id: PaneId) => changed.has(id) && id !== front ? html`<i class="dot"></i><span class="sr"> changed</span>` : nothing;
    return html`<section class="slot ${front === 'source' || front === 'packets' ? '' : 'after'}" data-slot=${s.id} aria-label=${tabs ? nothing : paneInfo(front).title} ${css({ flex: `${share} 1 0px` })}>
      <div class="bar">${tabs ? html`<div class="tabs" role="tablist" aria-label="Panes">${shown.map(id => html`<button role="tab" id="tab-${id}" aria-selected=${id === front}
          aria-controls="pane-${id}" tabindex=${id === front ? 0 : -1} @click=${() => this.front(id)} @keydown=${(e: KeyboardEvent) => this.tabKey(e, shown, id)}>${paneInfo(id).title}${badge(id)}</button>`)}</div>`
        : html`<h2>${paneInfo(front).title}</h2>`}
        <div class="tools"><span class="room"><button aria-pressed=${large} title="m" @click=${() => { this.large = large ? '' : s.id; }}>${large ? 'Restore' : 'Enlarge'}</button>
          <button aria-label="Hide ${paneInfo(front).title}" @click=${() => this.hide(front)}>Hide</button></span>${this.tools(front)}</div></div>
      ${shown.map(id => html`<div class="pane ${id === 'source' || id === 'code' || id === 'packets' || id === 'log' ? 'fixed' : ''}" id="pane-${id}" data-pane=${id} tabindex=${id === 'source' || id === 'packets' ? -1 : 0}
        role=${tabs ? 'tabpanel' : 'group'} aria-label=${paneInfo(id).title} ?hidden=${id !== front} @focusin=${() => { this.current = id; }}>${id === front || id === 'source' ? paneView(id, this.stage) : nothing}</div>`)}
    </section>`;
  }

  private hide(id: PaneId): void {
    const hidden = [...this.m.prefs.hidden, id];
    if (hidden.length >= panes.length) return;
    this.large = '';
    this.m.setPrefs({ hidden });
    this.m.tell(`${paneInfo(id).title} is hidden; press ${paneInfo(id).key} or use Panes to get it back.`);
  }

  private shownSlots(c: Column): Slot[] {
    return c.slots.filter(s => (this.large === '' || this.large === s.id) && s.panes.some(p => !this.m.prefs.hidden.includes(p)));
  }

  private columns(): TemplateResult {
    const all = columnsOf(this.width), changed = changedPanes(this.m.view, this.m.listing);
    const shown = all.map((c, i) => ({ c, i, slots: this.shownSlots(c) })).filter(x => x.slots.length > 0);
    const shares = this.sizes(this.width, all);
    return html`${shown.map(({ c, i, slots }, n) => {
      const parts = this.sizes(c.id, c.slots), next = shown[n + 1];
      return html`<div class="column" ${css({ flex: `${shares[i]} 1 0px` })}>${slots.map((s, k) => {
        const j = c.slots.indexOf(s), after = slots[k + 1];
        return html`${this.slotView(s, parts[j]!, changed)}${after === undefined ? nothing
          : html`<skep-splitter axis="y" name="Height of ${paneInfo(this.frontOf(s)).title}" .value=${100 * parts[j]! / parts.reduce((a, b) => a + b, 0)}
              @skep-shift=${(e: CustomEvent<Shift>) => this.shift(e, c.id, j, c.slots, 'y')}></skep-splitter>`}`;
      })}</div>${next === undefined ? nothing : html`<skep-splitter axis="x" name="Width of column ${n + 1}" .value=${100 * shares[i]! / shares.reduce((a, b) => a + b, 0)}
        @skep-shift=${(e: CustomEvent<Shift>) => this.shift(e, this.width, i, all, 'x')}></skep-splitter>`}`;
    })}`;
  }

  // ------------------------------------------------------------ frame

  private theme(): void {
    const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
    this.m.setPrefs({ theme: next[this.m.prefs.theme] });
  }

  private header(): TemplateResult {
    const m = this.m, l = m.listing, narrow = this.width === 'narrow';
    const acts = [
      { label: 'Real kernel', act: () => void this.realKernel() },
      { label: 'Options', act: () => this.dialog('skep-options') },
      { label: 'Panes', act: () => this.dialog('skep-panes') },
      { label: 'Share', act: () => this.share() },
      ...(this.page ? [{ label: 'Reference', act: () => location.assign('reference/'), href: 'reference/' }] : []),
      { label: `Theme: ${m.prefs.theme}`, act: () => this.theme() },
      { label: 'Keys', act: () => this.help() },
    ];
    return html`<header>
      <a class="home" href="./" aria-label="skep">${mark}${narrow ? nothing : html`<span aria-hidden="true">skep</span>`}</a>
      <h1><button class="title" title="Choose a program" @click=${() => this.dialog('skep-gallery')}><span>${m.program.title}</span>${chevron}</button></h1>
      ${l !== null && l.programs.length > 1 ? html`<select aria-label="Program of the object" @change=${(e: Event) => void this.stage.loading.choose((e.target as HTMLSelectElement).value)}>
        ${l.programs.map((p, i) => html`<option value=${p.name} ?selected=${i === l.program}>${p.name}</option>`)}</select>` : nothing}
      ${narrow ? nothing : html`<span class="hook">${l === null ? '' : hookTitle(m.session?.options.hook || l.type)}</span>`}
      <skep-mode .stage=${this.stage} ?narrow=${narrow} @skep-mode=${(e: CustomEvent<Model['mode']>) => this.mode(e.detail)}></skep-mode>
      <span class="grow"></span>
      ${navigator.onLine ? nothing : html`<span class="off">offline${narrow ? '' : ': everything but compiling C works'}</span>`}
      ${this.width !== 'wide' ? html`<button @click=${() => this.dialog('skep-menu')}>Menu</button><skep-menu .stage=${this.stage} .items=${acts}></skep-menu>`
        : html`${acts.map(a => (!('href' in a) ? html`<button @click=${a.act}>${a.label}</button>` : html`<a class="act" href=${a.href}>${a.label}</a>`))}`}
    </header>`;
  }

  private about(): TemplateResult | typeof nothing {
    const m = this.m;
    if (m.about === '' || m.program.gallery === '') return nothing;
    if (this.width === 'narrow') {
      return html`<div class="about"><details><summary>About this program</summary><p>${m.about}${m.hint === '' ? nothing : html` <b>Watch:</b> ${m.hint}`}</p></details></div>`;
    }
    return html`<div class="about"><p>${m.about}${m.hint === '' ? nothing : html` <b>Watch:</b> ${m.hint}`}</p>
      <button class="link" @click=${() => { m.about = ''; m.changed(); }}>Close</button></div>`;
  }

  override render(): TemplateResult {
    const narrow = this.width === 'narrow', s = this.stage, run = this.m.mode === 'run', verify = this.m.mode === 'verify';
    if (!run) void this.loadWalk();
    return html`<div class="frame ${this.width} ${this.m.stale ? 'stale' : ''}" @skep-file=${(e: CustomEvent<File>) => void this.take(e.detail)}
      @skep-run=${() => this.run()} @skep-leave=${() => { if (!this.escape()) void this.focusPane('code'); }} @skep-retry=${() => void this.startEngine()}
      @skep-insn=${(e: CustomEvent<number>) => void this.showInsn(e.detail)} @skep-log=${() => void this.focusPane('log')}>
      ${this.header()}
      ${narrow || verify ? nothing : html`<skep-transport .stage=${s}></skep-transport>`}
      ${this.about()}
      <main>${run ? this.columns() : this.walkState === 'here' ? html`<skep-verify .stage=${s} width=${this.width} @skep-real-kernel=${() => void this.realKernel()}></skep-verify>` : html`<p class="coming" role="status">Loading the verifier's views…</p>`}</main>
      <skep-verdict-strip .stage=${s} ?narrow=${narrow}></skep-verdict-strip>
      ${verify ? nothing : html`<skep-narration .stage=${s} ?narrow=${narrow} @pointerdown=${(e: PointerEvent) => { this.swipe = e.clientX; }} @pointerup=${this.swiped}></skep-narration>`}
      ${narrow && !verify ? html`<skep-transport narrow .stage=${s}></skep-transport>` : nothing}
      ${this.dropping ? html`<div class="drop"><p>Drop it here</p><p class="second">a pcap file, an eBPF object, C or assembly</p></div>` : nothing}
      <skep-gallery .stage=${s}></skep-gallery><skep-options .stage=${s}></skep-options><skep-share .stage=${s}></skep-share>
      <skep-help .stage=${s}></skep-help><skep-panes .stage=${s}></skep-panes><skep-real .stage=${s}></skep-real></div>`;
  }

  /** A finger drawn over the narration steps: left is on, right is back. */
  private swiped(e: PointerEvent): void {
    const d = e.clientX - this.swipe;
    if (e.pointerType !== 'touch' || Math.abs(d) < 50) return;
    void (d < 0 ? this.stage.moving.step() : this.stage.moving.back());
  }

  protected override updated(_: PropertyValues): void {
    const m = this.m, v = m.view;
    if (this.page) {
      if (m.prefs.theme === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = m.prefs.theme;
    }
    if (m.prefs.theme === 'auto') this.removeAttribute('theme');
    else this.setAttribute('theme', m.prefs.theme);
    const tab = this.renderRoot.querySelector<HTMLElement>('.narrow [role="tab"][aria-selected="true"]');
    if (tab !== null && tab.id !== this.shownTab) {
      this.shownTab = tab.id;
      const strip = tab.parentElement!;
      strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
    }
    if (v === null) return;
    if (this.page && (this.saved.prefs !== m.prefs || this.saved.watched !== m.watched?.watch || this.saved.at !== m.at)) {
      this.saved = { prefs: m.prefs, watched: m.watched?.watch, at: m.at };
      this.stage.address.save(false);
    }
    if (v.step === this.shownStep) return;
    this.shownStep = v.step;
    this.dispatchEvent(new CustomEvent('skep-step', { detail: { id: `${v.step}`, step: v.step }, bubbles: true, composed: true }));
    const end = v.verdicts[v.verdicts.length - 1];
    if (end?.step === v.step) this.dispatchEvent(new CustomEvent('skep-verdict', { detail: { name: end.name, value: String(end.value) }, bubbles: true, composed: true }));
  }
}
