/**
 * <skep-account>: who is signed in, and whether their work is on the server. It
 * puts itself at the end of the site's header, and is nothing where the server
 * has no accounts, or none is there.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import text from './account.css';
import { site } from './data';
import { account } from './memory';
import { begin } from './pending';
import { sync, type Outcome } from './sync';

@customElement('skep-account')
export class AccountElement extends LitElement {
  static override styles = styles(text);
  @state() private open = false;
  @state() private said = '';
  @state() private busy = false;
  @state() private form: '' | 'password' | 'delete' = '';

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('skep-account', () => {
      if (sync.failed !== '') {
        this.said = sync.failed;
        this.open = true;
      }
      this.requestUpdate();
    });
    addEventListener('pointerdown', e => { if (this.open && !e.composedPath().includes(this)) this.close(); });
    addEventListener('keydown', e => { if (e.key === 'Escape' && this.open) this.close(); });
    this.addEventListener('focusout', e => { if (this.open && e.relatedTarget !== null && e.relatedTarget !== this) this.close(false); });
  }

  private close(focus = true): void {
    this.open = false;
    this.said = '';
    this.form = '';
    if (focus) this.renderRoot.querySelector<HTMLElement>('.who')?.focus();
  }

  private async show(): Promise<void> {
    this.open = !this.open;
    this.form = '';
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('.panel input')?.focus();
  }

  /** Signs out, or deletes: the page begins anew, without the student's texts in its editors. */
  private async away(what: Promise<Outcome>): Promise<void> {
    await this.act(what, '');
    if (sync.state === 'out') location.reload();
  }

  /** Does what a form asks for; what went wrong is said. */
  private async act(what: Promise<Outcome>, good: string): Promise<void> {
    this.busy = true;
    const o = await what;
    this.busy = false;
    this.said = o.ok ? good : o.why;
    if (!o.ok) return;
    this.form = '';
    await this.updateComplete;
    // The form that had the keyboard is gone.
    if (this.shadowRoot!.activeElement === null) this.renderRoot.querySelector<HTMLElement>('.who')?.focus();
  }

  private submit(e: Event, f: (field: (name: string) => string) => void): void {
    e.preventDefault();
    const data = new FormData(e.target as HTMLFormElement);
    f(name => String(data.get(name) ?? ''));
  }

  private enter(): TemplateResult {
    return html`<form @submit=${(e: Event) => this.submit(e, of => void this.act(sync.enter({ name: of('name'), password: of('password') }), ''))}>
      <p class="second">Signed in, your work is kept on the server too, and you find it on every device. What you did here without a name comes along.</p>
      <label>Name <input name="name" type="text" autocomplete="username" required maxlength="64" autocapitalize="off" spellcheck="false" .value=${account()?.name ?? ''}></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required maxlength="256"></label>
      <p class="row"><button class="primary" ?disabled=${this.busy}>Sign in</button></p>
      <p class="second">No password yet? Open the link that your teacher gave you.</p></form>`;
  }

  private words(): string {
    const n = sync.left, changes = `${n} ${n === 1 ? 'change' : 'changes'}`;
    switch (sync.state) {
      case 'sending': return 'Your work is on its way to the server.';
      case 'waiting': return n === 0 ? 'The server cannot be reached now. All your work of this device is there.' : `${changes} wait here until the server can be reached.`;
      case 'full': return `Your account is full: ${changes} stay in this browser only.`;
      case 'expired': return `You are no longer signed in. ${n === 0 ? 'Nothing is lost.' : `${changes} wait here until you sign in again.`}`;
      default: return 'All your work is on the server.';
    }
  }

  private signedIn(): TemplateResult {
    const has = sync.person?.password === true;
    return html`<p role="status">${this.words()}</p>
      ${sync.state === 'expired' ? this.enter() : nothing}
      ${this.form === 'password' ? html`<form @submit=${(e: Event) => this.submit(e, of => void this.act(sync.setPassword(of('old'), of('password')), 'The password is set.'))}>
          <input type="hidden" name="username" autocomplete="username" .value=${account()?.name ?? ''}>
          ${has ? html`<label>Present password <input name="old" type="password" autocomplete="current-password" required></label>` : nothing}
          <label>New password <input name="password" type="password" autocomplete="new-password" minlength="8" maxlength="256" required></label>
          <p class="row"><button class="primary" ?disabled=${this.busy}>Set it</button></p></form>`
        : this.form === 'delete' ? html`<p>Your account and all your attempts are deleted, on the server and in this browser. Nobody can bring them back.</p>
          <p class="row"><button class="outlined" ?disabled=${this.busy} @click=${() => void this.away(sync.remove())}>Delete everything</button>
          <button class="link" @click=${() => { this.form = ''; }}>Keep it</button></p>`
          : html`<ul><li><button class="link" @click=${() => void this.away(sync.leave())}>Sign out</button></li>
            <li><button class="link" @click=${() => { this.form = 'password'; this.said = ''; }}>${has ? 'Change the password' : 'Choose a password'}</button></li>
            <li><a href=${site('api/account/data').href} download>Download my data</a></li>
            <li><button class="link" @click=${() => { this.form = 'delete'; this.said = ''; }}>Delete my data</button></li></ul>`}`;
  }

  override render(): TemplateResult | typeof nothing {
    if (sync.state === 'none') return nothing;
    const inside = sync.state !== 'out', mark = { waiting: 'not sent yet', expired: 'sign in again', full: 'full' }[sync.state as string];
    return html`<button class="who" aria-expanded=${this.open} @click=${() => void this.show()}>${inside ? account()?.name ?? '' : 'Sign in'}${mark === undefined ? nothing : html`<span class="mark">${mark}</span>`}</button>
      ${this.open ? html`<div class="panel" role="dialog" aria-label=${inside ? 'Your account' : 'Sign in'}>${inside ? this.signedIn() : this.enter()}
        ${this.said === '' ? nothing : html`<p class="said" role="alert">${this.said}</p>`}</div>` : nothing}`;
  }
}

document.querySelector('header.site')?.append(document.createElement('skep-account'));
void sync.start().then(begin);
