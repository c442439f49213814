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
  await realistic(nexus);
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const today = (timeZone) => new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format();

// The days of the table by day, newest first.
async function days(page) {
  const table = page.locator('section', { has: page.locator('h2', { hasText: 'By day' }) });
  return table.locator('tbody td:first-child').allInnerTexts();
}

async function choose(page, zone) {
  await Promise.all([page.waitForNavigation(), page.selectOption('#zone', zone)]);
}

// The two are 25 hours apart: it is never the same day in both.
const EAST = 'Pacific/Kiritimati';
const WEST = 'Pacific/Pago_Pago';

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`a zone is chosen, is in the address, and stays, ${width} px, ${colorScheme}`, async () => {
    const { page, seen, context } = await watched(browser, nexus.dashboard, { width, colorScheme });
    await visit(page, `${nexus.dashboard}/usage?range=7d`);
    assert.equal(await page.locator('#zone').inputValue(), '', 'the browser’s own to begin with');
    const before = today(EAST);
    await choose(page, EAST);
    const url = new URL(page.url());
    assert.deepEqual([url.searchParams.get('tz'), url.searchParams.get('range')], [EAST, '7d']);
    assert.ok([before, today(EAST)].includes((await days(page))[0]));
    assert.match(await page.getAttribute('a[href^="/usage.csv"]', 'href'), /range=7d&tz=Pacific%2FKiritimati/);

    // For good: an address without a zone has the chosen one.
    await visit(page, `${nexus.dashboard}/usage`);
    assert.equal(await page.locator('#zone').inputValue(), EAST);
    assert.equal(await page.locator('#scope-range').inputValue(), '30d', 'the range that the page shows');
    // An address with one shows that, and changes no preference.
    const west = today(WEST);
    await visit(page, `${nexus.dashboard}/usage?tz=${WEST}`);
    assert.equal(await page.locator('#zone').inputValue(), WEST);
    assert.ok([west, today(WEST)].includes((await days(page))[0]));
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
  const before = today(EAST);
  const csv = await (await fetch(`${nexus.dashboard}/usage.csv?tz=${EAST}`)).text();
  const rows = csv.trim().split('\n').slice(1);
  assert.ok(rows.length > 0);
  assert.ok(rows.every((row) => [before, today(EAST)].includes(row.split(',')[0])), csv);
});
