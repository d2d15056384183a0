/**
 * A shared view in the URL fragment: `1.` + base64url of
 *
 *     u32 checksum of the rest (FNV-1a), deflate-raw of a LinkRecord (zprotocol.ts)
 *
 * "1" is the version of this form. The same state gives the same fragment.
 * Decoding trusts nothing: sizes are bounded before and while inflating, and
 * whatever is wrong comes back as a Problem that says what to do.
 */
import type { Input, LinkState, Problem, Result, RunOptions } from './api';
import { defaultOptions } from './api';
import { wireInput } from './client';
import { Reader, WireError, Writer } from './codec';
import { getLinkRecord, putLinkRecord, type LinkRecord } from './zprotocol';

const version = '1';
/** Longest fragment taken, in characters; browsers and chat programs cut longer ones. */
export const maxFragment = 256 * 1024;
/** Most bytes that a fragment may inflate to. */
const maxInflated = 8 * 1024 * 1024;

const noBytes = new Uint8Array();

/** The fragment without "#". Rejects only when the state itself is beyond maxFragment. */
export async function encodeLink(s: LinkState): Promise<string> {
  const w = new Writer();
  putLinkRecord(w, toRecord(s));
  const body = await pipe(w.done(), new CompressionStream('deflate-raw'), Infinity);
  const sum = fnv(body);
  const all = new Uint8Array(4 + body.length);
  new DataView(all.buffer).setUint32(0, sum, true);
  all.set(body, 4);
  const text = `${version}.${toBase64(all)}`;
  if (text.length > maxFragment) throw new Error(`the link would have ${text.length} characters; at most ${maxFragment} work`);
  return text;
}

/** The inverse; takes the fragment with or without "#". */
export async function decodeLink(fragment: string): Promise<Result<LinkState>> {
  const text = fragment.startsWith('#') ? fragment.slice(1) : fragment;
  const dot = text.indexOf('.');
  if (dot < 0) return broken('this is not a link that skep made');
  if (text.slice(0, dot) !== version) return broken('this link was made by another version of skep', 'open it on the site that made it');
  if (text.length > maxFragment) return broken('the link is too long', `at most ${maxFragment} characters are read`);
  const all = fromBase64(text.slice(dot + 1));
  if (all === null || all.length < 5) return broken('the link holds characters that do not belong there', retry);
  const body = all.slice(4);
  if (new DataView(all.buffer).getUint32(0, true) !== fnv(body)) return broken('the link is damaged or was cut short', retry);
  try {
    const r = new Reader(await pipe(body, new DecompressionStream('deflate-raw'), maxInflated));
    const record = getLinkRecord(r);
    if (r.rest > 0) throw new WireError('bytes left over');
    return { ok: true, value: fromRecord(record), problems: [] };
  } catch (e) {
    return broken(`the link cannot be read: ${e instanceof Error ? e.message : String(e)}`, retry);
  }
}

const retry = 'copy the whole link again from where it came from';

function broken(message: string, hint = ''): { ok: false; problems: readonly Problem[] } {
  return {
    ok: false,
    problems: [{ where: 'link', severity: 'error', message, hint, line: 0, col: 0, length: 0, word: '', offset: -1 }],
  };
}

function toRecord(s: LinkState): LinkRecord {
  const p = s.program;
  return {
    program: p.kind,
    text: p.kind === 'asm' || p.kind === 'c' ? p.text : p.kind === 'gallery' ? p.id : '',
    bytes: p.kind === 'object' ? p.bytes : noBytes,
    name: p.kind === 'object' ? p.name : '',
    entry: s.entry,
    hasInput: s.input !== null,
    input: s.input === null ? { kind: 'text', text: '', bytes: noBytes } : wireInput(s.input),
    options: { ...defaultOptions, ...s.options },
    maps: s.maps, step: s.step, breakpoints: s.breakpoints, view: s.view,
  };
}

function fromRecord(r: LinkRecord): LinkState {
  const program: LinkState['program'] =
    r.program === 'object' ? { kind: 'object', bytes: r.bytes, name: r.name }
      : r.program === 'gallery' ? { kind: 'gallery', id: r.text }
        : { kind: r.program, text: r.text };
  const i = r.input;
  const input: Input = i.kind === 'pcap' ? { kind: 'pcap', bytes: i.bytes } : { kind: i.kind, text: i.text };
  const options: RunOptions = r.options;
  return { program, entry: r.entry, input: r.hasInput ? input : null, options, maps: r.maps, step: r.step, breakpoints: r.breakpoints, view: r.view };
}

/** Runs bytes through a (de)compressor, refusing more than max bytes of output. */
async function pipe(bytes: Uint8Array<ArrayBuffer>, through: ReadableWritablePair<Uint8Array, BufferSource>, max: number): Promise<Uint8Array<ArrayBuffer>> {
  const writer = through.writable.getWriter();
  // Errors show on the readable side as well; these promises must not go unhandled.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  const reader = through.readable.getReader(), parts: Uint8Array[] = [];
  let n = 0;
  for (let r = await reader.read(); !r.done; r = await reader.read()) {
    n += r.value.length;
    if (n > max) {
      await reader.cancel();
      throw new WireError(`it unpacks to more than ${max} bytes`);
    }
    parts.push(r.value);
  }
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** FNV-1a, 32 bits: finds damage, keeps no secrets. */
function fnv(b: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const x of b) h = Math.imul(h ^ x, 0x01000193);
  return h >>> 0;
}

function toBase64(b: Uint8Array): string {
  let s = '';
  for (let i = 0; i < b.length; i += 0x8000) s += String.fromCharCode(...b.subarray(i, i + 0x8000));
  return btoa(s).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64(s: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]*$/.test(s)) return null;
  try {
    const raw = atob(s.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(raw, c => c.charCodeAt(0));
  } catch {
    return null;
  }
}
