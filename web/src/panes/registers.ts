/** r0 to r10: value, what it means, and what the last step changed. */
import { html, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { Reg } from '../engine/api';
import { word } from '../model/bytes';
import { Pane, styles } from '../ui/pane';
import text from './registers.css';

@customElement('skep-registers')
export class Registers extends Pane {
  static override styles = styles(text);

  private value(r: Reg): string {
    if (r.kind === 'unset') return '?';
    if (r.kind === 'pointer' || r.kind === 'map' || r.kind === 'end') return word(r.value, 'hex');
    return word(r.value, this.m.prefs.base);
  }

  private meaning(r: Reg): string {
    if (r.kind === 'unset') return 'not set';
    if (r.kind !== 'scalar') return r.text;
    const other = word(r.value, this.m.prefs.base === 'hex' ? 'dec' : 'hex');
    return r.text === '' || /^-?[\d\u202f]+$|^0x[\da-f]+$/.test(r.text) ? other : r.text;
  }

  private was(r: Reg): string {
    const old = this.m.before?.regs[r.index];
    if (!r.changed) return '';
    if (old === undefined || old.kind === 'unset') return '';
    return `was ${old.kind === 'scalar' ? word(old.value, this.m.prefs.base) : old.text}`;
  }

  override render(): TemplateResult {
    const v = this.m.view, w = this.m.watched?.watch;
    if (v === null) return html`<p class="empty">Eleven registers appear here as soon as a program is loaded: r0 for results, r1 to r5 for arguments, r10 for the stack.</p>`;
    return html`${v.regs.map(r => {
      const watched = w?.kind === 'reg' && w.reg === r.index;
      const was = this.was(r);
      return html`<button class="reg bare ${r.kind} ${r.changed ? 'changed' : ''} ${watched ? 'watched' : ''}" aria-pressed=${watched}
        data-reg=${r.index} title="Where does this value come from?"
        @click=${() => void this.stage.moving.watch({ kind: 'reg', reg: r.index }, `r${r.index}`)}>
        <span class="name">r${r.index}</span><span class="value">${this.value(r)}</span><span class="meaning">${this.meaning(r)}</span>
        <span class="note">${r.changed ? html`<span class="second">${was}</span> <span class="sign" aria-hidden="true">◂</span><span class="sr">changed</span>` : ''}</span>
      </button>`;
    })}`;
  }
}
