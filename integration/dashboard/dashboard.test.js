import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AxeBuilder } from '@axe-core/playwright';
import { changed, launch, open, start } from './site.js';

const images = process.env.IMAGES;
let browser, busy, quiet, empty;

before(async () => {
  browser = await launch();
  [busy, quiet, empty] = await Promise.all([start('-remote'), start('-rate', '20'), start('-rate', '0')]);
});

after(async () => {
  await browser?.close();
  for (const shop of [busy, quiet, empty]) shop?.stop();
});

// numbers returns the numbers of a column of a table, by its heading.
async function column(page, table, heading) {
  return page.locator(table).evaluate((node, name) => {
    const at = [...node.querySelectorAll('thead th')].findIndex((head) => head.textContent === name);
    return [...node.querySelectorAll('tbody tr')].map((row) => row.children[at].textContent);
  }, heading);
}

const asNumbers = (texts) => texts.map((text) => Number(text.replaceAll(',', '')));
const falling = (numbers) => [...numbers].sort((a, b) => b - a);

// hits tells whether a page of a shop comes from its cache.
async function hits(shop, path) {
  const response = await fetch(shop.url + path);
  await response.text();
  return response.headers.get('Cache-Status').startsWith('cachette; hit');
}

// sound fails where axe finds what is serious.
async function sound(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`), [], what);
}

const tile = (page, name) => page.locator('#tiles > div', { hasText: name }).locator('dd').first();

test('it loads, from its own host alone, and the browser has nothing against it', async () => {
  const page = await open(browser, busy);
  await page.waitForSelector('.plot canvas');
  assert.ok((await page.locator('.plot canvas').count()) >= 5);
  for (const figure of await page.locator('figure').all()) assert.ok((await figure.boundingBox()).height > 150);
  const drawn = await page.locator('.plot canvas').evaluateAll((all) => all.map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value > 0);
  }));
  assert.ok(drawn.every(Boolean), 'a chart is blank');
  assert.ok((await page.locator('#routes tbody tr').count()) >= 9);
  assert.match(await page.locator('#process').textContent(), /^This process: .+, \d+, since .+fleet/);
  assert.deepEqual(page.problems, []);
  await page.context().close();
});

test('what it shows goes on, and stops while it is paused or hidden', async () => {
  const page = await open(browser, busy);
  const requests = async () => asNumbers(await column(page, '#routes', 'requests')).reduce((a, b) => a + b, 0);
  const first = await requests();
  await page.waitForFunction(() => Number(document.body.dataset.polls) >= 3);
  assert.ok((await requests()) > first, 'the figures stand still');
  await page.getByRole('button', { name: 'Pause' }).click();
  assert.equal(await page.locator('#live').textContent(), 'paused');
  let asked = 0;
  page.on('request', () => asked++);
  const [pausedAt] = [await requests(), await page.waitForTimeout(4500)];
  assert.equal(await requests(), pausedAt);
  assert.equal(asked, 0);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForFunction(() => document.getElementById('live').textContent === 'live');
  assert.ok((await requests()) > pausedAt);
  await page.context().close();
});

test('routes are sorted by misses at first, and by the heading that is chosen', async () => {
  const page = await open(browser, busy);
  await page.getByRole('button', { name: 'Pause' }).click();
  const routes = page.locator('#routes');
  assert.equal(await routes.locator('[aria-sort]').textContent(), 'misses');
  const misses = asNumbers(await column(page, '#routes', 'misses'));
  assert.deepEqual(misses, falling(misses));
  for (const heading of ['requests', 'hits', 'collapsed']) {
    await routes.getByRole('button', { name: heading, exact: true }).click();
    assert.equal(await routes.locator('[aria-sort=descending]').textContent(), heading);
    const numbers = asNumbers(await column(page, '#routes', heading));
    assert.deepEqual(numbers, falling(numbers), heading);
    await routes.getByRole('button', { name: heading, exact: true }).click();
    assert.equal(await routes.locator('[aria-sort=ascending]').textContent(), heading);
    assert.deepEqual(asNumbers(await column(page, '#routes', heading)), falling(numbers).reverse(), heading);
  }
  await routes.getByRole('button', { name: 'route', exact: true }).click();
  const patterns = await column(page, '#routes', 'route');
  assert.deepEqual(patterns, [...patterns].sort((a, b) => a.localeCompare(b)));
  await page.context().close();
});

test('a look-up tells what would become of a request, by a path or a URL, with fields', async () => {
  const page = await open(browser, quiet);
  const explanation = page.locator('#explain-text');
  const ask = async (url, fields = '') => {
    await page.getByLabel('URL').fill(url);
    await page.getByLabel('Header fields').fill(fields);
    await page.getByRole('button', { name: 'Explain' }).click();
  };
  await ask('/blog/looked-up');
  await explanation.filter({ hasText: /outcome +miss/ }).waitFor();
  await hits(quiet, '/blog/looked-up');
  await ask('/blog/looked-up');
  await explanation.filter({ hasText: /outcome +hit/ }).waitFor();
  assert.match(await explanation.textContent(), /route +\/blog\/:slug/);
  await ask(`${quiet.url}/blog/looked-up`, 'Cache-Control: no-cache\nAccept-Language: de');
  await explanation.filter({ hasText: /outcome +miss/ }).waitFor();
  await sound(page, 'an explanation');
  await ask('<img src=x onerror=alert(1)>');
  await page.getByText(/cannot be told \(400\): .*is no URL with a host/).waitFor();
  assert.equal(await explanation.isVisible(), false);
  await ask('/blog/looked-up', 'no field');
  await page.getByText(/is no field of a header/).waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  await page.context().close();
});

test('a look-up of a QUERY is one of its content', async () => {
  const page = await open(browser, quiet);
  const asks = async (content) => {
    await page.getByLabel('URL').fill('/search');
    await page.getByLabel('Header fields').fill('Content-Type: text/plain');
    await page.getByLabel('Content, byte for byte').fill(content);
    await page.getByRole('button', { name: 'Explain' }).click();
  };
  assert.equal(await page.getByLabel('Content, byte for byte').isVisible(), false);
  await page.getByLabel('Method').selectOption('QUERY');
  const response = await fetch(`${quiet.url}/search`, { method: 'QUERY', body: 'chair', headers: { 'Content-Type': 'text/plain' } });
  await response.text();
  await asks('chair');
  await page.locator('#explain-text').filter({ hasText: /outcome +hit/ }).waitFor();
  await asks('table');
  await page.locator('#explain-text').filter({ hasText: /outcome +miss/ }).waitFor();
  await sound(page, 'an explanation of a QUERY');
  await page.getByLabel('Method').selectOption('GET');
  assert.equal(await page.getByLabel('Content, byte for byte').isVisible(), false);
  await page.context().close();
});

test('what audits have found of clients comes before what changes by itself, and alone in red', async () => {
  const one = { hits: 9, samples: 9, unexplained: 0, times: 3, differs: 'body', advice: 'do it' };
  const page = await open(browser, empty, {
    before: (shown) => changed(shown, (s) => {
      s.audit = [
        { ...one, pattern: '/clock', differences: 900, cause: 'time or chance', leaks: false },
        { ...one, pattern: '/right', differences: 0, cause: '', leaks: false },
        { ...one, pattern: '/account', differences: 2, cause: 'the cookie "session"', leaks: true },
      ];
    }),
  });
  await page.ready();
  assert.deepEqual(await column(page, '#audit', 'route'), ['/account', '/clock', '/right']);
  const red = await page.locator('#audit tr:has(.bad) th').allTextContents();
  assert.deepEqual(red, ['/account']);
  await page.context().close();
});

test('a purge says what it will do, does nothing until then, and that alone', async () => {
  const page = await open(browser, quiet);
  for (const [kind, name, gone, stays, says] of [
    ['a path', '/blog/purged-1', '/blog/purged-1', '/blog/purged-2', /for the path \/blog\/purged-1/],
    ['paths that begin with', '/blog/purged-', '/blog/purged-3', '/products/4990', /begin with \/blog\/purged-/],
    ['a tag', 'product:4991', '/products/4991', '/products/4992', /tagged product:4991/],
    ['a namespace', 'blog', '/blog/purged-5', '/products/4993', /namespace blog.*all keys/],
  ]) {
    for (const path of [gone, stays]) await hits(quiet, path);
    await page.locator('#purge-kind').selectOption({ label: kind });
    await page.getByLabel('Which').fill(name);
    await page.getByRole('button', { name: 'Purge…' }).click();
    const dialog = page.getByRole('dialog');
    assert.match(await dialog.textContent(), says);
    assert.match(await dialog.textContent(), /cannot be taken back/);
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    assert.ok(await hits(quiet, gone), `${name} is gone though it was left`);
    await page.getByRole('button', { name: 'Purge…' }).click();
    await dialog.getByRole('button', { name: 'Purge', exact: true }).click();
    await page.getByText(`${name} is purged.`).waitFor();
    assert.equal(await hits(quiet, gone), false, `${gone} is not gone`);
    assert.ok(await hits(quiet, stays), `${stays} is gone, too`);
  }
  await page.locator('#purge-kind').selectOption({ label: 'a path' });
  await page.getByLabel('Which').fill('<img src=x onerror=alert(1)>');
  await page.getByRole('button', { name: 'Purge…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Purge', exact: true }).click();
  await page.getByText(/is not purged \(400\): .*is not a path/).waitFor();
  assert.equal(await page.locator('#purge-said img, dialog img').count(), 0);
  await page.context().close();
});

test('a page of another origin purges nothing', async () => {
  const path = '/blog/forged';
  await hits(quiet, path);
  const evil = quiet.url.replace('127.0.0.1', 'localhost');
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route(`${evil}/evil`, (route) => route.fulfill({
    contentType: 'text/html',
    body: `<form method="post" enctype="text/plain" action="${quiet.page}purge"><input name='{"everything":true,"x":"' value='"}'></form>`,
  }));
  await page.goto(`${evil}/evil`);
  const answered = page.waitForResponse(`${quiet.page}purge`);
  await page.evaluate(() => document.forms[0].submit());
  const response = await answered;
  assert.equal(response.status(), 403);
  assert.equal((await response.request().allHeaders())['sec-fetch-site'] ?? 'cross-site', 'cross-site');
  await page.waitForURL(`${quiet.page}purge`);
  await page.goto(`${evil}/evil`);
  const sent = await page.evaluate(async (url) => {
    const body = '{"everything": true}';
    const plain = await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body }).then((r) => r.type, (e) => e.name);
    const json = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json', 'X-Cachette-Token': 'x' } }).then(() => 'sent', (e) => e.name);
    const read = await fetch(url.replace('purge', 'state')).then(() => 'read', (e) => e.name);
    return { plain, json, read };
  }, `${quiet.page}purge`);
  assert.ok(['opaque', 'TypeError'].includes(sent.plain), sent.plain);
  assert.deepEqual([sent.json, sent.read], ['TypeError', 'TypeError']);
  assert.ok(await hits(quiet, path));
  await context.close();
});

test('all of it works by keyboard alone', async () => {
  const page = await open(browser, quiet);
  await hits(quiet, '/blog/by-keyboard');
  const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);
  // to presses Tab until something has the focus, which is seen then.
  const to = async (name) => {
    for (let i = 0; i < 80; i++) {
      if ((await focused()) === name) {
        const { style, width } = await page.evaluate(() => {
          const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
          return { style: outlineStyle, width: parseFloat(outlineWidth) };
        });
        assert.ok(style !== 'none' && width >= 1, `${name}: the focus is not seen`);
        return;
      }
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab does not come to ${name}`);
  };
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to the figures');
  await to('Pause');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('#live').textContent(), 'paused');
  await page.keyboard.press('Space');
  await to('requests');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#routes [aria-sort]').textContent(), 'requests');
  await to('purge-name');
  await page.keyboard.type('/blog/by-keyboard');
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'Leave it');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog[open]').count(), 0);
  assert.equal(await focused(), 'purge-name');
  assert.ok(await hits(quiet, '/blog/by-keyboard'));
  await page.keyboard.press('Enter');
  await to('Purge');
  await page.keyboard.press('Enter');
  await page.getByText('/blog/by-keyboard is purged.').waitFor();
  assert.equal(await hits(quiet, '/blog/by-keyboard'), false);
  await page.context().close();
});

test('it is readable on a phone, light and dark, and axe finds nothing serious', async () => {
  for (const [name, viewport] of Object.entries({ phone: { width: 360, height: 740 }, desk: { width: 1280, height: 900 } })) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open(browser, busy, { viewport, colorScheme });
      await page.waitForSelector('.plot canvas');
      const [width, ink, paper] = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.body);
        const light = (text) => text.match(/\d+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0);
        return [document.documentElement.scrollWidth, light(color), light(backgroundColor)];
      });
      assert.ok(width <= viewport.width, `${name}: it is ${width} wide`);
      if (name === 'phone') {
        const cut = await page.locator('.scroll:visible').evaluateAll((all) => all.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.getAttribute('aria-labelledby')));
        assert.deepEqual(cut, [], 'these tables are not seen in whole');
      }
      assert.equal(ink > paper, colorScheme === 'dark', `${name}, ${colorScheme}`);
      const small = await page.locator('button:visible').evaluateAll((all) => all.filter((button) => {
        const { width, height } = button.getBoundingClientRect();
        return width < 24 || height < 24;
      }).map((button) => button.textContent));
      assert.deepEqual(small, [], `${name}: too small to be touched`);
      await sound(page, `${name}, ${colorScheme}`);
      if ((name === 'phone') === (colorScheme === 'dark')) {
        await page.getByLabel('Which').fill('/blog/some');
        await page.getByRole('button', { name: 'Purge…' }).click();
        await sound(page, `${name}, ${colorScheme}, asking`);
      }
      await page.context().close();
    }
  }
  const page = await open(browser, busy);
  const colour = () => page.locator('figure').first().evaluate((node) => getComputedStyle(node.querySelector('.key')).backgroundColor);
  const light = await colour();
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.notEqual(await colour(), light, 'the charts keep the colours of before');
  await page.context().close();
});

test('it says when there is nothing yet, and what is wrong', async () => {
  const page = await open(browser, empty);
  await page.getByText('No request has come to a route with a Cached yet.').waitFor();
  await page.getByText('Nothing was asked of the store yet.').waitFor();
  await sound(page, 'empty');
  const notice = page.locator('#notice');
  const ask = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange'))); // now, and not in two seconds
  for (const [answer, says] of [
    [{ status: 500 }, /answers with 500: the figures are the last/], [{ status: 401 }, /log in again/], [{ status: 403 }, /log in again/], [null, /does not answer/],
  ]) {
    await page.route('**/state?*', (route) => (answer ? route.fulfill(answer) : route.abort()));
    await ask();
    await notice.filter({ hasText: says }).waitFor();
    assert.match(await page.locator('#live').textContent(), /no/);
    if (!answer) await sound(page, String(says));
    await page.unroute('**/state?*');
    await ask();
    await page.waitForFunction(() => document.getElementById('live').textContent === 'live');
    assert.equal(await notice.isVisible(), false);
  }
  for (const [change, says] of [
    [(s) => { s.closed = true; }, /cache of this process is closed/],
    [(s) => { s.process.id = 'another'; }, /Another process has answered/],
  ]) {
    await changed(page, change);
    await ask();
    await notice.filter({ hasText: says }).waitFor();
    await page.unroute('**/state?*');
  }
  await changed(page, (s) => { Object.assign(s.store[0], { state: 'open' }); s.store[0].results.failed = 3; });
  await tile(page, 'store').filter({ hasText: 'left alone' }).waitFor();
  await page.getByText('left alone: it fails').first().waitFor();
  await page.context().close();

  // What is there before the first figures come.
  let go;
  const waits = new Promise((resolve) => { go = resolve; });
  const loading = await open(browser, empty, { before: (p) => p.route('**/state?*', async (route) => { await waits; await route.continue(); }) });
  assert.equal(await loading.locator('#live').textContent(), 'loading');
  assert.match(await loading.locator('#charts').textContent(), /Loading/);
  go();
  await loading.ready();
  assert.doesNotMatch(await loading.locator('main').textContent(), /Loading/);
  await loading.context().close();
});

test('whatever is in a name, a reason or an error is text', async () => {
  const planted = '<script>planted()</script><img src=x onerror=planted()>';
  // plant adds it to each text of a state, and to each name in it that the page does not look for.
  const plant = (value) => {
    if (typeof value === 'string') return value + planted;
    if (Array.isArray(value)) return value.map(plant);
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plant(v)]));
    return value;
  };
  const page = await open(browser, busy, {
    before: async (p) => {
      await p.exposeFunction('planted', () => p.problems.push('a planted script ran'));
      await changed(p, (s) => {
        const names = s.names;
        const reasons = { [planted]: 3 };
        s.routes.forEach((r) => Object.assign(r, { refused: reasons, bypasses: reasons }));
        s.refusals.push({ route: '/', reason: 'private', bypass: false, count: 1, last: new Date().toISOString(), recent: [{ time: '', method: 'GET', status: 200 }] });
        s.servers.push({ name: 'server', reads: 'closed', writes: 'open', removals: 'closed' });
        s.audit.push({ pattern: '/', hits: 1, samples: 2, differences: 1, unexplained: 0, leaks: true, cause: 'cookie', times: 1, differs: 'body', advice: 'key it' });
        return { ...plant(s), names };
      });
    },
  });
  await page.ready();
  await page.waitForTimeout(500);
  const text = await page.locator('body').textContent();
  assert.ok(text.split(planted).length > 20, 'it is not shown');
  for (const [status, answer] of [[200, { text: planted }], [400, { error: planted }]]) {
    await page.route('**/explain', (route) => route.fulfill({ status, json: answer }));
    await page.getByLabel('URL').fill('/');
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.locator(status === 200 ? '#explain-text' : '#explain-said').filter({ hasText: planted }).waitFor();
    await page.unroute('**/explain');
  }
  assert.equal(await page.locator('main script, main img, header img').count(), 0);
  assert.deepEqual(page.problems.filter((problem) => !problem.includes('status of 400')), []);
  await page.context().close();
});

test('screenshots, for the documentation', { skip: !images }, async () => {
  mkdirSync(images, { recursive: true });
  const desk = { width: 1180, height: 760 };
  for (const [name, options, section] of [
    ['dashboard.png', { viewport: desk }],
    ['dashboard-routes.png', { viewport: { width: 1180, height: 1400 }, colorScheme: 'dark' }, 'section:has(#routes)'],
    ['dashboard-phone.png', { viewport: { width: 390, height: 780 }, colorScheme: 'dark' }],
  ]) {
    const page = await open(browser, busy, options);
    await changed(page, (s) => { s.process.host = 'shop-7c9f'; });
    await page.waitForFunction(() => document.getElementById('process').textContent.includes('shop-7c9f') && document.getElementById('notice').hidden);
    await (section ? page.locator(section) : page).screenshot({ path: `${images}/${name}` });
    assert.ok(statSync(`${images}/${name}`).size < 150_000, `${name} is ${statSync(`${images}/${name}`).size} bytes large`);
    await page.context().close();
  }
});
