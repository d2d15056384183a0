/** Asks the server to compile C; a static copy or an offline page has none. */
import type { Problem } from '../engine/api';

export type Compiled =
  | { readonly ok: true; readonly object: Uint8Array; readonly problems: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Whether somebody compiles here. */
export type Compiler =
  | { readonly there: true; readonly name: string }
  | { readonly there: false; readonly why: string };

interface Diagnostic {
  readonly line: number;
  readonly col: number;
  readonly severity: string;
  readonly message: string;
  readonly file?: string;
}
interface Answer {
  readonly ok?: boolean;
  readonly object?: string;
  readonly diagnostics?: readonly Diagnostic[];
  readonly error?: { readonly message: string };
}

const noServer = 'C is compiled by clang on a skep server, and this copy of the page has none. '
  + 'Assembly, objects that you drop here and all examples work without.';
const offline = 'C is compiled by clang on the skep server, and you are offline. Assembly, objects and all examples work.';

const address = () => new URL('api/compile', import.meta.url);

export async function findCompiler(): Promise<Compiler> {
  if (!navigator.onLine) return { there: false, why: offline };
  try {
    const r = await fetch(address(), { headers: { Accept: 'application/json' } });
    const type = r.headers.get('Content-Type') ?? '';
    if (!type.startsWith('application/json')) return { there: false, why: noServer };
    const a = await r.json() as { readonly compiler?: string } & Answer;
    if (!r.ok) return { there: false, why: a.error?.message ?? noServer };
    return { there: true, name: a.compiler ?? 'clang' };
  } catch {
    return { there: false, why: navigator.onLine ? noServer : offline };
  }
}

export async function compile(source: string, signal: AbortSignal): Promise<Compiled> {
  let r: Response;
  try {
    r = await fetch(address(), {
      method: 'POST', signal, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ source }),
    });
  } catch (e) {
    if (signal.aborted) throw e;
    return no(navigator.onLine ? noServer : offline);
  }
  let a: Answer;
  try {
    a = await r.json() as Answer;
  } catch {
    return no(r.status === 404 || r.status === 405 ? noServer : `the server answered ${r.status} without an explanation`);
  }
  if (!r.ok) {
    const wait = r.headers.get('Retry-After');
    return no(a.error?.message ?? `the server answered ${r.status}`, wait === null ? '' : `try again in ${wait} s`);
  }
  const problems = (a.diagnostics ?? []).filter(d => d.severity !== 'note' || !elsewhere(d)).map(toProblem);
  if (a.ok !== true || a.object === undefined) {
    return problems.length > 0 ? { ok: false, problems } : no('the compiler refused the program without a reason');
  }
  const object = Uint8Array.from(atob(a.object), c => c.charCodeAt(0));
  return { ok: true, object, problems };
}

/** In a header, not in the student's own text. */
const elsewhere = (d: Diagnostic): boolean =>
  d.file !== undefined && d.file !== '' && !/(^|\/)prog(\.bpf)?\.c$|^<stdin>$/.test(d.file);

function toProblem(d: Diagnostic): Problem {
  const far = elsewhere(d);
  return {
    where: 'source', severity: d.severity === 'warning' || d.severity === 'note' ? 'warning' : 'error',
    message: far ? `${d.file}: ${d.message}` : d.message, hint: '',
    line: far ? 0 : d.line, col: far ? 0 : d.col, length: 0, word: '', offset: -1,
  };
}

function no(message: string, hint = ''): Compiled {
  return {
    ok: false,
    problems: [{ where: 'source', severity: 'error', message, hint, line: 0, col: 0, length: 0, word: '', offset: -1 }],
  };
}
