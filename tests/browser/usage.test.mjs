// Usage in the time zone that a person chooses: in the address, for good, and in the sums.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, overflow, visit, watched } from './browser.mjs';
import { Nexus } from './nexus.mjs';
import { realistic } from './session.mjs';

let nexus; let browser;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  for (const zone of [EAST, WEST]) sent[zone] = today(zone);
  await realistic(nexus);
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

// The two are 25 hours apart: it is never the same day in both.
const EAST = 'Pacific/Kiritimati';
const WEST = 'Pacific/Pago_Pago';

// In each zone, the day on which the sending began.
const sent = {};
const today = (timeZone) => new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format();

// The days of the table by day, newest first.
async function days(page) {
  const table = page.locator('section', { has: page.locator('h2', { hasText: 'By day' }) });
  return table.locator('tbody td:first-child').allInnerTexts();
}

async function choose(page, zone) {
  await change(page, '#zone', zone);
}

// Chooses in a form that sends itself.
async function change(page, field, value) {
  await Promise.all([page.waitForNavigation(), page.selectOption(field, value)]);
}

const selected = (page, field) => page.locator(`${field} option:checked`).innerText();

// Midnight may have passed since the sending began.
const isOfToday = (day, zone) => [sent[zone], today(zone)].includes(day);

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`a zone is chosen, is in the address, and stays, ${width} px, ${colorScheme}`, async () => {
    const { page, seen, context } = await watched(browser, nexus.dashboard, { width, colorScheme });
    await visit(page, `${nexus.dashboard}/usage?range=7d`);
    assert.equal(await page.locator('#zone').inputValue(), '', 'the browser’s own to begin with');
    await choose(page, EAST);
    const url = new URL(page.url());
    assert.deepEqual([url.searchParams.get('tz'), url.searchParams.get('range')], [EAST, '7d']);
    assert.ok(isOfToday((await days(page))[0], EAST));
    assert.match(await page.getAttribute('a[href^="/usage.csv"]', 'href'), /range=7d&tz=Pacific%2FKiritimati/);

    // For good: an address without a zone has the chosen one.
    await visit(page, `${nexus.dashboard}/usage`);
    assert.equal(await page.locator('#zone').inputValue(), EAST);
    assert.equal(await selected(page, '#scope-range'), 'Last 30 days', 'the range that the page shows');
    // There alone: charts elsewhere are in the browser's zone.
    const hour = () => page.evaluate(() => `${new Date().toLocaleTimeString('en-GB', { hour: '2-digit' })}:00`);
    const begun = await hour();
    await visit(page, `${nexus.dashboard}/`);
    const last = page.locator('.chart-table').first().locator('tbody tr').last().locator('td').first();
    const label = (await last.textContent()).trim();
    assert.ok([begun, await hour()].includes(label), label);
    // An address with one shows that, and changes no preference.
    await visit(page, `${nexus.dashboard}/usage?tz=${WEST}`);
    assert.equal(await page.locator('#zone').inputValue(), WEST);
    assert.ok(isOfToday((await days(page))[0], WEST));
    assert.equal(await overflow(page), null);
    assert.deepEqual(await audit(page), [], 'axe');
    await visit(page, `${nexus.dashboard}/usage`);
    assert.equal(await page.locator('#zone').inputValue(), EAST);
    // Back to the browser's.
    await choose(page, '');
    assert.equal(new URL(page.url()).searchParams.get('tz'), null);
    assert.equal(await page.locator('#zone').inputValue(), '');
    assert.deepEqual(seen.console, []);
    await context.close();
  });
}

test('the charts by day end today, in the zone that was chosen', async () => {
  const { page, context } = await watched(browser, nexus.dashboard);
  for (const zone of [EAST, WEST]) {
    const label = () => new Intl.DateTimeFormat('en-US', { timeZone: zone, month: 'short', day: 'numeric' }).format();
    const before = label();
    await visit(page, `${nexus.dashboard}/usage?tz=${zone}`);
    const tokens = page.locator('section', { has: page.locator('h2', { hasText: /^Tokens$/ }) });
    const last = tokens.locator('.chart-table tbody tr').last().locator('td').first();
    assert.ok([before, label()].includes((await last.textContent()).trim()), `${zone}: ${await last.textContent()}`);
  }
  await context.close();
});

test('the CSV has the zone’s days', async () => {
  const csv = await (await fetch(`${nexus.dashboard}/usage.csv?tz=${EAST}`)).text();
  const rows = csv.trim().split('\n').slice(1);
  assert.ok(rows.length > 0);
  assert.ok(rows.every((row) => isOfToday(row.split(',')[0], EAST)), csv);
});

// The range in the sidebar's links to two pages with different usual ones.
async function carried(page) {
  const links = await page.locator('nav[aria-label="Main"] a').evaluateAll((all) => all.map((link) => link.href));
  const range = (path) => new URL(links.find((link) => new URL(link).pathname === path)).searchParams.get('range');
  return [range('/'), range('/usage')];
}

test('a range goes along only when it was chosen', async () => {
  const { page, context } = await watched(browser, nexus.dashboard);
  await visit(page, `${nexus.dashboard}/conversations?domain=a.example`);
  assert.equal(await selected(page, '#scope-range'), 'All time');
  await change(page, '#scope-domain', '');
  assert.equal(new URL(page.url()).search.replace('?', ''), '', 'nothing was chosen');
  assert.deepEqual(await carried(page), [null, null]);
  // One that is another page's usual one is a choice all the same, and outlives the change of another field.
  await change(page, '#scope-range', '24h');
  assert.deepEqual(await carried(page), ['24h', '24h']);
  await visit(page, `${nexus.dashboard}/?range=24h&domain=a.example`);
  await change(page, '#scope-domain', '');
  assert.deepEqual(await carried(page), ['24h', '24h']);
  await visit(page, `${nexus.dashboard}/usage?range=24h`);
  assert.equal(await selected(page, '#scope-range'), 'Last 24 hours');
  // Without JavaScript a form sends its empty fields, too.
  await visit(page, `${nexus.dashboard}/conversations?domain=a.example&account=&range=`);
  assert.equal(await page.locator('#scope-domain').inputValue(), 'a.example');
  assert.equal(await selected(page, '#scope-range'), 'All time');
  await context.close();
});
