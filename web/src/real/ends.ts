/** How a job can end, as a screen of its own: what happened, and what to do. */
import { html, nothing, type TemplateResult } from 'lit';
import { sentence } from '../ui/words';

export interface End { readonly code: string; readonly text?: string; readonly wait_ms?: number }

/** Heading and advice by the server's code. `{}` is the server's own text as a sentence, `{raw}` as it came. */
const screens: Readonly<Record<string, readonly [heading: string, words: string, tone?: 'bad']>> = {
  'no-machines': ['No virtual machines on this server', 'The server says: {raw}. Whoever runs it finds out more with "skep sandbox doctor". Everything else on the page works.'],
  'no-server': ['A server is needed', '{}'],
  unreachable: ['The server cannot be reached', 'It may be restarting, or the network is gone. Everything in the page goes on working.'],
  level: ['This server may not run your program', '{} It confines virtual machines less strongly than it was told to demand.'],
  'queue-full': ['Every machine is taken', '{}'],
  'sessions-full': ['Every machine for longer sessions is taken', '{}'],
  'have-one': ['You have a machine already', 'It runs in another tab or window of this browser. One visitor has one machine at a time.'],
  replaced: ['Ended by you', '{}'],
  source: ['The program does not load', '{}', 'bad'],
  panic: ['The kernel crashed', '{} Only your own virtual machine is gone; a new one is a click away.', 'bad'],
  reset: ['The virtual machine rebooted', 'It is not started again: a new one is a click away.', 'bad'],
  'power-off': ['The virtual machine was switched off', 'From the inside. A new one is a click away.'],
  'wall-limit': ['Time is up', '{}'],
  'cpu-limit': ['Out of processor time', '{} Somebody else needs the processor too.'],
  'output-limit': ['Too much output', '{}'],
  'bad-frame': ['The virtual machine broke its protocol', '{}', 'bad'],
  qemu: ['The virtual machine failed', '{}', 'bad'],
  idle: ['Closed for lack of use', '{} A new machine is a click away.'],
  gone: ['The session is over', '{}'],
  cancelled: ['Stopped', 'Nothing is running any more.'],
  'shell-exit': ['The shell has ended', 'And its virtual machine with it.'],
  internal: ['Something broke on the server', '{}', 'bad'],
  'bad-request': ['The server did not understand the page', '{} Loading the page again may help: it may be of another version than the server.', 'bad'],
};

/** The screen of an end. `again` is offered where trying again makes sense, `replace` where another session is in the way. */
export function endScreen(e: End, again: (() => void) | null, replace: (() => void) | null = null): TemplateResult | typeof nothing {
  if (e.code === 'done') return nothing;
  const [heading, words, tone] = screens[e.code] ?? ['It ended', '{}'];
  const said = e.text ?? '', text = words.replace('{raw}', said).replace('{}', sentence(said)).trim();
  return html`<section class="end ${tone ?? ''}" role="status" data-end=${e.code}><h3>${tone === 'bad' ? html`<span aria-hidden="true">✖ </span>` : nothing}${heading}</h3>
    <p>${text}</p>
    <div class="acts">${e.code === 'have-one' && replace !== null ? html`<button class="primary" @click=${replace}>End the other and start here</button>`
      : again === null || e.code === 'no-machines' || e.code === 'level' ? nothing : html`<button class="primary" @click=${again}>Try again</button>`}</div></section>`;
}
