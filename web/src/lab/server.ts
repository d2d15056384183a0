/** What the skep server says of a submission: the grade that counts, and real kernels. */
import { site } from './data';

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
}
export interface ReportFinding {
  readonly rule: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly expected?: string;
  readonly got?: string;
}
export interface KernelAnswer {
  readonly simulator: Report;
  readonly kernels: readonly { readonly report: Report; /** Where the two see it differently. */ readonly disagree?: string }[];
  /** Why the lab allows that. */
  readonly allowed?: string;
}

export type Told<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const noServer = 'This copy of the page has no skep server behind it: the grade in your browser is all there is.';
const offline = 'You are offline. The grade in your browser stays, and you can hand in when you are back.';

export async function ask<T>(lab: string, exercise: string, what: 'grade' | 'kernel', lang: string, source: string, signal: AbortSignal): Promise<Told<T>> {
  let r: Response;
  try {
    r = await fetch(site(`api/labs/${lab}/${exercise}/${what}`), {
      method: 'POST', signal, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ lang, source }),
    });
  } catch (e) {
    if (signal.aborted) throw e;
    return { ok: false, why: navigator.onLine ? noServer : offline };
  }
  if (!(r.headers.get('Content-Type') ?? '').startsWith('application/json')) return { ok: false, why: noServer };
  const body = await r.json() as T & { readonly error?: { readonly message: string } };
  if (r.ok) return { ok: true, value: body };
  const wait = r.headers.get('Retry-After');
  return { ok: false, why: `${sentence(body.error?.message ?? `the server answered ${r.status}`)}${wait === null ? '' : ` Try again in ${wait} seconds.`}` };
}

export const sentence = (s: string) => s === '' ? '' : `${s.charAt(0).toUpperCase()}${s.slice(1)}${/[.!?]$/.test(s) ? '' : '.'}`;
