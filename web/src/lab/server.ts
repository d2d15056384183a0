/** What the skep server says of a submission: the grade that counts, and real kernels. */
import { site } from './data';
import { device, seed } from './memory';

export interface Report {
  /** "simulator", or a kernel's version. */
  readonly world: string;
  readonly outcome: 'accepted' | 'rejected' | 'not_modelled' | 'unreadable';
  readonly message?: string;
  readonly points: number;
  readonly total: number;
  readonly passed: boolean;
  readonly problems?: readonly { readonly line: number; readonly col: number; readonly message: string; readonly hint?: string }[];
  readonly findings?: readonly ReportFinding[];
  readonly took_ms: number;
  /** It is stored for who is signed in. */
  readonly kept?: boolean;
}

/** A report in a few words, as the server has them (course.Report in Go). */
export function cameTo(r: Report): string {
  if (r.passed) return 'passed';
  return r.outcome === 'rejected' ? 'rejected' : r.outcome === 'unreadable' ? 'could not be tried' : `${r.points} of ${r.total} points`;
}

export interface ReportFinding {
  readonly rule: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly expected?: string;
  readonly got?: string;
}
export interface KernelGrade {
  readonly report: Report;
  /** Where the simulator sees it differently, and why that is. */
  readonly disagree?: string;
  readonly kind?: 'mistake' | 'version' | 'allowed';
  /** Of a mistake: what the server keeps it as. */
  readonly finding?: string;
}
export interface KernelAnswer {
  readonly simulator: Report;
  readonly kernels: readonly KernelGrade[];
  /** Why the lab allows that they differ. */
  readonly allowed?: string;
  /** Which kernels gave no grade, and why. */
  readonly missing?: readonly string[];
  /** What it counts for. */
  readonly counts: Report;
}
/** A place in the queue for a kernel's virtual machine, or of "" for the grader. */
export interface Waiting { readonly kernel: string; readonly position: number; readonly seconds: number }

export type Told<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly why: string;
  /** Seconds after which another try may do. */
  readonly retry?: number;
  /** Nobody answered: no network, or no server behind it at the moment. */
  readonly away?: true;
};

/** What is handed in. */
export interface Submission { readonly lang: string; readonly source: string; readonly attempt: string; readonly at: number }

const noServer = 'This copy of the page has no skep server behind it: the grade in your browser is all there is, and hidden cases are not tried.';
const offline = 'You are offline. The grade in your browser stays.', gone = 'The server cannot be reached now. The grade in your browser stays.';

/** Lines of JSON tell where in a queue one is before the answer comes; the server's word for it. */
const stream = 'application/x-ndjson';

type Body<T> = T & { readonly error?: { readonly message: string; readonly retry?: number } };

export async function ask<T>(lab: string, exercise: string, what: 'grade' | 'kernel', sub: Submission, signal: AbortSignal, waiting: (w: Waiting) => void): Promise<Told<T>> {
  let status: number, body: Body<T>;
  try {
    const r = await fetch(site(`api/labs/${lab}/${exercise}/${what}`), {
      method: 'POST', signal, headers: { 'Content-Type': 'application/json', Accept: `${stream}, application/json` },
      body: JSON.stringify({ ...sub, seed: String(seed()), device }),
    });
    const type = r.headers.get('Content-Type') ?? '';
    if (type.startsWith(stream)) ({ status, body } = await last<Body<T>>(r, waiting));
    else if (type.startsWith('application/json')) [status, body] = [r.status, await r.json() as Body<T>];
    else if (r.status >= 500) return { ok: false, why: gone, away: true }; // a proxy's word
    else return { ok: false, why: noServer };
  } catch (e) {
    if (signal.aborted) throw e;
    return { ok: false, why: navigator.onLine ? gone : offline, away: true };
  }
  if (status < 300) return { ok: true, value: body };
  const why = sentence(body.error?.message ?? `the server answered ${status}`), retry = body.error?.retry;
  return retry === undefined ? { ok: false, why } : { ok: false, why, retry };
}

/** The last line of a stream; those before tell a place in a queue. */
async function last<B>(r: Response, waiting: (w: Waiting) => void): Promise<{ status: number; body: B }> {
  const reader = r.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the answer is cut off');
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const l of lines) {
      const m = JSON.parse(l) as { waiting?: Waiting; status?: number; body?: B };
      if (m.waiting !== undefined) waiting(m.waiting);
      else if (m.status !== undefined) return { status: m.status, body: m.body! };
    }
  }
}

export const sentence = (s: string) => s === '' ? '' : `${s.charAt(0).toUpperCase()}${s.slice(1)}${/[.!?]$/.test(s) ? '' : '.'}`;
