/**
 * One session with a machine. The socket may be lost: within the window that the
 * server names it is opened again, and the session goes on where it was.
 */
import type { Message, Request } from './api';

export interface Ends {
  message(m: Message): void;
  screen?(bytes: Uint8Array): void;
  /** Lost and being opened again, or back. */
  lost?(lost: boolean): void;
}

const address = (): string => {
  const u = new URL('api/real/socket', import.meta.url);
  u.protocol = u.protocol === 'https:' ? 'wss:' : 'ws:';
  return u.href;
};

/** Where a session is remembered, so that it survives a reload of the page. */
const store = (what: string) => `skep.real.${what}`;
/** Wait before the socket is opened again, ms; doubled up to `longest`. */
const firstWait = 300, longest = 4000;

export class Session {
  private ws: WebSocket | null = null;
  private token = '';
  private seen = 0;
  private over = false;
  private lostAt = 0;
  private window = 0;
  private wait = firstWait;

  private constructor(private readonly kind: string, private readonly first: Request | null, private readonly to: Ends) {}

  static start(r: Request, to: Ends): Session {
    const s = new Session(r.do, r, to);
    s.open();
    return s;
  }

  /** The session that this tab had before it was loaded again; null when there is none. */
  static resume(kind: string, to: Ends): Session | null {
    const token = sessionStorage.getItem(store(kind));
    if (token === null) return null;
    const s = new Session(kind, null, to);
    s.token = token;
    s.open();
    return s;
  }

  send(r: Request): void { this.put(JSON.stringify(r)); }
  type(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 32 << 10) this.put(bytes.slice(i, i + (32 << 10)));
  }
  stop(): void {
    if (this.over) return;
    if (this.ws?.readyState === WebSocket.OPEN) this.send({ do: 'stop' });
    else this.end({ is: 'end', code: 'cancelled' });
  }

  private put(b: string | Uint8Array<ArrayBuffer>): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(b);
  }

  private open(): void {
    const ws = this.ws = new WebSocket(address());
    ws.binaryType = 'arraybuffer';
    ws.onopen = () => {
      if (this.lostAt !== 0) this.to.lost?.(false);
      this.lostAt = 0;
      this.wait = firstWait;
      ws.send(JSON.stringify(this.token === '' ? this.first : { do: 'resume', token: this.token, seen: this.seen }));
    };
    ws.onmessage = e => this.got(e.data as string | ArrayBuffer);
    ws.onclose = () => { if (this.ws === ws) this.closed(); };
  }

  private got(data: string | ArrayBuffer): void {
    if (this.over) return;
    if (typeof data !== 'string') {
      this.seen++;
      this.to.screen?.(new Uint8Array(data));
      return;
    }
    const m = JSON.parse(data) as Message;
    if (m.is === 'gap') this.seen += m.dropped ?? 0;
    else this.seen++;
    if (m.is === 'hello') {
      this.token = m.token;
      this.window = m.reconnect_ms ?? 0;
      if (this.window > 0) sessionStorage.setItem(store(this.kind), m.token);
    }
    if (m.is === 'end') this.end(m);
    else this.to.message(m);
  }

  private end(m: Message): void {
    if (this.over) return;
    this.over = true;
    sessionStorage.removeItem(store(this.kind));
    this.ws?.close();
    this.to.message(m);
  }

  private closed(): void {
    if (this.over) return;
    const now = Date.now();
    if (this.lostAt === 0) {
      this.lostAt = now;
      this.to.lost?.(true);
    }
    if (this.token === '' || now - this.lostAt > this.window) {
      this.end({ is: 'end', code: this.token === '' ? 'unreachable' : 'gone', text: 'The connection to the server is lost.' });
      return;
    }
    setTimeout(() => { if (!this.over) this.open(); }, this.wait);
    this.wait = Math.min(longest, this.wait * 2);
  }
}
