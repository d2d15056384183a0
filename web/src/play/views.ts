/** The element of each pane. */
import { html, type TemplateResult } from 'lit';
import type { Stage } from '../model/stage';
import type { PaneId } from './layout';
import '../panes/source';
import '../panes/packets';
import '../panes/code';
import '../panes/registers';
import '../panes/packet';
import '../panes/stack';
import '../panes/maps';
import '../panes/context';
import '../panes/calls';
import '../panes/output';
import '../panes/cpus';
import '../panes/log';

export function paneView(id: PaneId, s: Stage): TemplateResult {
  switch (id) {
    case 'source': return html`<skep-source .stage=${s}></skep-source>`;
    case 'packets': return html`<skep-packets .stage=${s}></skep-packets>`;
    case 'code': return html`<skep-code .stage=${s}></skep-code>`;
    case 'regs': return html`<skep-registers .stage=${s}></skep-registers>`;
    case 'packet': return html`<skep-packet .stage=${s}></skep-packet>`;
    case 'stack': return html`<skep-stack .stage=${s}></skep-stack>`;
    case 'maps': return html`<skep-maps .stage=${s}></skep-maps>`;
    case 'ctx': return html`<skep-context .stage=${s}></skep-context>`;
    case 'calls': return html`<skep-calls .stage=${s}></skep-calls>`;
    case 'output': return html`<skep-output .stage=${s}></skep-output>`;
    case 'cpus': return html`<skep-cpus .stage=${s}></skep-cpus>`;
    case 'log': return html`<skep-log .stage=${s}></skep-log>`;
    case 'types':
      void import('../panes/types'); // the element waits for it
      return html`<skep-types .stage=${s}></skep-types>`;
  }
}
