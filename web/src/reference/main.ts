/**
 * <skep-filter>: the box above a reference table. It hides the entries that do
 * not have all words that were typed, or that the chosen program type may not
 * call, and keeps both in the address (?q=map+lookup&program=xdp). Without
 * this script the page shows everything.
 */
class Filter extends HTMLElement {
  private readonly entries = [...document.querySelectorAll<HTMLElement>('.entry')].map(e => ({ e, text: (e.textContent ?? '').toLowerCase() }));
  private readonly box = document.createElement('input');
  private readonly pick = document.createElement('select');
  private readonly said = document.createElement('p');
  private readonly kind = this.getAttribute('kind') ?? 'entries';

  connectedCallback(): void {
    const q = new URLSearchParams(location.search);
    this.box.type = 'search';
    this.box.placeholder = `Filter ${this.kind}`;
    this.box.setAttribute('aria-label', `Filter ${this.kind}; slash comes here`);
    this.box.setAttribute('aria-keyshortcuts', '/');
    this.box.value = q.get('q') ?? '';
    this.box.addEventListener('input', this.apply);
    this.box.addEventListener('keydown', e => this.key(e));
    this.append(this.box);
    const types = new Set(this.entries.flatMap(x => x.e.dataset['programs']?.split(', ').filter(s => s !== '') ?? []));
    if (types.size > 0) {
      this.pick.setAttribute('aria-label', 'Callable from');
      this.pick.append(new Option('from any program type', ''), ...[...types].sort().map(t => new Option(`from ${t}`, t)));
      this.pick.value = q.get('program') ?? '';
      if (this.pick.selectedIndex < 0) this.pick.value = '';
      this.pick.addEventListener('change', this.apply);
      this.append(this.pick);
    }
    this.said.setAttribute('role', 'status');
    this.append(this.said);
    this.hidden = false;
    document.addEventListener('keydown', e => {
      if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || e.target instanceof HTMLInputElement) return;
      e.preventDefault();
      this.box.focus();
      this.box.select();
    });
    addEventListener('hashchange', () => this.show());
    this.apply();
    this.show();
  }

  /** What a link points at is never hidden. */
  private show(): void {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest<HTMLElement>('[hidden]') == null) return;
    this.box.value = this.pick.value = '';
    this.apply();
    target.scrollIntoView();
  }

  private key(e: KeyboardEvent): void {
    const links = this.entries.filter(x => !x.e.hidden).map(x => x.e.querySelector<HTMLElement>('.self'));
    if (e.key === 'Escape' && this.box.value !== '') {
      e.preventDefault();
      this.box.value = '';
      this.apply();
    } else if (e.key === 'ArrowDown' || e.key === 'Enter') {
      e.preventDefault();
      links[0]?.focus();
    }
  }

  private readonly apply = (): void => {
    const words = this.box.value.toLowerCase().split(/\s+/).filter(w => w !== ''), from = this.pick.value;
    let n = 0;
    for (const { e, text } of this.entries) {
      const on = words.every(w => text.includes(w)) && (from === '' || (e.dataset['programs'] ?? '').split(', ').includes(from));
      e.hidden = !on;
      if (on) n++;
    }
    for (const f of document.querySelectorAll<HTMLElement>('.family')) f.hidden = f.querySelector('.entry:not([hidden])') === null;
    const all = this.entries.length;
    this.said.textContent = n === all ? `${all} ${this.kind}` : n === 0 ? `None of ${all} has that. Escape clears the box.` : `${n} of ${all}`;
    const url = new URL(location.href);
    for (const [name, value] of [['q', this.box.value.trim()], ['program', from]] as const) {
      if (value === '') url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    if (url.href !== location.href) history.replaceState(null, '', url);
  };
}
customElements.define('skep-filter', Filter);

/** Up and down go from entry to entry. */
document.addEventListener('keydown', e => {
  const d = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (d === undefined || !(e.target instanceof HTMLElement) || !e.target.matches('.entry .self')) return;
  e.preventDefault();
  const all = [...document.querySelectorAll<HTMLElement>('.entry:not([hidden]) .self')];
  all[all.indexOf(e.target) + d]?.focus();
});
