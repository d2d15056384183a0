/** Why a path ended early: place by place, what the earlier state allowed and what this one has. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { styles } from '../ui/pane';
import { pathName } from './paths';
import { placeName } from './provenance';
import { WalkPane } from './view';
import text from './covered.css';

@customElement('skep-walk-covered')
export class WalkCovered extends WalkPane {
  static override styles = styles(text);

  override render(): TemplateResult | typeof nothing {
    const w = this.walk;
    if (!w.covered || w.trace === null) return nothing;
    const path = w.trace.paths[w.path]!, rows = w.trace.covering(w.path), by = path.by < 0 ? -1 : w.trace.pathOf(path.by), n = by < 0 ? -1 : w.paths!.indexOf(by, path.by);
    return html`<section aria-label="Why this state is covered"><div class="top"><h2><span class="sign" aria-hidden="true">≡</span> Covered: all that is possible here was possible at ${by < 0 ? `instruction ${w.pc} before`
        : html`<button class="link" @click=${() => w.go(by, n)}>${pathName(by)}.${n}</button>`}, and from there the program is safe.</h2></div>
      ${rows.length === 0 ? html`<p class="second">Path ${pathName(w.path)} need not be walked on. Only what is read later has to fit, and exact ranges only where they are marked <b class="mono">P</b>.</p>`
        : html`<table><caption class="sr">Registers and stack slots of both states</caption><thead><tr><th scope="col">place</th><th scope="col">the earlier state allowed</th><th scope="col">here it is</th><th scope="col">so</th></tr></thead>
          <tbody>${rows.map(r => html`<tr class=${r.precise ? 'precise' : ''}><th scope="row" class="mono">${placeName(r.place)}${r.precise ? html` <abbr title="precise: its exact range was compared">P</abbr>` : nothing}</th>
            <td>${r.old}</td><td>${r.now}</td><td class="ok"><span aria-hidden="true">✓</span> ${r.why}</td></tr>`)}</tbody></table>`}</section>`;
  }
}
