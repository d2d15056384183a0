/**
 * A second verifier, for questions beside the editor's: as somebody else, or
 * with something changed. Started when the first such question is asked.
 */
import type { Source } from '../engine/api';
import { VerdictClient, verifierInWorker, type Privilege, type Verified } from '../engine/verdict';
import { mainPath, type Side } from './align';
import type { Paths } from './paths';
import type { Trace } from './types';

let client: VerdictClient | null = null;

export async function verifyAs(source: Source, program: number, hook: string, privilege: Privilege): Promise<Verified | string> {
  client ??= new VerdictClient(verifierInWorker(new URL(SKEP_WORKER, import.meta.url), new URL(SKEP_VERIFY, import.meta.url)));
  const a = await client.ask(source, program, { hook, privilege, level: 2, logMax: 0 });
  return a.kind === 'verdict' ? a.verdict : a.kind === 'failed' ? a.why : 'another question came first';
}

export function sideOf(name: string, v: Verified, trace: Trace, paths: Paths, text: (pc: number) => string): Side {
  const words = v.outcome === 'accepted' ? '✓ accepted' : v.outcome === 'rejected' ? `✖ rejected: ${v.errors[0] ?? v.errnoName}` : 'no verdict';
  return { name, trace, paths, path: mainPath(trace), text, verdict: words };
}
