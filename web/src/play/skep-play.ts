/**
 * <skep-play>: the playground. On the page it takes its program from the
 * address and keeps it there; elsewhere from the <pre><code> inside it.
 *
 *     <skep-play page></skep-play>
 *
 * Events: skep-ready, skep-step {id, step}, skep-verdict {name, value}.
 * Read next: model/model.ts for what is shown, columns.ts and layout.ts for where.
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
import { emptyProgram, needsCompiler } from '../model/program';
import { Stage } from '../model/stage';
import { chevron, mark } from '../ui/icons';
import { styles } from '../ui/pane';
import tokens from '../styles/tokens.css';
import text from './skep-play.css';
import { handleKey, plainKey, type Frame } from './keys';
import { Columns } from './columns';
import { Files } from './files';
import { panes, widthOf, type PaneId, type Width } from './layout';
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
import type { SkepMachine } from '../machine/skep-machine';
import type { SkepVerify } from '../verify/skep-verify';

/** ms from the first verdict to what may never be wanted. */
const settled = 1500;

type View = 'verify' | 'machine';
const viewNames: Readonly<Record<View, string>> = { verify: 'The verifier\'s view', machine: 'The view of the machine code' };

@customElement('skep-play')
export class SkepPlay extends LitElement implements Frame {
  static override styles = styles(tokens, text);

  /** The whole page is this element: use the address, and keys wherever the focus is. */
  @property({ type: Boolean }) page = false;
  @state() width: Width = 'wide';
  readonly stage = new Stage();
  private readonly columns = new Columns(this);
  private readonly files = new Files(this);
  private readonly resize = new ResizeObserver(() => { this.width = widthOf(this.clientWidth, this.clientHeight); });
  private off: (() => void) | null = null;
  private shownStep = -1;
  private shownTab = '';
  private saved: { readonly prefs?: unknown; readonly watched?: unknown; readonly at?: string } = {};
  private swipe = 0;
  private rested = false;

  private get m() { return this.stage.model; }

  override connectedCallback(): void {
    super.connectedCallback();
    this.width = widthOf(this.clientWidth, this.clientHeight);
    this.resize.observe(this);
    this.off = this.m.subscribe(() => { this.requestUpdate(); this.rest(); });
    (this.page ? window : this).addEventListener('keydown', this.key as EventListener);
    this.files.listen();
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
    this.stage.full.close();
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
    this.stage.verdicts.begin(new VerdictClient(verifierInWorker()));
  }

  /** Once there is a verdict the page of the playground is at rest: the compiler for full speed may come. */
  private rest(): void {
    if (SKEP_FAKE || !this.page || this.rested || !this.stage.verdicts.fresh) return;
    this.rested = true;
    const warm = () => { if (this.isConnected) void this.stage.full.warm(); };
    setTimeout(() => 'requestIdleCallback' in window ? requestIdleCallback(warm) : warm(), settled);
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

  // ------------------------------------------------------------ keys

  private readonly key = (e: KeyboardEvent): void => {
    const name = this.m.mode === 'run' ? null : plainKey(this, e);
    if (name !== null && this.renderRoot.querySelector<SkepVerify | SkepMachine>('skep-verify, skep-machine')?.key(name) === true) e.preventDefault();
    else handleKey(this, e);
  };

  /** Run, Verify, Both, Machine in turn, or the one that is named. */
  mode(to?: Model['mode']): void {
    const next = { run: 'verify', verify: 'both', both: 'machine', machine: 'run' } as const;
    this.m.mode = to ?? next[this.m.mode];
    this.m.changed();
    this.stage.address.save(true);
  }
  /** Views that come when they are asked for, as far as they have come. */
  private readonly views = new Map<View, 'loading' | 'here'>();
  private async load(view: View): Promise<void> {
    if (this.views.has(view)) return;
    this.views.set(view, 'loading');
    try {
      await (view === 'verify' ? import('../verify/skep-verify') : import('../machine/skep-machine'));
      this.views.set(view, 'here');
    } catch {
      this.views.delete(view);
      this.m.mode = 'run';
      this.m.tell(navigator.onLine ? `${viewNames[view]} could not be loaded: try again.` : `You are offline and ${viewNames[view].toLowerCase()} is not in the browser's store yet.`);
    }
    this.m.changed();
  }
  private lazy(view: View): TemplateResult {
    const s = this.stage;
    void this.load(view);
    if (this.views.get(view) !== 'here') return html`<p class="coming" role="status">Loading ${viewNames[view].toLowerCase()}…</p>`;
    const width = this.width === 'short' ? 'narrow' : this.width;
    return view === 'verify' ? html`<skep-verify .stage=${s} width=${width} @skep-real-kernel=${() => void this.realKernel()}></skep-verify>`
      : html`<skep-machine .stage=${s} width=${width}></skep-machine>`;
  }
  /** Shows an instruction that a verdict or a line of the log is about. */
  private showInsn(pc: number): void {
    const machine = this.renderRoot.querySelector<SkepMachine>('skep-machine');
    if (machine === null) void this.columns.showInsn(pc);
    else machine.show(pc);
  }

  run(): void {
    if (needsCompiler(this.m.program)) void this.stage.loading.compile();
    else void this.stage.moving.run();
  }
  /** Compiled, from the first packet or event to the last. */
  async full(): Promise<void> {
    if (this.m.mode !== 'run') this.mode('run');
    if (needsCompiler(this.m.program) && !await this.stage.loading.compile()) return;
    await this.stage.full.run();
  }
  share(): void { this.dialog('skep-share'); }
  help(): void { this.dialog('skep-help'); }
  pane(key: string): void {
    const p = panes.find(x => x.key === key);
    if (p !== undefined) void this.columns.focus(p.id);
  }
  front(pane: PaneId): void { this.columns.front(pane); }
  maximise(): void { this.columns.maximise(); }
  goTo(): void { void this.columns.goTo(); }
  escape(): boolean { return this.columns.restore(); }

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

  // ------------------------------------------------------------ frame

  private theme(): void {
    const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
    this.m.setPrefs({ theme: next[this.m.prefs.theme] });
  }

  private header(): TemplateResult {
    const m = this.m, l = m.listing, narrow = this.width === 'narrow';
    const acts = [
      ...(narrow ? [{ label: 'Machine code', act: () => this.mode('machine') }] : []),
      { label: 'Real kernel', act: () => void this.realKernel() },
      ...(this.width === 'wide' ? [] : [{ label: 'Run at full speed', act: () => void this.full() }]),
      { label: 'Options', act: () => this.dialog('skep-options') },
      { label: 'Panes', act: () => this.dialog('skep-panes') },
      { label: 'Share', act: () => this.share() },
      ...(this.page ? [{ label: 'Labs', path: 'labs/' }, { label: 'Reference', path: 'reference/' }] : []).map(p => ({ label: p.label, act: () => location.assign(p.path), href: p.path })),
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
      ${navigator.onLine ? nothing : html`<span class="off">offline${this.width === 'wide' ? ': all but compiling C works' : ''}</span>`}
      ${this.width !== 'wide' ? html`<button @click=${() => { void this.stage.full.warm(); this.dialog('skep-menu'); }}>Menu</button><skep-menu .stage=${this.stage} .items=${acts}></skep-menu>`
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
    const narrow = this.width === 'narrow', s = this.stage, run = this.m.mode === 'run', verify = this.m.mode === 'verify', machine = this.m.mode === 'machine';
    return html`<div class="frame ${this.width} ${this.m.stale ? 'stale' : ''}" @skep-file=${(e: CustomEvent<File>) => void this.files.take(e.detail)}
      @skep-run=${() => this.run()} @skep-full=${() => void this.full()} @skep-leave=${() => { if (!this.escape()) void this.columns.focus('code'); }} @skep-retry=${() => void this.startEngine()}
      @skep-insn=${(e: CustomEvent<number>) => this.showInsn(e.detail)} @skep-log=${() => void this.columns.focus('log')}>
      ${this.header()}
      ${narrow || verify ? nothing : html`<skep-transport .stage=${s}></skep-transport>`}
      ${this.about()}
      <main>${run ? this.columns.view() : this.lazy(machine ? 'machine' : 'verify')}</main>
      <skep-verdict-strip .stage=${s} ?narrow=${narrow}></skep-verdict-strip>
      ${verify || machine ? nothing : html`<skep-narration .stage=${s} ?narrow=${narrow} @pointerdown=${(e: PointerEvent) => { this.swipe = e.clientX; }} @pointerup=${this.swiped}></skep-narration>`}
      ${narrow && !verify ? html`<skep-transport narrow .stage=${s}></skep-transport>` : nothing}
      ${this.files.over ? html`<div class="drop"><p>Drop it here</p><p class="second">a pcap file, an eBPF object, C or assembly</p></div>` : nothing}
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
    const m = this.m, v = m.step;
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
