/** Files that are dropped on the page, or chosen. */
import type { LitElement } from 'lit';
import { emptyProgram, fileKind } from '../model/program';
import type { Stage } from '../model/stage';
import type { PaneId } from './layout';

/** What a file is dropped on. */
interface Target extends LitElement {
  readonly stage: Stage;
  front(pane: PaneId): void;
}

/** Most bytes of a file that are read. */
const most = 16 << 20;

export class Files {
  /** A file is held over the page. */
  over = false;

  constructor(private readonly target: Target) {}

  listen(): void {
    this.target.addEventListener('dragover', this.drag);
    this.target.addEventListener('dragleave', this.leave);
    this.target.addEventListener('drop', this.drop);
  }

  private hold(over: boolean): void {
    this.over = over;
    this.target.requestUpdate();
  }

  private readonly drag = (e: DragEvent): void => {
    if (e.dataTransfer?.types.includes('Files') !== true) return;
    e.preventDefault();
    this.hold(true);
  };
  private readonly leave = (e: DragEvent): void => {
    if (e.relatedTarget === null || !this.target.contains(e.relatedTarget as Node)) this.hold(false);
  };
  private readonly drop = (e: DragEvent): void => {
    this.hold(false);
    const f = e.dataTransfer?.files[0];
    if (f === undefined) return;
    e.preventDefault();
    void this.take(f);
  };

  async take(f: File): Promise<void> {
    const { model: m, loading } = this.target.stage;
    if (f.size > most) {
      m.tell(`${f.name} has ${(f.size / 1e6).toFixed(0)} MB; at most ${most >> 20} MB are read.`);
      return;
    }
    const bytes = new Uint8Array(await f.arrayBuffer());
    const kind = fileKind(f.name, bytes.subarray(0, 4));
    const now = { input: m.input.kind !== 'pcap' && m.input.text === '' ? { kind: 'text' as const, text: 'eth / ipv4 / udp(dport=53)' } : m.input, maps: [], options: {}, entry: '', step: 0, breakpoints: [] };
    switch (kind) {
      case 'pcap': loading.editInput({ kind: 'pcap', bytes }); this.target.front('packets'); break;
      case 'object': await loading.open({ ...now, program: { ...emptyProgram, lang: 'object', object: bytes, title: f.name } }); break;
      case 'c': case 'asm': await loading.open({ ...now, program: { ...emptyProgram, lang: kind, text: new TextDecoder().decode(bytes), title: f.name } }); break;
      default: m.tell(`${f.name} is no pcap file, no ELF object, no .c and no .s file.`);
    }
  }
}
