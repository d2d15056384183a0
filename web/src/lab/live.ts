/**
 * <skep-live view="verify" step="A.7" edit="yes">: a program in the text of a
 * lab that can be stepped where it stands. The playground's element takes the
 * place of the program's text when that is nearly in view; in print, without a
 * script, and when the engine cannot be had, the text stays.
 */
import type { LinkState } from '../engine/api';
import { defaultOptions } from '../engine/api';
import { encodeLink } from '../engine/link';
import type { SkepPlay } from '../play/skep-play';
import { emptyProgram } from '../model/program';
import { site } from './data';

/** How far, in pixels, below the window a program may be when it is fetched. */
const near = '600px';

export class Live extends HTMLElement {
  private static readonly seen = new IntersectionObserver(all => {
    for (const x of all) {
      if (!x.isIntersecting) continue;
      Live.seen.unobserve(x.target);
      void (x.target as Live).wake();
    }
  }, { rootMargin: near });

  connectedCallback(): void {
    Live.seen.observe(this);
    const link = this.closest('figure')?.querySelector<HTMLAnchorElement>('a.self');
    if (link == null) return;
    link.textContent = 'Open it in the playground';
    link.dataset['address'] = `${location.origin}${location.pathname}${link.hash}`; // for paper
    void this.address().then(to => { link.href = to; });
  }

  private text(of: string): string { return this.querySelector(`pre${of} code`)?.textContent ?? ''; }

  private get program(): { readonly lang: 'asm' | 'c'; readonly text: string } {
    return { lang: this.querySelector('code.language-c') === null ? 'asm' : 'c', text: this.text(':not(.trace, .setup)') };
  }
  private get view(): string {
    const mode = this.getAttribute('view') ?? 'run', step = this.getAttribute('step') ?? '';
    const pane = this.getAttribute('pane');
    return new URLSearchParams({ ...pane === null ? {} : { front: ['one', 'm-code', 'm-memory'].map(slot => `${slot}:${pane}`).join() }, ...mode === 'run' ? {} : { mode }, ...mode === 'verify' && step !== '' ? { at: step } : {} }).toString();
  }
  private get step(): number { return Number(this.getAttribute('step') ?? 0) || 0; }

  /** The playground with the same program at the same step. */
  private async address(): Promise<string> {
    const p = this.program, to = site('./'), state: LinkState = {
      program: { kind: p.lang, text: p.text }, entry: '', input: { kind: 'events', text: this.text('.trace') }, options: defaultOptions,
      maps: [], step: this.step, breakpoints: [], view: this.view,
    };
    to.hash = await encodeLink(state);
    return to.href;
  }

  private async showInWalk(play: SkepPlay): Promise<void> {
    const pane = this.getAttribute('pane');
    if (pane === null) return;
    await customElements.whenDefined('skep-verify');
    for (let frames = 0; frames < 60; frames++) {
      const walk = play.renderRoot.querySelector<Walk>('skep-verify');
      if (walk !== null) return walk.show(pane);
      await new Promise(requestAnimationFrame);
    }
  }

  /** Loads the playground's element and shows the program in it. */
  async wake(): Promise<void> {
    if (this.querySelector('skep-play') !== null) return;
    try {
      await import('../play/skep-play');
    } catch {
      return; // offline before the first full visit: the text is there to be read
    }
    const play = document.createElement('skep-play') as SkepPlay, m = play.stage.model, p = this.program;
    // What is done in here is not how the playground is to look from now on.
    m.setPrefs = prefs => {
      m.prefs = { ...m.prefs, ...prefs };
      m.changed();
    };
    m.prefs = { ...m.prefs, theme: 'auto', front: {}, sizes: {}, hidden: this.getAttribute('edit') === 'yes' ? [] : ['source', 'packets', 'log', 'types', 'cpus'] };
    this.append(play);
    await play.stage.loading.open({
      program: { ...emptyProgram, lang: p.lang, text: p.text, title: 'Example' },
      input: { kind: 'events', text: this.text('.trace') }, maps: [], options: {}, entry: '', step: this.step, breakpoints: [], view: this.view,
    });
    this.toggleAttribute('awake', true);
    if (m.mode === 'verify') await this.showInWalk(play);
  }
}
/** The panes of the verifier's walk come later than the element. */
interface Walk extends HTMLElement { show(pane: string): void }

customElements.define('skep-live', Live);
