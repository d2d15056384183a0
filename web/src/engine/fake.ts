/**
 * A canned engine with the interface of the real one: one XDP program that
 * counts packets, two packets, 25 states. For developing and testing panes
 * without WebAssembly; whatever source it is given, it shows this program
 * (text that holds the word "error" gives a diagnostic instead).
 */
import type {
  Engine, EngineInfo, Frame, HelperCall, Input, Insn, Listing, MapEntry, MoveOptions, Packet, PacketField,
  Problem, Range, Reg, Region, Provenance, Result, RunOptions, Session, Source, TypeList, Verdict, View, Watch, StopReason,
} from './api';
import { defaultOptions } from './api';

const text = `    r2 = *(u32 *)(r1 + 4)      ; ctx->data_end
    r1 = *(u32 *)(r1 + 0)      ; ctx->data
    r3 = r1
    r3 += 14
    if r3 > r2 goto out        ; too short for Ethernet
    r6 = *(u8 *)(r1 + 12)
    *(u32 *)(r10 - 4) = 0
    r2 = r10
    r2 += -4
    r1 = map[counts]
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = 1
    lock *(u64 *)(r0 + 0) += r1
out:
    r0 = 2                     ; XDP_PASS
    exit`;

const R = { ctx: 1, packet: 2, stack: 3, value: 4 } as const;

type Flow = Insn['flow'];
const rows: readonly [pc: number, hex: string, text: string, line: number, doc: string, flow?: Flow, target?: number][] = [
  [0, '6112040000000000', 'r2 = *(u32 *)(r1 +4)', 1, 'Loads 4 bytes from memory, zero-extended.'],
  [1, '6111000000000000', 'r1 = *(u32 *)(r1 +0)', 2, 'Loads 4 bytes from memory, zero-extended.'],
  [2, 'bf13000000000000', 'r3 = r1', 3, 'Copies a 64-bit register.'],
  [3, '070300000e000000', 'r3 += 14', 4, 'Adds a constant, 64 bits.'],
  [4, '2d230a0000000000', 'if r3 > r2 goto pc+10', 5, 'Jumps if the first is greater, unsigned.', 'jump', 15],
  [5, '71160c0000000000', 'r6 = *(u8 *)(r1 +12)', 6, 'Loads one byte from memory, zero-extended.'],
  [6, '620afcff00000000', '*(u32 *)(r10 -4) = 0', 7, 'Stores a constant, 4 bytes.'],
  [7, 'bfa2000000000000', 'r2 = r10', 8, 'Copies a 64-bit register.'],
  [8, '07020000fcffffff', 'r2 += -4', 9, 'Adds a constant, 64 bits.'],
  [9, '18110000000000000000000000000000', 'r1 = map[counts]', 10, 'Loads the address of a map.'],
  [11, '8500000001000000', 'call bpf_map_lookup_elem#1', 11, 'Calls a helper function.', 'helper'],
  [12, '1500020000000000', 'if r0 == 0x0 goto pc+2', 12, 'Jumps if equal.', 'jump', 15],
  [13, 'b701000001000000', 'r1 = 1', 13, 'Sets a register to a constant.'],
  [14, 'db10000000000000', 'lock *(u64 *)(r0 +0) += r1', 14, 'Adds atomically to memory, 8 bytes.'],
  [15, 'b700000002000000', 'r0 = 2', 16, 'Sets a register to a constant.'],
  [16, '9500000000000000', 'exit', 17, 'Returns from the function.', 'exit'],
];

const unhex = (s: string) => new Uint8Array((s.match(/../g) ?? []).map(h => parseInt(h, 16)));
const lines = text.split('\n');

const listing: Listing = {
  programs: [{ name: 'count', section: 'xdp', type: 'xdp', slots: 17 }],
  program: 0,
  type: 'xdp',
  license: 'GPL',
  insns: rows.map(([pc, hex, t, line, doc, flow, target]) => ({
    pc, bytes: unhex(hex), text: t, doc, func: 0, target: target ?? -1, line: line - 1, flow: flow ?? 'plain',
  })),
  funcs: [{ name: 'count', pc: 0, slots: 17, proto: 'int count(struct xdp_md *ctx)', entry: true }],
  lines: lines.map((s, i) => ({ file: 'prog.s', line: i + 1, col: 1, text: s })),
  maps: [{
    name: 'counts', type: 'array', keySize: 4, valueSize: 8, maxEntries: 1,
    keyType: '__u32', valueType: '__u64', internal: false,
  }],
};

const eth = 'ffffffffffff0202020202020800';
const packetBytes = [
  unhex(eth + '4500001c000100004001a6e0c0000201c00002020800f7fe00010000'),
  unhex('ffffffffffff02020202'),
];

function decode(b: Uint8Array): PacketField[] {
  const f = (depth: number, name: string, offset: number, length: number, value: string, note = ''): PacketField =>
    ({ depth, name, offset, length, bitOffset: 0, bitLength: 0, value, note });
  if (b.length < 14) return [f(0, 'ethernet', 0, b.length, '', 'cut short: 14 bytes needed')];
  return [
    f(0, 'ethernet', 0, 14, ''), f(1, 'eth.dst', 0, 6, 'ff:ff:ff:ff:ff:ff'), f(1, 'eth.src', 6, 6, '02:02:02:02:02:02'),
    f(1, 'eth.type', 12, 2, 'IPv4 (0x0800)'), f(0, 'ipv4', 14, 20, ''), f(1, 'ipv4.ttl', 22, 1, '64'),
    f(1, 'ipv4.protocol', 23, 1, 'ICMP (1)'), f(1, 'ipv4.src', 26, 4, '192.0.2.1'), f(1, 'ipv4.dst', 30, 4, '192.0.2.2'),
    f(0, 'icmp', 34, 8, ''), f(1, 'icmp.type', 34, 1, 'echo request (8)'),
  ];
}

const packets: Packet[] = packetBytes.map((bytes, i) => ({
  bytes, time: BigInt(i) * 1_000_000n,
  summary: i === 0 ? '192.0.2.1 > 192.0.2.2 ICMP echo request, 42 bytes' : 'Ethernet, cut short, 10 bytes',
  fields: decode(bytes),
}));

const base = 0x20000n, stackTop = 0x10200n, valueAt = 0x30000n;
type Cell = Omit<Reg, 'index' | 'changed' | 'writer'>;
const scalar = (value: bigint): Cell => ({ value, kind: 'scalar', region: 0, offset: 0, text: value.toString() });
const unset: Cell = { value: 0n, kind: 'unset', region: 0, offset: 0, text: 'not set' };
const ptr = (at: bigint, region: number, offset: number, t: string): Cell =>
  ({ value: at + BigInt(offset), kind: 'pointer', region, offset, text: t });

/** Runs the canned program once over both packets and keeps every state. */
function record(): View[] {
  const views: View[] = [];
  let counter = 0n, counterStep = -1;
  const verdicts: Verdict[] = [], calls: HelperCall[] = [];
  for (let event = 0; event < packetBytes.length; event++) {
    const bytes = packetBytes[event]!;
    const eventStep = views.length;
    let pc = 0, lastPc = -1, state: View['state'] = 'arrived', did = `Packet ${event + 1} of 2 arrived (${bytes.length} bytes).`;
    const cells: Cell[] = Array.from({ length: 11 }, () => unset);
    cells[1] = ptr(0x8000n, R.ctx, 0, 'ctx');
    cells[10] = ptr(stackTop - 512n, R.stack, 512, 'fp');
    const writer: number[] = cells.map(() => -1);
    let changed: number[] = [], writes: Range[] = [], reads: Range[] = [];
    const stack = new Uint8Array(512), written = new Uint8Array(64);
    const push = () => {
      const regions: Region[] = [
        { id: R.ctx, kind: 'ctx', name: 'context', size: 24, writable: false, owner: -1 },
        { id: R.packet, kind: 'packet', name: 'packet', size: bytes.length, writable: true, owner: -1 },
        { id: R.stack, kind: 'stack', name: 'stack of frame 0', size: 512, writable: true, owner: 0 },
        { id: R.value, kind: 'map_value', name: 'value of counts[0]', size: 8, writable: true, owner: 0 },
      ];
      const frame: Frame = { program: 0, func: 0, pc, region: R.stack, stack: stack.slice(), written: written.slice(), saved: [] };
      const value = new Uint8Array(8);
      new DataView(value.buffer).setBigUint64(0, counter, true);
      const mapChanged = writes.some(w => w.region === R.value);
      const entry: MapEntry = {
        key: new Uint8Array(4), values: [value], keyText: '0', valueTexts: [counter.toString()],
        regions: [R.value], writer: counterStep, changed: mapChanged,
      };
      const at = listing.insns.find(i => i.pc === pc)!;
      const next = state === 'exited'
        ? event + 1 < packetBytes.length ? 'The next packet arrives.' : 'This is the end of the run.'
        : `Next: ${at.text} – ${at.doc.toLowerCase()}`;
      views.push({
        step: views.length, total: 0, totalKnown: false, stop: 'moved', state, event, events: packetBytes.length, eventStep,
        program: 0, pc, lastPc, narration: { did, next },
        regs: cells.map((c, index) => ({ ...c, index, changed: changed.includes(index), writer: writer[index]! })),
        frames: [frame], regions, writes, reads,
        nextAccess: pc === 5 ? { region: R.packet, offset: 12, length: 1 } : null,
        packet: { region: R.packet, bytes, start: 0, data: 0, fields: decode(bytes), summary: packets[event]!.summary },
        ctxName: 'struct xdp_md', ctxRegion: R.ctx,
        ctx: [
          { name: 'data', offset: 0, size: 4, value: base, text: 'packet + 0', writable: false },
          { name: 'data_end', offset: 4, size: 4, value: base + BigInt(bytes.length), text: 'end of packet', writable: false },
          { name: 'ingress_ifindex', offset: 12, size: 4, value: 1n, text: '1', writable: false },
        ],
        maps: [{ map: 0, count: 1, entries: [entry], changed: mapChanged, recordCount: 0, records: [], ...plain }],
        trace: [], calls: calls.slice(), verdicts: verdicts.slice(), fault: null,
        clock: 1_000_000_000n + packets[event]!.time,
      });
    };
    const set = (r: number, c: Cell) => { cells[r] = c; writer[r] = views.length; changed.push(r); };
    push();
    while (state !== 'exited') {
      changed = []; writes = []; reads = []; lastPc = pc; state = 'running';
      const insn = listing.insns.find(i => i.pc === pc)!;
      let to = pc + insn.bytes.length / 8;
      switch (pc) {
        case 0: reads = [{ region: R.ctx, offset: 4, length: 4 }];
          set(2, { ...ptr(base, R.packet, bytes.length, 'end of packet'), kind: 'end' }); did = 'r2 became data_end, the end of the packet.'; break;
        case 1: reads = [{ region: R.ctx, offset: 0, length: 4 }];
          set(1, ptr(base, R.packet, 0, 'packet + 0')); did = 'r1 became data, the first byte of the packet.'; break;
        case 2: set(3, cells[1]!); did = 'r3 is now a copy of r1.'; break;
        case 3: set(3, ptr(base, R.packet, 14, 'packet + 14')); did = 'r3 moved 14 bytes on: past the Ethernet header.'; break;
        case 4: if (bytes.length < 14) { to = 15; did = 'r3 lies past the end: jumped to 15.'; } else did = 'r3 is not past the end: no jump.'; break;
        case 5: reads = [{ region: R.packet, offset: 12, length: 1 }]; set(6, scalar(8n)); did = 'r6 became 8, read from packet byte 12.'; break;
        case 6: writes = [{ region: R.stack, offset: 508, length: 4 }];
          for (let i = 508; i < 512; i++) written[i >> 3]! |= 1 << (i & 7);
          did = '4 bytes at fp-4 became 0.'; break;
        case 7: set(2, cells[10]!); did = 'r2 is now a copy of the frame pointer.'; break;
        case 8: set(2, ptr(stackTop - 512n, R.stack, 508, 'fp-4')); did = 'r2 points at fp-4, the key.'; break;
        case 9: set(1, { value: 0x9000n, kind: 'map', region: 0, offset: 0, text: 'map counts' }); did = 'r1 became the map counts.'; break;
        case 11:
          reads = [{ region: R.stack, offset: 508, length: 4 }];
          set(0, ptr(valueAt, R.value, 0, 'value of counts[0] + 0'));
          for (const r of [1, 2, 3]) cells[r] = unset;
          calls.push({
            step: views.length, pc, id: 1, name: 'bpf_map_lookup_elem', result: valueAt, resultText: 'value of counts[0]',
            args: [{ name: 'map', value: 0x9000n, text: 'map counts' }, { name: 'key', value: stackTop - 4n, text: 'fp-4: 00 00 00 00' }],
          });
          did = 'bpf_map_lookup_elem found the value of counts[0].'; break;
        case 12: did = 'r0 is not NULL: no jump.'; break;
        case 13: set(1, scalar(1n)); did = 'r1 became 1.'; break;
        case 14: counter++; counterStep = views.length;
          reads = writes = [{ region: R.value, offset: 0, length: 8 }]; did = `counts[0] became ${counter}.`; break;
        case 15: set(0, scalar(2n)); did = 'r0 became 2 (XDP_PASS).'; break;
        case 16: state = 'exited'; to = 16; did = 'The program returned 2: XDP_PASS.';
          verdicts.push({ event, step: views.length, value: 2n, name: 'XDP_PASS', meaning: 'the packet goes on to the network stack', tone: 'good' }); break;
      }
      pc = to;
      push();
    }
  }
  return views;
}

class FakeSession implements Session {
  options: RunOptions = defaultOptions;
  private at = 0;
  private known = false;
  private breakpoints = new Set<number>();
  private readonly views = record();

  private show(stop: StopReason = 'moved'): Promise<View> {
    const v = this.views[this.at]!;
    return Promise.resolve({ ...v, stop, totalKnown: this.known, total: this.known ? this.views.length - 1 : Math.max(this.at, 1) });
  }
  private move(to: number): Promise<View> {
    const last = this.views.length - 1;
    this.at = Math.max(0, Math.min(last, to));
    if (this.at === last) this.known = true;
    return this.show(to > last ? 'end' : to < 0 ? 'start' : 'moved');
  }
  private scan(dir: 1 | -1, stop: (v: View) => boolean, reason: StopReason): Promise<View> {
    for (let i = this.at + dir; i >= 0 && i < this.views.length; i += dir) {
      if (stop(this.views[i]!)) { this.at = i; return this.show(reason); }
    }
    return this.move(dir > 0 ? this.views.length : -1);
  }

  async load(source: Source): Promise<Result<Listing>> {
    const problems = source.kind === 'asm' ? diagnose(source.text) : [];
    this.at = 0; this.known = false; this.breakpoints.clear();
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: listing, problems };
  }
  async choose(): Promise<Result<Listing>> { return { ok: true, value: listing, problems: [] }; }
  async listing(): Promise<Result<Listing>> { return this.choose(); }
  async llvmText(): Promise<readonly string[]> { return listing.insns.map(i => i.text.replace(' +', ' + ')); }
  async start(_input: Input, options?: Partial<RunOptions>): Promise<Result<View>> {
    this.options = { ...defaultOptions, hook: 'xdp', ...options };
    this.at = 0; this.known = false;
    return { ok: true, value: await this.show(), problems: [] };
  }
  step(n = 1) { return this.move(this.at + n); }
  back(n = 1) { return this.move(this.at - n); }
  seek(step: number) { return this.move(step); }
  runTo(pc: number) { return this.scan(1, v => v.pc === pc || this.breakpoints.has(v.pc), 'target'); }
  stepOver() { return this.step(); }
  stepOut() { return this.scan(1, v => v.state === 'exited', 'target'); }
  run() { return this.scan(1, v => v.state !== 'exited' && this.breakpoints.has(v.pc), 'breakpoint'); }
  runBack() { return this.scan(-1, v => v.state !== 'exited' && this.breakpoints.has(v.pc), 'breakpoint'); }
  nextEvent() { return this.scan(1, v => v.state === 'arrived', 'target'); }
  prevEvent() { return this.scan(-1, v => v.state === 'arrived', 'target'); }
  reset() { this.known = false; return this.move(0); }
  measure(_o?: MoveOptions) { this.known = true; return this.show(); }
  view() { return this.show(); }
  async setBreakpoints(pcs: readonly number[]) { this.breakpoints = new Set(pcs); }

  private touches(v: View, w: Watch): boolean {
    if (w.kind === 'reg') return v.regs[w.reg]?.changed ?? false;
    return v.writes.some(r => r.region === w.region && r.offset < w.offset + w.length && w.offset < r.offset + r.length);
  }
  async lastWrite(w: Watch): Promise<Provenance> {
    for (let i = this.at; i >= 0; i--) {
      const v = this.views[i]!;
      if (this.touches(v, w)) return { step: i, pc: v.lastPc, text: `written at step ${i} by ${listing.insns.find(n => n.pc === v.lastPc)?.text ?? ''}` };
    }
    return { step: -1, pc: -1, text: 'there from the start' };
  }
  nextChange(w: Watch) { return this.scan(1, v => this.touches(v, w), 'target'); }
  prevChange(w: Watch) { return this.scan(-1, v => this.touches(v, w), 'target'); }
  async types(): Promise<TypeList> { return { total: 1, types: [{ id: 1, kind: 'int', text: 'unsigned int', size: 4 }] }; }
  async defineType(): Promise<string> { return 'unsigned int; /* size 4 */'; }
  async mapEntries(_map: number, from: number, count: number): Promise<readonly MapEntry[]> {
    return this.views[this.at]!.maps[0]!.entries.slice(from, from + count);
  }
  async memory(region: number): Promise<Uint8Array> {
    return new Uint8Array(this.views[this.at]!.regions.find(r => r.id === region)?.size ?? 0);
  }
  async outputPcap(): Promise<Uint8Array> { return new Uint8Array(24); }
  async firings() { return { firings: [], events: [] }; }
  async startCPUs() { return alone; }
  async cpuStep() { return alone; }
  async cpuSeek() { return alone; }
  async cpuOrder() { return alone; }
  async explore() { return { problems: [], done: true, found: false, complete: true, why: '', turns: [], runs: 0, states: 0 }; }
  close() {}
}

/** A map without a shape of its own. */
const plain = { trie: [], ring: null, order: [], bits: new Uint8Array(), hashes: 0, timers: [] };
/** The canned engine has one CPU. */
const alone = { problems: [], view: null };

function diagnose(s: string): Problem[] {
  const at = s.indexOf('error');
  if (at < 0) return [];
  const before = s.slice(0, at).split('\n');
  return [{
    where: 'source', severity: 'error', message: 'unknown instruction "error"', hint: 'did you mean "exit"?',
    line: before.length, col: before[before.length - 1]!.length + 1, length: 5, word: 'error', offset: -1,
  }];
}

export function fakeEngine(): Engine {
  const info: EngineInfo = { version: 'fake', protocol: 0, bytes: 0, kernel: '6.12', startup: 0 };
  return {
    info,
    session: () => new FakeSession(),
    check: async s => diagnose(s),
    packets: async () => ({ ok: true, value: packets, problems: [] }),
    toPcap: async () => new Uint8Array(24),
    hooks: async () => [
      { type: 'xdp', title: 'XDP', sections: ['xdp'], ctxName: 'struct xdp_md', doc: 'Runs on each packet a driver receives, before the network stack.', packets: true, section: 'xdp', example: 'pkt ipv4 / icmp' },
      { type: 'sched_cls', title: 'tc classifier', sections: ['tc', 'classifier'], ctxName: 'struct __sk_buff', doc: 'Runs on each packet a queueing discipline sees.', packets: true, section: 'tc', example: 'pkt ipv4 / icmp' },
    ],
    close: () => {},
  };
}
