// Debian's Chromium, and what is noticed while pages load.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './nexus.mjs';

const require = createRequire(join(root, 'tests/clients/package.json'));
const { chromium } = require('playwright-core');
const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// A page that notes down what must not happen.
export async function watched(browser, origin, { width = 1440, colorScheme = 'light', cookies = [], timezoneId } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, timezoneId, reducedMotion: 'reduce' });
  await context.addCookies(cookies);
  await context.addInitScript(() => {
    window.__violations = [];
    window.__pwned = [];
    document.addEventListener('securitypolicyviolation', (event) => {
      window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  const seen = { console: [], foreign: [], dialogs: [], failed: [] };
  page.on('console', (message) => message.type() === 'error' && seen.console.push(message.text()));
  page.on('pageerror', (error) => seen.console.push(String(error)));
  page.on('dialog', async (dialog) => { seen.dialogs.push(dialog.message()); await dialog.dismiss(); });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob|about):/.test(url)) seen.foreign.push(url);
  });
  page.on('response', (response) => response.status() >= 400 && seen.failed.push(`${response.status()} ${response.url()}`));
  return { page, seen, context };
}

// Loads a path and waits until it has settled; the live stream never does, so not for the network.
export async function visit(page, url) {
  const response = await page.goto(url, { waitUntil: 'load' });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  return response;
}

export async function logIn(page, origin, key) {
  await visit(page, `${origin}/login`);
  await page.fill('input[type=password]', key);
  await Promise.all([page.waitForNavigation(), page.press('input[type=password]', 'Enter')]);
}

// Walks over a page of its own; at its end nothing may have gone wrong on it.
export async function walked(browser, origin, options, walk) {
  const { page, seen, context } = await watched(browser, origin, options);
  try {
    await walk(page);
    assert.deepEqual(seen.console, [], 'console errors');
    assert.deepEqual(seen.foreign, [], 'requests to other hosts');
    assert.deepEqual(await violations(page), [], 'CSP violations');
  } finally {
    await context.close();
  }
}

// axe's serious and critical findings, one line each; of the rules that `also` names, all.
export async function audit(page, also = []) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter(({ id, impact }) => impact === 'serious' || impact === 'critical' || also.includes(id))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any?.[0]?.message ?? ''}`).join(' | ')}`);
}

// What is too wide for the window, widest first.
export function overflow(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    return document.documentElement.scrollWidth > width + 1 ? `${document.documentElement.scrollWidth} px wide in ${width}` : null;
  });
}

// How many rows of tables are shown, and the heights of those that are not of 36 to 40 px.
export function rows(page) {
  return page.locator('table.t tbody tr').evaluateAll((all) => {
    const heights = all.filter((row) => row.checkVisibility()).map((row) => row.getBoundingClientRect().height);
    return { shown: heights.length, uneven: heights.filter((height) => height < 36 || height > 40) };
  });
}

export function violations(page) {
  return page.evaluate(() => window.__violations);
}
