/** What the kernel's own compiler makes of the program, on a machine of the server (POST api/real/jit). */
import type { Stage } from '../model/stage';
import { fromHex } from '../model/bytes';
import { needsCompiler } from '../model/program';
import { askStatus, wireSource, type Status } from '../real/api';
import { listingInWorker, MachineClient, type CodeMark, type MachineCode } from './client';

interface Dump {
  readonly kernel: string;
  readonly release: string;
  readonly arch: string;
  readonly ok: boolean;
  readonly functions?: readonly { readonly start: number; readonly code: string; readonly lines: readonly (readonly [number, number])[] }[];
  readonly xlated?: readonly { readonly pc: number; readonly slot: number; readonly text: string }[];
  readonly errno_name?: string;
  /** Why it did not reach the verifier. */
  readonly error?: string;
  readonly log?: string;
  readonly note?: string;
}

/** A refusal of the server. */
interface Refusal { readonly code: string; readonly text?: string }

export class Kernel {
  /** What the server has; null until it answered; words when there is none. */
  status: Status | string | null = null;
  state: 'idle' | 'busy' | 'done' = 'idle';
  code: MachineCode | null = null;
  /** "6.12.117+deb12-cloud-amd64". */
  release = '';
  /** Why there is no code, or what is to be known of it. */
  why = '';
  note = '';
  /** By slot: what the instruction had become when it was compiled. */
  xlated: ReadonlyMap<number, readonly string[]> = new Map();
  /** Text, or bytes, that the code is of. */
  private of: unknown = null;
  private stop: AbortController | null = null;
  private asking = false;
  private readonly client = new MachineClient(listingInWorker());

  constructor(private readonly stage: Stage) {}

  private get m() { return this.stage.model; }

  /** The program has changed since. */
  get stale(): boolean { return this.code !== null && this.of !== this.stage.verdicts.subject()?.text; }

  /** Asks the server what it has, once. */
  look(): void {
    if (this.status !== null || this.asking) return;
    this.asking = true;
    void askStatus().then(s => {
      this.status = s;
      this.asking = false;
      this.m.changed();
    });
  }

  /** Has the program compiled on a machine with that kernel. */
  async run(kernel: string): Promise<void> {
    this.cancel();
    const stop = this.stop = new AbortController();
    this.state = 'busy';
    this.why = this.note = '';
    this.m.changed();
    try {
      if (needsCompiler(this.m.program) && !await this.stage.loading.compile()) throw new Error(this.m.problems[0]?.message ?? 'the program does not compile');
      const source = wireSource(this.m, 1), of = this.stage.verdicts.subject()?.text;
      if (typeof source === 'string') throw new Error(source);
      const r = await fetch(new URL('api/real/jit', import.meta.url), {
        method: 'POST', signal: stop.signal, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ kernel, source, replace: true }),
      });
      if (!(r.headers.get('Content-Type') ?? '').startsWith('application/json')) throw new Error(`the server answered ${r.status} without an explanation`);
      if (!r.ok) {
        const no = await r.json() as Refusal;
        throw new Error(no.text ?? no.code);
      }
      await this.take(await r.json() as Dump, of);
    } catch (e) {
      if (stop.signal.aborted) return;
      this.why = e instanceof Error ? e.message : String(e);
    }
    this.state = 'done';
    this.m.changed();
  }

  private async take(d: Dump, of: unknown): Promise<void> {
    if (!d.ok) throw new Error(d.error ?? `Linux ${d.kernel} refuses the program${d.errno_name === undefined ? '' : ` (${d.errno_name})`}: ${lastWords(d.log ?? '')}`);
    const fs = d.functions ?? [], all = fs.map(f => fromHex(f.code)), marks: CodeMark[] = [];
    const code = new Uint8Array(all.reduce((n, b) => n + b.length, 0));
    let at = 0;
    fs.forEach((f, i) => {
      code.set(all[i]!, at);
      for (const [off, slot] of f.lines) marks.push({ at: at + off, slot });
      at += all[i]!.length;
    });
    const a = await this.client.disassemble('amd64', code, marks);
    this.client.close(); // a second copy of the module is not kept
    if (a.kind === 'failed') throw new Error(a.why);
    if (a.kind === 'overtaken') return;
    const xlated = new Map<number, string[]>();
    for (const x of d.xlated ?? []) xlated.set(x.slot, [...xlated.get(x.slot) ?? [], x.text.replace(/^\([0-9a-f]{2}\) /, '')]);
    this.code = a.value;
    this.xlated = xlated;
    this.release = d.release;
    this.note = d.note ?? '';
    this.of = of;
  }

  /** Gives up waiting. */
  cancel(): void {
    this.stop?.abort();
    this.stop = null;
    if (this.state !== 'busy') return;
    this.state = 'idle';
    this.m.changed();
  }
  close(): void {
    this.cancel();
    this.client.close();
  }
}

/** The last line of a log that says something. */
const lastWords = (log: string): string => log.trimEnd().split('\n').findLast(l => l !== '' && !l.startsWith('processed ')) ?? 'without a reason';
