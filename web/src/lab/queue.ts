/**
 * Hand-ins that the server has not graded yet. They wait in the browser's store
 * and go out one after the other, oldest first, when the page is opened, when
 * the network comes back, and now and then. What the server has answered goes
 * out of the store; an answer that got lost is asked for again, and because the
 * server knows a hand-in by its attempt it counts once (server/sqlite/work.go).
 *
 *     const q = new Queue(box, ask, { changed, told, later });
 *     await q.load();
 *     if (await q.add(h)) q.waiting.includes(h);
 *     await q.send();
 */
import type { Report, Submission, Told } from './server';

/** What a student has handed in. */
export interface HandedIn extends Submission {
  /** Who was signed in, "" for nobody. */
  readonly account: string;
  readonly lab: string;
  readonly exercise: string;
}

/** Where they are kept. */
export interface Box {
  /** False: it cannot be kept here. */
  put(h: HandedIn): Promise<boolean>;
  /** Those that may be sent now by who is signed in. */
  all(): Promise<readonly HandedIn[]>;
  drop(h: HandedIn): Promise<void>;
}

export interface On {
  /** `waiting` is another one. */
  changed(): void;
  told(h: HandedIn, t: Told<Report>): void;
  /** Call send in so many milliseconds. */
  later(ms: number): void;
}

/** After so many ms a server that did not answer is tried again. */
export const again = 30_000;

export class Queue {
  waiting: readonly HandedIn[] = [];
  private running: Promise<void> | null = null;

  /** alone runs what only one of all tabs may do at a time. */
  constructor(private readonly box: Box, private readonly ask: (h: HandedIn) => Promise<Told<Report>>, private readonly on: On,
    private readonly alone: (f: () => Promise<void>) => Promise<void> = f => f()) {}

  /** Looks into the store: other tabs, and who has signed in, change it. */
  async load(): Promise<void> {
    this.waiting = [...await this.box.all()].sort((a, b) => a.at - b.at);
    this.on.changed();
  }

  /** Takes one in; false when this browser cannot keep it. */
  async add(h: HandedIn): Promise<boolean> {
    if (!await this.box.put(h)) return false;
    await this.load();
    this.on.later(again);
    return true;
  }

  /** Takes one back that has not gone out. */
  async withdraw(h: HandedIn): Promise<void> {
    await this.box.drop(h);
    await this.load();
  }

  /** Sends what waits until the server does not answer. */
  send(): Promise<void> {
    return this.running ??= this.alone(() => this.all()).finally(() => { this.running = null; });
  }

  private async all(): Promise<void> {
    await this.load();
    for (let h = this.waiting[0]; h !== undefined; h = this.waiting[0]) {
      const t = await this.ask(h);
      if (!t.ok && (t.away === true || t.retry !== undefined)) {
        this.on.later(t.retry === undefined ? again : t.retry * 1000);
        return;
      }
      await this.box.drop(h);
      this.on.told(h, t);
      await this.load();
    }
  }
}
