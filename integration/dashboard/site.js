// Starts the example of the dashboard, and opens pages of it in Chromium.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const program = process.env.EXAMPLE;
const executablePath = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

// start starts a shop and returns its URL, and how to end it.
export async function start(...flags) {
  const shop = spawn(program, flags, { env: { ...process.env, ADDR: '127.0.0.1:0' }, stdio: ['ignore', 'pipe', 'ignore'] });
  const line = await new Promise((resolve, reject) => {
    shop.once('exit', (code) => reject(new Error(`${program} has ended with ${code}`)));
    shop.stdout.once('data', (data) => resolve(String(data)));
  });
  const [url] = line.match(/http:\/\/127\.0\.0\.1:\d+/);
  return { url, page: `${url}/admin/cache/`, stop: () => shop.kill() };
}

export async function launch() {
  if (!executablePath) throw new Error('there is no Chromium: install one (Debian: chromium), or name it in CHROMIUM');
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

// open opens the dashboard. What the browser complains of, and what it asks other hosts for, is in problems.
export async function open(browser, shop, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
  page.on('request', (request) => { if (!request.url().startsWith(shop.url)) page.problems.push(`it asks for ${request.url()}`); });
  page.ready = () => page.waitForFunction(() => Number(document.body.dataset.polls) > 0);
  if (options.before) await options.before(page);
  await page.goto(shop.page);
  if (!options.before) await page.ready();
  return page;
}

// changed has the page see its state changed by a function.
export const changed = (page, change) => page.route('**/state?*', async (route) => {
  const response = await route.fetch();
  const state = await response.json();
  await route.fulfill({ response, json: change(state) ?? state });
});
