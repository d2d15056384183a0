/**
 * The lab pages: exercises and questions become alive; on wide windows the
 * exercise that one reads about stands beside the text. The list shows how far
 * one is.
 */
import './account';
import { grader } from './client';
import { lab } from './data';
import type { Exercise } from './exercise';
import './exercise';
import { keepCourse, liveMap, showProgress } from './list';
import './live';
import { keepOffline } from './offline';
import './question';

const wide = matchMedia('(min-width: 1100px)');

/** The exercise that is shown beside the text. */
function beside(all: readonly Exercise[]): void {
  let active: Exercise | null = null;
  const show = (e: Exercise) => {
    e.wake();
    if (e === active) return;
    active?.removeAttribute('active');
    active = e;
    e.setAttribute('active', '');
  };
  const section = (e: Exercise) => e.closest('section') ?? e;
  /** The last exercise whose text has begun in the upper part of the window, else the first. */
  const follow = () => {
    if (!wide.matches) return;
    const begun = all.filter(e => section(e).getBoundingClientRect().top < innerHeight * 0.3);
    const next = begun.at(-1) ?? all[0];
    if (next !== undefined) show(next);
  };
  let waiting = false;
  addEventListener('scroll', () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; follow(); });
  }, { passive: true });
  wide.addEventListener('change', follow);
  addEventListener('resize', follow);
  for (const e of all) {
    e.addEventListener('focusin', () => show(e));
    section(e).addEventListener('focusin', () => { if (wide.matches) show(e); });
  }
  const seen = new IntersectionObserver(entries => {
    for (const x of entries) if (x.isIntersecting && !wide.matches) (x.target as Exercise).wake();
  }, { rootMargin: '400px' });
  for (const e of all) seen.observe(e);
  follow();
}

/** Hints come one by one: the next is there once the one before was opened. */
function hints(): void {
  for (const s of document.querySelectorAll('section.exercise')) {
    const all = [...s.querySelectorAll<HTMLDetailsElement>('details.hint')];
    all.forEach((h, i) => {
      if (i > 0) h.hidden = true;
      h.addEventListener('toggle', () => { if (h.open && all[i + 1] !== undefined) all[i + 1]!.hidden = false; });
    });
  }
}

if (lab !== null) {
  grader.warm();
  hints();
  beside([...document.querySelectorAll<Exercise>('skep-exercise')]);
}
showProgress();
addEventListener('skep-progress', showProgress); // of other devices
addEventListener('pageshow', e => { if (e.persisted) showProgress(); }); // Back brings the page as it was left
liveMap();
keepOffline();
void keepCourse();
