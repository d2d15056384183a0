/**
 * The wire form of the protocol (wasm/protocol): little endian, no padding.
 * zprotocol.ts is generated on top of these two classes.
 */

/** What a Reader throws: the frame is cut short or holds what it must not. */
export class WireError extends Error {}

/** Appends values in wire form. */
export class Writer {
  private buf = new Uint8Array(256);
  private view = new DataView(this.buf.buffer);
  private n = 0;

  private room(n: number): number {
    const at = this.n;
    if (at + n > this.buf.length) {
      const next = new Uint8Array(Math.max(at + n, 2 * this.buf.length));
      next.set(this.buf.subarray(0, at));
      this.buf = next;
      this.view = new DataView(next.buffer);
    }
    this.n = at + n;
    return at;
  }

  /** What has been written, in a buffer of its own (it can be transferred). */
  done(): Uint8Array<ArrayBuffer> { return this.buf.slice(0, this.n); }

  u8(v: number): void { const at = this.room(1); this.buf[at] = v; }
  u16(v: number): void { const at = this.room(2); this.view.setUint16(at, v, true); }
  u32(v: number): void { const at = this.room(4); this.view.setUint32(at, v, true); }
  i32(v: number): void { const at = this.room(4); this.view.setInt32(at, v, true); }
  u64(v: bigint): void { const at = this.room(8); this.view.setBigUint64(at, v, true); }
  bool(v: boolean): void { this.u8(v ? 1 : 0); }
  str(v: string): void { this.bytes(encoder.encode(v)); }
  bytes(v: Uint8Array): void {
    this.u32(v.length);
    const at = this.room(v.length);
    this.buf.set(v, at);
  }
  /** One of the words of an enum. */
  word<T>(values: readonly T[], v: T): void {
    const i = values.indexOf(v);
    if (i < 0) throw new WireError(`"${String(v)}" is not one of ${values.join(', ')}`);
    this.u8(i);
  }
  list<T>(v: readonly T[], put: (w: Writer, x: T) => void): void {
    this.u32(v.length);
    for (const x of v) put(this, x);
  }
  optional<T>(v: T | null, put: (w: Writer, x: T) => void): void {
    this.bool(v !== null);
    if (v !== null) put(this, v);
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes values from a frame; throws WireError instead of guessing. */
export class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly buf: Uint8Array) {
    this.view = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
  }

  get rest(): number { return this.buf.length - this.at; }

  private take(n: number): number {
    const at = this.at;
    if (n > this.buf.length - at) throw new WireError('cut short inside a field');
    this.at = at + n;
    return at;
  }

  u8(): number { return this.view.getUint8(this.take(1)); }
  u16(): number { return this.view.getUint16(this.take(2), true); }
  u32(): number { return this.view.getUint32(this.take(4), true); }
  i32(): number { return this.view.getInt32(this.take(4), true); }
  u64(): bigint { return this.view.getBigUint64(this.take(8), true); }
  bool(): boolean {
    const v = this.u8();
    if (v > 1) throw new WireError('a bool is neither 0 nor 1');
    return v === 1;
  }
  str(): string {
    const n = this.u32(), at = this.take(n);
    // Most texts of a view are a few ASCII letters, for which a TextDecoder costs more than the text.
    if (n < 32) {
      let s = '', i = at;
      for (; i < at + n && this.buf[i]! < 0x80; i++) s += String.fromCharCode(this.buf[i]!);
      if (i === at + n) return s;
    }
    try {
      return decoder.decode(this.buf.subarray(at, at + n));
    } catch {
      throw new WireError('a text is not UTF-8');
    }
  }
  /** A copy, so that a view never keeps a whole frame alive. */
  bytes(): Uint8Array {
    const n = this.u32(), at = this.take(n);
    return this.buf.slice(at, at + n);
  }
  word<T>(values: readonly T[]): T {
    const v = values[this.u8()];
    if (v === undefined) throw new WireError('a value outside of its list of words');
    return v;
  }
  /** size: least bytes of one element; a count that cannot be true is refused first. */
  list<T>(size: number, get: (r: Reader) => T): T[] {
    const n = this.u32();
    if (n * size > this.rest) throw new WireError('a list claims more elements than there are bytes for');
    const out: T[] = [];
    for (let i = 0; i < n; i++) out.push(get(this));
    return out;
  }
  optional<T>(get: (r: Reader) => T): T | null { return this.bool() ? get(this) : null; }
}
