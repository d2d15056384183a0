/** The program in the page: its text, and the object that was made of it. */
import type { Source } from '../engine/api';

export interface Program {
  /** object: a dropped ELF file, its C text (if any) comes from its debug information. */
  readonly lang: 'asm' | 'c' | 'object';
  /** What the editor shows. */
  readonly text: string;
  /** ELF bytes of C that was compiled, or of a dropped object. */
  readonly object: Uint8Array | null;
  /** The text that `object` was compiled from: compile again when it differs. */
  readonly compiled: string;
  /** File name or example title. */
  readonly title: string;
  /** Gallery id while nothing was edited, else "". */
  readonly gallery: string;
}

export const emptyProgram: Program = { lang: 'asm', text: '', object: null, compiled: '', title: 'New program', gallery: '' };

/** The name under which C is compiled, here and on the server. */
export const sourceName = 'prog.bpf.c';

/** C that was edited since it was compiled. */
export function needsCompiler(p: Program): boolean {
  return p.lang === 'c' && (p.object === null || p.compiled !== p.text);
}

/** What the engine loads; null when C has not been compiled yet. */
export function sourceOf(p: Program): Source | null {
  if (p.lang === 'asm') return { kind: 'asm', text: p.text };
  if (p.object === null) return null;
  if (p.lang === 'object') return { kind: 'object', bytes: p.object, name: p.title };
  return { kind: 'object', bytes: p.object, name: 'prog.bpf.o', sources: { [sourceName]: p.compiled } };
}

export function edited(p: Program, text: string): Program {
  return p.text === text ? p : { ...p, text, gallery: '' };
}

/** A file that somebody dropped: what it seems to be. */
export function fileKind(name: string, head: Uint8Array): 'object' | 'pcap' | 'c' | 'asm' | 'unknown' {
  const magic = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  if (magic === 0x464c457f) return 'object';
  if ([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a].includes(magic)) return 'pcap';
  if (/\.(c|h)$/.test(name)) return 'c';
  if (/\.(s|asm|bpf|txt)$/i.test(name)) return 'asm';
  return 'unknown';
}
