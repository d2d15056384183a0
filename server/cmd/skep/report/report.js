'use strict';
(() => {
  const d = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const make = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
  const byIndex = new Map(d.Steps.map((s, i) => [s.step, i]));
  let path = d.Paths.findIndex(p => p.end === 'rejected');
  if (path < 0) path = 0;
  let at = 0;

  // The steps from the entry to the end of a path that are here.
  function way(p) {
    const out = [];
    for (let to = -1; p >= 0; p = d.Paths[p].parent) {
      const q = d.Paths[p], end = to < 0 ? q.first + q.steps : to, own = [];
      for (let i = q.first; i < end; i++) if (byIndex.has(i)) own.push(i);
      out.unshift(...own);
      to = q.at + 1;
    }
    return out;
  }
  let steps = way(path);

  const depth = d.Paths.map(p => p.parent < 0 ? 0 : -1);
  d.Paths.forEach((p, i) => { if (p.parent >= 0) depth[i] = depth[p.parent] + 1; });
  const ends = { exit: '✓ exit', pruned: '≡ covered', rejected: '✗ refused', open: '… not walked', stopped: '… stopped' };
  d.Paths.slice(0, 2000).forEach((p, i) => {
    const b = make('button', ' '.repeat(Math.min(depth[i], 12)) + i + ' ' + p.kind + ' at ' + p.insn + ', ' + p.steps + ' steps ' + ends[p.end], p.end);
    b.onclick = () => { path = i; steps = way(i); go(steps.length - 1); };
    $('paths').append(b);
  });

  let source = '';
  for (const i of d.Insns) {
    if (i.source && i.source !== source) $('code').append(make('div', '; ' + i.source, 'src'));
    source = i.source || source;
    const line = make('button', String(i.slot).padStart(4) + ': ' + i.text);
    line.dataset.slot = i.slot;
    line.onclick = () => { const k = steps.findIndex(s => d.Steps[byIndex.get(s)].insn === i.slot); if (k >= 0) go(k); };
    $('code').append(line);
  }
  d.Log.forEach(l => {
    const linked = l.step >= 0 && byIndex.has(l.step), e = make(linked ? 'button' : 'div', l.text || ' ');
    if (linked) {
      e.dataset.step = l.step;
      e.onclick = () => jump(l.step);
    }
    $('log').append(e);
  });

  function jump(step) {
    path = d.Steps[byIndex.get(step)].path;
    steps = way(path);
    go(steps.indexOf(step));
  }

  function mark(box, find) {
    let seen = null;
    for (const e of box.children) {
      const now = find(e);
      e.classList.toggle('now', now);
      if (now) e.setAttribute('aria-current', 'step');
      else e.removeAttribute('aria-current');
      if (now) seen = e;
    }
    if (!seen) return;
    // Within its box only: the page stays where the reader is.
    const top = seen.offsetTop;
    if (top < box.scrollTop || top + seen.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 2;
  }

  function go(n) {
    if (steps.length === 0) return;
    at = Math.max(0, Math.min(n, steps.length - 1));
    const s = d.Steps[byIndex.get(steps[at])], before = new Map(at > 0 ? d.Steps[byIndex.get(steps[at - 1])].places : []);
    $('where').textContent = 'path ' + path + ', step ' + (at + 1) + ' of ' + steps.length + ' (' + s.step + ' of all)';
    const words = [s.insn + ': ' + s.text];
    if (s.kind === 'pruned') words.push('covered by the checkpoint of step ' + s.covered_by + ': the path ends');
    if (s.kind === 'stopped') words.push('the verification ends here');
    for (const c of s.checks || []) words.push((c.failed ? 'Refused: it ' : 'it ') + c.words);
    for (const f of s.no_facts || []) words.push('the comparison taught nothing: ' + f);
    $('say').textContent = words.join('. ');
    const body = $('state');
    body.textContent = '';
    for (const [place, value] of s.places) {
      const tr = make('tr');
      if (before.get(place) !== value) tr.className = 'changed';
      tr.append(make('td', place), make('td', value), make('td', s.whys[place] || ''));
      body.append(tr);
    }
    const visited = new Set(steps.map(i => d.Steps[byIndex.get(i)].insn));
    for (const e of $('code').children) e.classList.toggle('on', e.dataset.slot !== undefined && visited.has(Number(e.dataset.slot)));
    mark($('code'), e => Number(e.dataset.slot) === s.insn);
    mark($('log'), e => Number(e.dataset.step) === s.step);
    mark($('paths'), e => [...$('paths').children].indexOf(e) === path);
  }
  $('first').onclick = () => go(0);
  $('back').onclick = () => go(at - 1);
  $('next').onclick = () => go(at + 1);
  $('last').onclick = () => go(steps.length - 1);
  document.addEventListener('keydown', e => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (by) { go(at + by); e.preventDefault(); }
  });
  go(steps.length - 1);
})();
