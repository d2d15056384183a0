/**
 * What the browser keeps of a student's work: how far each exercise is, what is
 * in its editor, and the attempts before. Bounded; where storage is blocked
 * nothing is kept and nothing fails.
 */

/** How an exercise or question came out at best. */
export interface Done {
  readonly points: number;
  readonly total: number;
  readonly passed: boolean;
  /** The server has graded it too. */
  readonly counts?: boolean;
}

export interface Attempt {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** "rejected", "4 of 7 points". */
  readonly came: string;
}

const maxAttempts = 25;
const maxText = 32 << 10;

function read<T extends object>(key: string, none: T): T {
  try {
    const v: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return typeof v === 'object' && v !== null && Array.isArray(v) === Array.isArray(none) ? v as T : none;
  } catch {
    return none;
  }
}

function write(key: string, v: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(v));
  } catch { /* full or blocked: the page works without */ }
}

const progressKey = (lab: string) => `skep.lab.${lab}`;

export const progressOf = (lab: string): Record<string, Done> => read<Record<string, Done>>(progressKey(lab), {});

/** Keeps the better of what was there and what is new; tells the page. */
export function keep(lab: string, id: string, d: Done): void {
  const all = progressOf(lab), old = all[id];
  const better = old === undefined || d.points / Math.max(1, d.total) >= old.points / Math.max(1, old.total);
  all[id] = { ...(better ? d : old), passed: d.passed || (old?.passed ?? false), counts: (d.counts ?? false) || (old?.counts ?? false) };
  write(progressKey(lab), all);
  dispatchEvent(new CustomEvent('skep-progress'));
}

/** What is kept of one exercise in one language. */
export class Bench {
  constructor(private readonly lab: string, private readonly exercise: string) {}

  private key(what: string): string { return `skep.${what}.${this.lab}/${this.exercise}`; }

  get lang(): string {
    return read<{ lang?: string }>(this.key('lang'), {}).lang ?? '';
  }
  set lang(lang: string) { write(this.key('lang'), { lang }); }

  draft(lang: string): string | null {
    const d = read<{ text?: unknown }>(`${this.key('draft')}.${lang}`, {}).text;
    return typeof d === 'string' ? d : null;
  }
  saveDraft(lang: string, text: string): void {
    if (text.length <= maxText) write(`${this.key('draft')}.${lang}`, { text });
  }

  attempts(lang: string): readonly Attempt[] {
    return read<Attempt[]>(`${this.key('tries')}.${lang}`, []).filter(a => typeof a?.text === 'string');
  }
  /** Adds one, unless it is the last one again. */
  add(lang: string, text: string, came: string): void {
    const all = this.attempts(lang);
    if (text.length > maxText || all.at(-1)?.text === text) return;
    write(`${this.key('tries')}.${lang}`, [...all, { text, at: Date.now(), came }].slice(-maxAttempts));
  }
}
