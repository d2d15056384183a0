/** A terminal in a virtual machine: busybox, bpftool, and a kernel to break. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import type { Message } from './api';
import { clock, Job } from './job';
import type { Screen } from './xterm';
import text from './real.css';

@customElement('skep-term')
export class Term extends Job {
  static override styles = styles(text);
  protected readonly kind = 'terminal';
  @state() private idleEnd = 0;
  @state() private idleNow = 0;
  @state() private said = '';
  @state() private aloud = false;
  private screen_: Promise<Screen> | null = null;
  private shown: Screen | null = null;
  private tick = 0;
  private readonly resize = new ResizeObserver(() => this.fit());

  override firstUpdated(): void { if (this.goOn()) void this.display(); }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
    clearInterval(this.tick);
    this.shown?.close();
    this.shown = this.screen_ = null;
  }

  protected clear(): void {
    this.idleEnd = 0;
    this.said = '';
    this.shown?.clear();
  }

  private display(): Promise<Screen> {
    return this.screen_ ??= (async () => {
      const { openScreen } = await import('./xterm');
      await document.fonts.load('14px "Skep Mono"').catch(() => {});
      await this.updateComplete;
      const box = this.renderRoot.querySelector<HTMLElement>('.tty')!;
      this.shown = openScreen(box, this.renderRoot as ShadowRoot, b => this.session?.type(b));
      this.resize.observe(box);
      return this.shown;
    })();
  }

  private async start(replace = false): Promise<void> {
    const s = await this.display(), size = s.fit();
    this.begin({ do: 'terminal', kernel: this.version, replace, ...size });
    s.focus();
  }

  private fit(): void {
    if (this.shown === null) return;
    const size = this.shown.fit();
    if (this.stage_ === 'running') this.session?.send({ do: 'resize', ...size });
  }

  protected override screen(b: Uint8Array): void { void this.display().then(s => s.write(b)); }

  protected got(m: Message): void {
    if (m.is === 'started') { // a resumed session has the size of before
      void this.display().then(s => {
        this.fit();
        s.focus();
      });
    }
    if (m.is !== 'idle') return;
    clearInterval(this.tick);
    this.idleEnd = m.left_ms === undefined ? 0 : Date.now() + m.left_ms;
    this.idleNow = Date.now();
    if (this.idleEnd > 0) this.tick = window.setInterval(() => { this.idleNow = Date.now(); }, 1000);
  }

  private async copy(): Promise<void> {
    const s = this.shown?.selection() ?? '';
    if (s === '') {
      this.said = 'Select something first.';
      return;
    }
    try {
      await navigator.clipboard.writeText(s);
      this.said = 'Copied.';
    } catch {
      this.said = 'The browser does not let the page copy; press Ctrl+C on the selection.';
    }
    this.shown?.focus();
  }

  private async paste(): Promise<void> {
    try {
      this.shown?.paste(await navigator.clipboard.readText());
      this.said = '';
    } catch {
      this.said = 'The browser does not let the page read what was copied; press Ctrl+Shift+V in the terminal.';
    }
    this.shown?.focus();
  }

  private theme = '';
  override updated(): void {
    if (this.theme !== this.m.prefs.theme) {
      this.theme = this.m.prefs.theme;
      requestAnimationFrame(() => this.shown?.colours()); // the page has changed by then
    }
    if (this.stage_ === 'over') this.idleEnd = 0;
  }

  override render(): TemplateResult {
    const limit = this.status.limits.find(l => l.do === 'terminal'), open = this.stage_ === 'running' || this.stage_ === 'waiting';
    return html`<div class="ask"><button class="primary" ?disabled=${this.busy} @click=${() => void this.start()}>Open a terminal</button>${this.kernelChoice()}
        ${open ? html`<button @click=${() => void this.copy()}>Copy</button><button @click=${() => void this.paste()}>Paste</button>
          <button aria-pressed=${this.aloud} @click=${() => { this.aloud = !this.aloud; this.shown?.readable(this.aloud); }}>Read aloud</button>` : nothing}
        <span class="quiet" role="status">${this.said}</span></div>
      ${this.progress(`A shell on Linux ${this.kernel}`)}
      ${this.idleEnd > 0 && open ? html`<p class="warn" role="alert">Nothing was typed for a while. The machine is closed in ${clock(this.idleEnd - this.idleNow)} unless you type something.</p>` : nothing}
      ${this.endView(replace => void this.start(replace))}
      ${this.stage_ === 'idle' ? html`<p class="empty">A shell as root in a machine of your own, with busybox and bpftool, no network and no disk. Whatever you break goes away with it.
        ${limit === undefined ? nothing : html`It lives for ${Math.round(limit.wall_ms / 60_000)} minutes at most, and ends when nothing is typed for ${Math.round((limit.idle_ms ?? 0) / 60_000)}.`}</p>` : nothing}
      <div class="tty ${this.screen_ === null ? 'hidden' : ''}"></div>`;
  }
}
