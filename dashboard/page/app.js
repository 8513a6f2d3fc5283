import { Charts } from './charts.js';
import { explaining } from './explain.js';
import { Purging } from './purge.js';
import { Table } from './table.js';
import { bytes, count, element, number, percent, time, words, write } from './text.js';

const byId = (id) => document.getElementById(id);
const most = 450; // rows: those of 15 minutes

// known is what has come so far from the process that answers.
const known = { process: '', last: 0, rows: [], token: '', changed: 0 };
let paused = false;
let asking = false;
let timer;

const purging = new Purging(post);
explaining(post);
const charts = new Charts(byId('charts'));
const outcome = (name, title = name, rare = true) => ({ name: title, rare, value: (r) => r.outcomes[name] ?? 0, text: (r) => count(r.outcomes[name] ?? 0) });
const within = (r, n) => (n === 0 ? '–' : r.within < 0 ? '> 10 s' : `≤ ${time(r.within)}`);
const shared = (r) => r.outcomes.hit + r.outcomes.stale + r.outcomes.collapsed;

const routes = new Table(byId('routes'), byId('routes-empty'), [
  { name: 'route', value: (r) => r.pattern, text: (r) => r.pattern || '(no route)' },
  { name: 'requests', value: (r) => r.requests, text: (r) => count(r.requests) },
  { name: 'hit ratio', value: (r) => shared(r) / Math.max(1, r.requests - r.outcomes.bypass), text: (r) => percent(shared(r), r.requests - r.outcomes.bypass) },
  outcome('hit', 'hits', false), outcome('miss', 'misses', false),
  { name: 'not stored, since', wide: true, text: (r) => words(r.refused) || '–' },
  outcome('stale'), outcome('collapsed'), outcome('validated'),
  outcome('stale-on-error', 'stale on error'), outcome('bypass', 'bypassed'),
  { name: 'fill, mean', value: (r) => r.mean, text: (r) => (r.fills ? time(r.mean) : '–') },
  { name: 'fill, 95 %', value: (r) => (r.within < 0 ? Infinity : r.within), text: (r) => within(r, r.fills) },
  { name: 'saved', value: (r) => r.saved, text: (r) => time(r.saved) },
  { name: 'bypassed, since', wide: true, rare: true, value: (r) => r.outcomes.bypass, text: (r) => words(r.bypasses) || '–' },
], 'misses', 'What became of the requests of each route');

const refusals = new Table(byId('refusals'), byId('refusals-empty'), [
  { name: 'route', value: (r) => r.route, text: (r) => r.route || '(no route)' },
  { name: 'last', value: (r) => Date.parse(r.last), text: (r) => new Date(r.last).toLocaleTimeString() },
  { name: 'what', wide: true, text: (r) => (r.bypass ? 'nothing was looked up' : 'was not stored') },
  { name: 'why', wide: true, value: (r) => r.reason, text: (r) => r.reason },
  { name: 'times', value: (r) => r.count, text: (r) => count(r.count) },
  { name: 'the last of them', wide: true, text: (r) => r.recent.map((one) => `${one.method} ${one.status} at ${new Date(one.time).toLocaleTimeString()}`).join(', ') },
], 'last', 'Why responses were not stored');

const keys = new Table(byId('keys'), byId('keys-empty'), [
  { name: 'place', value: (k) => k.place, text: (k) => count(k.place) },
  { name: 'key', wide: true, value: (k) => k.name, text: (k) => k.name },
  { name: 'bytes', value: (k) => k.bytes, text: (k) => bytes(k.bytes) },
], 'place', 'The keys that stay in memory the longest');

const audit = new Table(byId('audit'), byId('audit-empty'), [
  { name: 'route', value: (f) => f.pattern, text: (f) => f.pattern || '(no route)' },
  { name: 'compared', value: (f) => f.samples, text: (f) => count(f.samples) },
  { name: 'different', value: (f) => f.differences, text: (f) => count(f.differences), bad: (f) => f.leaks },
  { name: 'finding', wide: true, value: (f) => (f.leaks ? 2 : Number(f.cause !== '')), text: finding, bad: (f) => f.leaks },
  { name: 'what to do', wide: true, text: (f) => f.advice || '–' },
], 'finding', 'What audits have found');

// finding words what audits have found of a route.
function finding(f) {
  const mode = (f.dryRun ? ' Dry run: nothing is served from the cache.' : '') + (f.stopped ? ' No longer cached until the process restarts.' : '');
  if (f.cause) return `differs by ${f.cause}, ${count(f.times)} times (${f.differs}).${mode}`;
  return (f.unexplained ? `${count(f.unexplained)} with no cause in the request, as where data has changed.` : 'nothing wrong so far.') + mode;
}

const failed = ['timed-out', 'failed', 'refused'];
const calls = (k) => Object.values(k.results).reduce((sum, n) => sum + n, 0);
const broken = (k) => failed.reduce((sum, name) => sum + (k.results[name] ?? 0), 0);
const store = new Table(byId('store'), byId('store-empty'), [
  { name: 'calls', value: (k) => k.name, text: (k) => k.name },
  { name: 'state', text: (k) => stateOf(k.state), bad: (k) => k.state !== 'closed' },
  { name: 'all', value: calls, text: (k) => count(calls(k)) },
  { name: 'done', value: (k) => k.results.done, text: (k) => count(k.results.done) },
  { name: 'missed', value: (k) => k.results.missed, text: (k) => count(k.results.missed) },
  ...failed.map((name) => ({ name: name.replace('-', ' '), value: (k) => k.results[name], text: (k) => count(k.results[name]), bad: (k) => k.results[name] > 0 })),
  { name: 'bytes', value: (k) => k.bytes, text: (k) => bytes(k.bytes) },
  { name: 'mean', value: (k) => k.mean, text: (k) => (k.mean ? time(k.mean) : '–') },
  { name: '95 %', value: (k) => k.within, text: (k) => within(k, k.mean) },
], 'calls', 'The calls of the store by their kind');

const servers = new Table(byId('servers'), element('p'), [
  { name: 'server', value: (s) => s.name, text: (s) => s.name },
  ...['reads', 'writes', 'removals'].map((name) => ({ name, text: (s) => stateOf(s[name]), bad: (s) => s[name] !== 'closed' })),
], 'server', 'The servers of the store');

// stateOf words the state of a breaker.
function stateOf(state) {
  return { closed: 'asked', open: 'left alone: it fails', trying: 'being tried' }[state] ?? state;
}

// tell shows a line above everything, or takes it away.
function tell(text, kind = '') {
  const notice = byId('notice');
  notice.hidden = !text;
  notice.className = `notice ${kind}`;
  write(notice, text);
}

function live(text, kind = '') {
  byId('live').className = `badge ${kind}`;
  write(byId('live'), text);
}

// tiles shows numbers with their names: [name, number, more, kind].
function tiles(all) {
  const box = byId('tiles');
  while (box.children.length > all.length) box.lastChild.remove();
  while (box.children.length < all.length) box.append(element('div', [element('dt'), element('dd'), element('dd', '', { class: 'more' })]));
  all.forEach(([name, value, more = '', kind = ''], i) => {
    const tile = box.children[i];
    tile.className = kind;
    [name, value, more].forEach((text, part) => write(tile.children[part], text));
  });
}

// recent is by how much a number has grown in the last minute, and in how many seconds.
function recent(name) {
  const last = known.rows.at(-1);
  const first = known.rows[Math.max(0, known.rows.length - 31)];
  if (!last || first === last) return null;
  return { by: last[name] - first[name], seconds: (last.at - first.at) / 1000 };
}

function showTiles(s) {
  const [requests, hits, bypassed, saved] = ['requests', 'shared', 'bypassed', 'saved'].map(recent);
  const all = s.routes.reduce((sum, r) => sum + r.requests - r.outcomes.bypass, 0);
  const bad = s.store.filter((k) => k.state !== 'closed').map((k) => k.name);
  const failures = s.store.reduce((sum, k) => sum + broken(k), 0);
  const since = (text) => `${text} since the start`;
  const list = [
    ['hit ratio, last minute', requests ? percent(hits.by, requests.by - bypassed.by) : '–', since(percent(s.routes.reduce((sum, r) => sum + shared(r), 0), all))],
    ['requests a second', requests ? number(requests.by / requests.seconds) : '–', since(count(s.routes.reduce((sum, r) => sum + r.requests, 0)))],
    ['handler time saved a second', saved ? time(saved.by / saved.seconds) : '–', since(time(s.routes.reduce((sum, r) => sum + r.saved, 0)))],
    ['store', bad.length ? 'left alone' : 'answers', bad.length ? `it fails: ${bad.join(', ')}` : since(`${count(failures)} calls failed`), bad.length ? 'bad' : ''],
  ];
  for (const [name, m] of [['memory', s.memory], ['near copies', s.near]]) {
    if (m.limit > 0) list.push([name, bytes(m.bytes), `of ${bytes(m.limit)}, ${count(m.entries)} entries, ${count(m.evictions)} evicted`]);
  }
  if (s.memory.limit === 0) list.push(['waiting for the store', count(s.waiting), bytes(s.waitingBytes)]);
  list.push(['owed to the store', count(s.owed), 'purges that it has not taken', s.owed ? 'warn' : '']);
  list.push(['responses stored', count(s.responses.stored), words({ ...s.responses, stored: 0 }, 2)]);
  tiles(list);
}

function show(s) {
  const other = known.process !== s.process.id;
  const before = known.process;
  if (other) Object.assign(known, { process: s.process.id, rows: [], changed: before ? Date.now() : 0 });
  known.last = s.last;
  known.token = s.token;
  for (const row of s.rows) known.rows.push(Object.fromEntries(s.names.map((name, i) => [name, row[i]])));
  known.rows.splice(0, Math.max(0, known.rows.length - most));

  const started = new Date(s.process.started).toLocaleString();
  write(byId('process'), `This process: ${s.process.host}, ${s.process.pid}, since ${started}. Of a fleet, each process has a page of its own.`);
  if (s.closed) tell('The cache of this process is closed: each request runs its handler.', 'bad');
  else if (Date.now() - known.changed < 30e3) tell('Another process has answered: it was started anew, or several of a fleet answer at this address. The figures are those of the one above.');
  else tell('');
  showTiles(s);
  charts.show(known.rows);
  routes.show(s.routes.map((r) => ({ ...r, id: r.pattern })), 'No request has come to a route with a Cached yet.');
  refusals.show(s.refusals.map((r) => ({ ...r, id: `${r.route} ${r.reason} ${r.bypass}` })), 'Nothing was refused so far.');
  keys.show((s.keys ?? []).map((k, i) => ({ ...k, place: i + 1, id: k.name })), 'Nothing is held in the memory of this process.');
  byId('keys-box').hidden = s.keys === null;
  audit.show(s.audit.map((f) => ({ ...f, id: `${f.pattern} ${f.cause}` })), 'No hit was audited yet. Audits are off unless WithAudit, WithDryRun or Config.Audit say otherwise.');
  store.show(s.store.filter((k) => calls(k) > 0).map((k) => ({ ...k, id: k.name })), 'Nothing was asked of the store yet. Live objects in memory are read without.');
  servers.show(s.servers.map((one) => ({ ...one, id: one.name })));
  purging.show(s.purges && !s.closed);
  byId('servers-box').hidden = s.servers.length === 0;
}

// problem words what is wrong with an answer.
function problem(response) {
  if (response.status === 401 || response.status === 403) return `The program does not let you see this any more (${response.status}): log in again and reload the page.`;
  if (response.redirected) return 'The program has sent this page elsewhere, as to a login: reload it.';
  return `The program answers with ${response.status}: the figures are the last ones that came.`;
}

async function poll() {
  clearTimeout(timer);
  if (paused || document.hidden || asking) return;
  asking = true;
  try {
    const query = new URLSearchParams({ process: known.process, since: known.last });
    const response = await fetch(`state?${query}`, { cache: 'no-store', headers: { Accept: 'application/json' } });
    if (!response.ok || response.redirected) {
      live('no figures', 'bad');
      tell(problem(response), 'bad');
    } else {
      show(await response.json());
      live('live');
    }
  } catch (error) {
    live('no answer', 'bad');
    tell(`The program does not answer (${error.message}). The figures are the last ones that came; this page goes on asking.`, 'bad');
  }
  asking = false;
  document.body.dataset.polls = Number(document.body.dataset.polls ?? 0) + 1;
  clearTimeout(timer);
  timer = setTimeout(poll, 2000);
}

// post sends what is asked for to the program, and returns the status and what it says.
async function post(name, body) {
  const response = await fetch(name, {
    method: 'POST', cache: 'no-store', body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-Cachette-Token': known.token },
  });
  const json = response.headers.get('Content-Type')?.startsWith('application/json');
  return { status: response.status, said: json ? await response.json() : {} };
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', String(paused));
  if (paused) live('paused', 'warn');
  poll();
});
document.addEventListener('visibilitychange', poll);
poll();
