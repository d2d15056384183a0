/** What the three kinds of job have in common: starting, waiting, ending, the time that is left. */
import { html, nothing, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { needsCompiler } from '../model/program';
import { plural } from '../model/bytes';
import { Pane } from '../ui/pane';
import { wireSource, type Job as Kind, type Message, type Request, type Status, type WireSource } from './api';
import { endScreen, type End } from './ends';
import { Session } from './socket';

export abstract class Job extends Pane {
  @property({ attribute: false }) status!: Status;
  @state() protected stage_: 'idle' | 'compiling' | 'waiting' | 'running' | 'over' = 'idle';
  @state() protected ended: End | null = null;
  @state() protected lost = false;
  @state() protected kernel = '';
  @state() private ahead = 0;
  @state() private waitMS = 0;
  @state() private now = Date.now();
  /** When the machine's time is up. */
  @state() protected deadline = 0;
  protected session: Session | null = null;
  private clock = 0;
  protected abstract readonly kind: Kind;
  /** Everything of an earlier job goes away. */
  protected abstract clear(): void;
  protected abstract got(m: Message): void;
  protected screen(_: Uint8Array): void {}

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.stop();
    clearInterval(this.clock);
  }

  get busy(): boolean { return this.stage_ === 'compiling' || this.stage_ === 'waiting' || this.stage_ === 'running'; }

  stop(): void { this.session?.stop(); }

  /** The program for the server, compiled if need be; null when that failed, which is told. */
  protected async source(repeat = 1): Promise<WireSource | null> {
    if (needsCompiler(this.m.program)) {
      this.stage_ = 'compiling';
      if (!await this.stage.loading.compile()) {
        this.over({ code: 'source', text: this.m.problems[0]?.message ?? 'the program does not compile' });
        return null;
      }
    }
    const s = wireSource(this.m, repeat);
    if (typeof s !== 'string') return s;
    this.over({ code: 'source', text: s });
    return null;
  }

  protected begin(r: Request): void {
    this.prepare();
    this.session = Session.start(r, this.ends);
  }

  /** Goes on with the session that this tab had before a reload. */
  protected goOn(): boolean {
    const s = Session.resume(this.kind, this.ends);
    if (s === null) return false;
    this.prepare();
    this.session = s;
    return true;
  }

  private prepare(): void {
    this.clear();
    this.ended = null;
    this.lost = false;
    this.stage_ = 'waiting';
    this.ahead = this.waitMS = this.deadline = 0;
    clearInterval(this.clock);
    this.clock = window.setInterval(() => { this.now = Date.now(); }, 1000);
  }

  private readonly ends = {
    message: (m: Message) => this.take(m),
    screen: (b: Uint8Array) => this.screen(b),
    lost: (lost: boolean) => { this.lost = lost; },
  };

  private take(m: Message): void {
    if (m.is === 'queue') {
      this.stage_ = 'waiting';
      this.kernel = m.kernel;
      this.ahead = m.ahead ?? 0;
      this.waitMS = m.wait_ms ?? 0;
    } else if (m.is === 'started') {
      this.stage_ = 'running';
      this.kernel = m.kernel;
      this.deadline = Date.now() + m.wall_ms;
    } else if (m.is === 'end') {
      this.over(m);
      return;
    }
    this.got(m);
  }

  protected over(e: End): void {
    this.ended = e;
    this.stage_ = 'over';
    this.session = null;
    clearInterval(this.clock);
  }

  /** One line of what is going on, with the way out. */
  protected progress(running: string): TemplateResult | typeof nothing {
    if (!this.busy) return nothing;
    const words = this.stage_ === 'compiling' ? 'Compiling with clang'
      : this.lost ? 'The connection is lost; trying to get it back'
      : this.stage_ === 'running' ? running
      : this.ahead === 0 ? `A machine with Linux ${this.kernel === '' ? 'of that version' : this.kernel} is being made ready`
      : `${plural(this.ahead, 'job')} before yours${this.waitMS > 0 ? `, about ${seconds(this.waitMS)}` : ''}`;
    return html`<p class="progress" role="status"><span class="pulse" aria-hidden="true"></span><span>${words}</span>
      ${this.stage_ === 'running' && this.deadline > 0 && this.kind !== 'confirm' ? html`<span class="left">${clock(this.deadline - this.now)} left</span>` : nothing}
      <span class="grow"></span>${this.stage_ === 'compiling' ? nothing : html`<button @click=${() => this.stop()}>${this.stage_ === 'running' && this.kind !== 'confirm' ? 'End' : 'Stop'}</button>`}</p>`;
  }

  protected endView(again: (replace: boolean) => void): TemplateResult | typeof nothing {
    return this.ended === null ? nothing : endScreen(this.ended, () => again(false), () => again(true));
  }

  protected kernelChoice(): TemplateResult | typeof nothing {
    const ks = this.status.kernels;
    return html`<label>Kernel <select ?disabled=${this.busy} @change=${(e: Event) => { this.chosen = (e.target as HTMLSelectElement).value; }}>
      ${ks.map(k => html`<option value=${k.version} ?selected=${k.version === this.chosen}>Linux ${k.version}</option>`)}</select></label>`;
  }
  @state() protected chosen = '';
  protected get version(): string { return this.chosen === '' ? this.status.kernels[0]?.version ?? '' : this.chosen; }
}

export const seconds = (ms: number): string => (ms < 1500 ? 'a second' : ms < 90_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`);
export const clock = (ms: number): string => {
  const s = Math.max(0, Math.round(ms / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
};
