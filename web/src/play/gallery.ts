/** The picker: examples, a new program, a file. */
import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { exampleSituation } from '../model/address';
import { examples, hookTitle } from '../model/gallery';
import { emptyProgram } from '../model/program';
import { Dialog, dialogStyles } from '../ui/dialog';
import { pick } from '../ui/file';
import text from './gallery.css';

const freshAsm = '.prog xdp\n.license GPL\n\n\tr0 = 2    ; XDP_PASS\n\texit\n';
const freshC = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int prog(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
`;

@customElement('skep-gallery')
export class Gallery extends Dialog {
  static override styles = dialogStyles(text);
  protected readonly heading = 'Choose a program';

  private async example(id: string): Promise<void> {
    const s = await exampleSituation(id);
    if (typeof s === 'string') this.m.tell(s);
    else await this.stage.loading.open(s);
    this.close();
  }
  private async fresh(lang: 'asm' | 'c'): Promise<void> {
    this.close();
    await this.stage.loading.open({
      program: { ...emptyProgram, lang, text: lang === 'c' ? freshC : freshAsm }, input: { kind: 'text', text: 'eth / ipv4(src=10.0.0.1, dst=10.0.0.2) / udp(dport=53)' },
      maps: [], options: {}, entry: '', step: 0, breakpoints: [],
    });
  }
  private async file(): Promise<void> {
    const f = await pick('.o,.bpf,.elf,.s,.c,.pcap,.pcapng');
    this.close();
    if (f !== null) this.dispatchEvent(new CustomEvent('skep-file', { detail: f, bubbles: true, composed: true }));
  }

  protected content(): TemplateResult {
    return html`<div class="own">
        <button @click=${() => void this.fresh('asm')}>New assembly program</button>
        <button @click=${() => void this.fresh('c')}>New C program</button>
        <button @click=${() => void this.file()}>Open a file…</button></div>
      <ol>${examples.map(e => html`<li><button aria-current=${this.m.program.gallery === e.id ? 'true' : nothing} @click=${() => void this.example(e.id)}>
        <span class="name">${e.title} <span class="kind">${hookTitle(e.hook)}, ${e.lang === 'c' ? 'C' : 'assembly'}</span></span>
        <span class="about">${e.about}</span></button></li>`)}</ol>`;
  }
}
