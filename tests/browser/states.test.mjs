// States that one seldom looks at: no zone known, text that runs leftwards, nothing found, a large zoom, a lost
// connection, a broken store.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, launch, overflow, visit, walked, watched } from './browser.mjs';
import { Nexus } from './nexus.mjs';
import { realistic, Session } from './session.mjs';

const ARABIC = 'مرحبا، هل يمكنك إصلاح الخطأ في build.rs من فضلك؟';
const WIDTHS = [1440, 390];
let nexus; let browser; let parsers; let arabic; let plain; let build;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  await realistic(nexus);
  const ids = [];
  for (const prompt of [
    `${ARABIC} [[say: تم الإصلاح.\n\n- البند الأول\n- البند الثاني]]`,
    `Say it late [[say: ${'The words before it are many. '.repeat(20)}Then comes the needleword at last.]]`,
  ]) {
    const session = new Session(nexus);
    await session.prompt(prompt);
    ids.push(...session.ids);
  }
  await nexus.stored(ids);
  [parsers, arabic, plain, build] = await Promise.all(['Compare the two parsers', 'build.rs', 'Say it late', 'why the build fails'].map((words) => nexus.conversation(words)));
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const look = (options, walk) => walked(browser, nexus.dashboard, options, walk);
const of = ({ conversationId }, tab = '') => `${nexus.dashboard}/conversations/${conversationId}${tab}`;
const html = async (url, zone) => {
  const headers = zone ? { cookie: `nexus_tz=${encodeURIComponent(zone)}` } : {};
  return (await fetch(url, { headers })).text();
};

test('clocks that the server wrote say that they are UTC until the viewer’s zone is known', async () => {
  const clocks = [['/transcript', /<time[^>]*data-form="clock"[^>]*>([^<]*)</g], ['', /<text class="meta"[^>]*>([^<·]*)/g]];
  for (const [tab, clock] of clocks) {
    const written = async (zone) => [...(await html(of(parsers, tab), zone)).matchAll(clock)].map(([, text]) => text.trim());
    const unknown = await written();
    assert.ok(unknown.length > 1 && unknown.every((text) => / UTC$/.test(text)), `${tab}: ${unknown}`);
    const known = await written('Asia/Kolkata');
    assert.ok(known.length === unknown.length && known.every((text) => /\d\d:\d\d:\d\d$/.test(text)), `${tab}: ${known}`);
  }
  assert.match(await html(nexus.dashboard), /in UTC/);
  assert.doesNotMatch(await html(nexus.dashboard, 'Asia/Kolkata'), /in UTC/);
});

test('a script tells clocks in the viewer’s zone, and the server’s next page as well', () =>
  look({ timezoneId: 'Asia/Kolkata' }, async (page) => {
    await visit(page, of(parsers, '/transcript'));
    const clock = page.locator('time[data-form=clock]').first();
    const told = await clock.textContent();
    assert.doesNotMatch(told, /UTC/);
    const [, again] = /<time[^>]*data-form="clock"[^>]*>([^<]*)</.exec(await html(of(parsers, '/transcript'), 'Asia/Kolkata'));
    assert.equal(again, told, 'or the text would change as the page loads');
  }));

for (const width of WIDTHS) {
  test(`text runs the way its letters do, ${width} px`, () =>
    look({ width }, async (page) => {
      const sides = (selector) => page.locator(selector).first().evaluate((box) => {
        const range = new Range();
        range.selectNodeContents(box);
        const [text, around] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
        return { left: text.left - around.left, right: around.right - text.right };
      });
      await visit(page, of(arabic, '/transcript'));
      assert.equal(await page.locator('h1:dir(rtl)').count(), 1);
      for (const part of ['.by-assistant .md p', '.by-assistant .md li']) assert.ok((await sides(part)).right <= 2, part);
      const marks = await page.locator('.by-assistant .md ul').first().evaluate((list) => getComputedStyle(list).direction);
      assert.equal(marks, 'rtl', 'the marks of a list stand where its lines begin');
      assert.equal(await overflow(page), null);
      // In the graph a title that runs leftwards begins at the right of its box.
      await visit(page, of(arabic));
      const rests = await page.locator('.canvas a.node.human').first().evaluate((node) => {
        const [box, text] = ['.box', 'text'].map((part) => node.querySelector(part).getBoundingClientRect());
        return { left: text.left - box.left, right: box.right - text.right };
      });
      assert.ok(rests.right >= 0 && rests.right < 20, JSON.stringify(rests));
      await visit(page, of(plain, '/transcript'));
      assert.equal(await page.locator('h1:dir(ltr)').count(), 1);
      assert.ok((await sides('.by-assistant .md p')).left <= 2);
    }));

  test(`what was searched for is seen in the list, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, `${nexus.dashboard}/conversations?q=needleword`);
      const [mark, line] = await page.locator('a.preview mark').first().evaluate((mark) => [mark, mark.parentElement].map((one) => one.getBoundingClientRect().right));
      assert.ok(mark <= line, `the word ends at ${mark}, its line at ${line}`);
    }));

  test(`domain, account and time range stand where they count, ${width} px`, () =>
    look({ width }, async (page) => {
      for (const path of ['/', '/conversations', '/requests', '/live', '/usage', '/analyses']) {
        await visit(page, nexus.dashboard + path);
        assert.equal(await page.locator('#scope-range').count(), 1, path);
      }
      for (const path of [of(parsers), `${nexus.dashboard}/requests/${parsers.latestRequestId}`, `${nexus.dashboard}/pipeline`, `${nexus.dashboard}/setup`]) {
        await visit(page, path);
        assert.equal(await page.locator('#scope-range').count(), 0, path);
        assert.ok(await page.locator('#search').isVisible());
        assert.equal(await overflow(page), null, path);
      }
    }));

  test(`the Tab key walks the top bar as it is read, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard);
      const stops = await page.locator('header.top :is(input:not([type=hidden]), select, button)').evaluateAll((all) => all
        .map((one) => one.getBoundingClientRect()).filter((box) => box.width > 0).map((box) => [box.top + box.height / 2, box.left]));
      assert.ok(stops.length >= 5);
      const inOrder = ([top, left], [nextTop, nextLeft]) => nextTop - top > 8 || (Math.abs(nextTop - top) <= 8 && nextLeft > left);
      stops.slice(1).forEach((stop, index) => assert.ok(inOrder(stops[index], stop), JSON.stringify(stops)));
    }));
}

for (const [width, path] of [[768, '/'], [768, '/conversations'], [768, '/requests'], [1440, '/requests'], [1440, '/usage'], [2560, '/usage']]) {
  test(`no column of a table is out of sight, ${path} at ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard + path);
      const wide = await page.locator('main .card > .table-wrap').evaluateAll((all) => all.map((box) => [box.scrollWidth, box.clientWidth]));
      assert.ok(wide.length > 0 && wide.every(([needed, given]) => needed <= given), JSON.stringify(wide));
    }));
}

test('figures of Overview have their changes below them, all alike', () =>
  look({}, async (page) => {
    await visit(page, nexus.dashboard);
    const below = await page.locator('.stat').evaluateAll((all) => all
      .map((stat) => stat.querySelector('.change').getBoundingClientRect().top - stat.querySelector('.value').getBoundingClientRect().bottom));
    assert.equal(below.length, 12);
    assert.ok(below.every((distance) => distance > -2 && distance < 8), below.join(' '));
  }));

test('where no request matches, one can go on', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests?q=zzzqqq`);
    await Promise.all([page.waitForNavigation(), page.getByRole('link', { name: 'Show all' }).click()]);
    assert.equal(new URL(page.url()).search, '');
    assert.ok(await page.locator('tbody tr').count() > 1);
  }));

test('one branch is not offered to be compared with itself', () =>
  look({}, async (page) => {
    await visit(page, of(plain, '/compare'));
    assert.equal(await page.locator('#cmp-a').count(), 0);
    await page.getByRole('heading', { name: 'Nothing to compare yet' }).waitFor();
  }));

test('values of a request’s JSON stand in quotes that JSON has', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests/${plain.latestRequestId}`);
    const texts = await page.locator('.json .s').allTextContents();
    assert.ok(texts.length > 0 && texts.every((text) => /^".*"$/s.test(text)), texts.join());
  }));

test('a mark of a chart tells its value to pointer and keyboard', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/usage`);
    const marks = page.locator('.chart.bars').first().locator('.hit');
    const names = await marks.evaluateAll((all) => all.map((mark) => mark.getAttribute('aria-label')));
    assert.equal(new Set(names).size, names.length, 'each mark tells its own');
    const tip = page.locator('.chart-tip');
    await marks.first().focus();
    assert.equal(await tip.textContent(), names[0]);
    await page.keyboard.press('ArrowRight');
    assert.equal(await tip.textContent(), names[1]);
    await marks.nth(4).hover();
    assert.equal(await tip.textContent(), names[4]);
  }));

test('bars are as high as their numbers, and a row of the table each', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/usage?range=24h`);
    const card = page.locator('section.card', { has: page.locator('h2', { hasText: /^Cost$/ }) });
    const rows = await card.locator('.chart-table tbody tr').evaluateAll((all) => all.map((row) => row.cells[1].textContent));
    const bars = await card.locator('.chart.bars path').evaluateAll((all) => all.map((path) => (path.getAttribute('d').match(/M/g) ?? []).length));
    assert.equal(rows.length, 24);
    assert.deepEqual(bars, [rows.filter((cost) => /[1-9]/.test(cost)).length]);
    const { height } = await card.locator('.chart.bars path').boundingBox();
    assert.ok(height > 60, `the highest takes most of the chart: ${height} px`);
  }));

test('all time says how much of it the charts have', () =>
  look({}, async (page) => {
    for (const path of ['/', '/usage']) {
      await visit(page, `${nexus.dashboard}${path}?range=30d`);
      assert.equal(await page.getByText('last year').count(), 0, path);
      await visit(page, `${nexus.dashboard}${path}?range=all`);
      assert.ok(await page.getByText('last year').first().isVisible(), path);
    }
  }));

test('only what is folded can be shown', () =>
  look({}, async (page) => {
    await visit(page, of(plain));
    await page.getByRole('link', { name: 'Open request' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Show every step' }).count(), 0);
    await visit(page, of(plain, '?runs=1'));
    assert.ok(await page.getByRole('link', { name: 'Fold tool steps' }).isVisible());
    await visit(page, of(build));
    const boxes = () => page.locator('.canvas a.node').count();
    const folded = await boxes();
    assert.ok(await page.locator('.canvas a.node.fold').count() > 0);
    await Promise.all([page.waitForURL(/runs=1/), page.getByRole('link', { name: 'Show every step' }).click()]);
    assert.ok(await boxes() > folded + 1);
  }));

test('the scope outlives a visit to one thing', () =>
  look({}, async (page) => {
    const { domain } = parsers;
    const scope = () => ['domain', 'range'].map((name) => new URL(page.url()).searchParams.get(name));
    const follow = (link) => {
      const from = page.url();
      return Promise.all([page.waitForURL((url) => url.href !== from), link.click()]);
    };
    await visit(page, `${nexus.dashboard}/conversations?domain=${encodeURIComponent(domain)}&range=7d`);
    await follow(page.locator('tbody a.title').first());
    await follow(page.locator('.tabs').getByRole('link', { name: 'Cost' }));
    await follow(page.locator('.side').getByRole('link', { name: 'Requests' }));
    assert.deepEqual(scope(), [domain, '7d']);
    await follow(page.locator('tbody a.title').first());
    await follow(page.locator('.crumbs').getByRole('link', { name: 'Requests' }));
    assert.deepEqual(scope(), [domain, '7d']);
    // One search looks where the last one did.
    await visit(page, `${nexus.dashboard}/setup`);
    await page.fill('#search', 'parsers');
    await Promise.all([page.waitForURL(/q=parsers/), page.press('#search', 'Enter')]);
    assert.deepEqual(scope(), [domain, null]);
    // What is chosen no more does not come back.
    await Promise.all([page.waitForURL((url) => !url.searchParams.get('domain')), page.selectOption('#scope-domain', '')]);
    await visit(page, of(parsers));
    await follow(page.locator('.crumbs').getByRole('link', { name: 'Conversations' }));
    assert.deepEqual(scope(), [null, null]);
  }));

test('a theme that was chosen stays, from the first paint on', () =>
  look({ colorScheme: 'light' }, async (page) => {
    const shown = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).every((part) => part < 64));
    await visit(page, nexus.dashboard);
    assert.equal(await shown(), false);
    for (const [theme, isDark] of [['dark', true], ['light', false]]) {
      await page.locator('[data-theme-toggle]').click();
      assert.equal(await shown(), isDark);
      // The server writes it into the page: a script would come after the first paint.
      const written = await (await page.context().request.get(`${nexus.dashboard}/requests`)).text();
      assert.match(written, new RegExp(`^<!doctype html>\\s*<html[^>]* data-theme="${theme}"`));
      await visit(page, `${nexus.dashboard}/requests`);
      assert.equal(await shown(), isDark);
    }
  }));

// A window of 1440 × 900 at twice and at four times the size.
for (const [width, height] of [[720, 450], [360, 225]]) {
  test(`a window enlarged to ${1440 / width * 100} % loses nothing`, () =>
    look({ width }, async (page) => {
      await page.setViewportSize({ width, height });
      for (const path of ['/', '/conversations', '/requests', '/live', '/usage', '/pipeline', `/requests/${parsers.latestRequestId}`]
        .map((path) => nexus.dashboard + path).concat(['', '/transcript', '/timeline', '/cost'].map((tab) => of(parsers, tab)))) {
        await visit(page, path);
        assert.equal(await overflow(page), null, path);
        const main = await page.locator('main').boundingBox();
        assert.ok(main.y < height, `${path}: begins at ${main.y} of ${height}`);
      }
    }));
}

test('news in a list are said, not only shown', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations`);
    await page.locator('[data-live-state][data-state=on]').waitFor();
    await nexus.message({ messages: [{ role: 'user', content: 'Something new [[say: It is.]]' }] });
    await page.getByRole('status').filter({ hasText: /^\s*1 new\s*$/ }).waitFor({ state: 'attached', timeout: 20_000 });
  }));

test('a lost connection is said, and found again', async () => {
  const other = await Nexus.start();
  const { page, context } = await watched(browser, other.dashboard);
  try {
    await visit(page, other.dashboard);
    const state = page.locator('[data-live-state]');
    await page.locator('[data-live-state][data-state=on]').waitFor();
    await other.down();
    await page.locator('[data-live-state][data-state=wait]').waitFor({ timeout: 20_000 });
    assert.equal((await state.innerText()).trim(), 'Reconnecting…');
    other.up();
    await page.locator('[data-live-state][data-state=on]').waitFor({ timeout: 40_000 });
  } finally {
    await context.close();
    await other.stop();
  }
});

test('a page that fails says so, with its status and a way on', async () => {
  const other = await Nexus.start();
  try {
    const { id } = await other.message({ messages: [{ role: 'user', content: 'Hello [[say: Hi.]]' }] });
    await other.stored([id]);
    const broken = 'import sqlite3, sys; sqlite3.connect(sys.argv[1], 10).executescript("pragma foreign_keys = off; alter table conversations rename to gone")';
    execFileSync('python3', ['-c', broken, join(other.dir, 'data/nexus.sqlite')]);
    for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
      const { page, context } = await watched(browser, other.dashboard, { width, colorScheme });
      const answer = await visit(page, `${other.dashboard}/conversations`);
      assert.equal(answer.status(), 500);
      assert.ok(await page.getByRole('heading', { name: 'Something went wrong' }).isVisible());
      assert.doesNotMatch(await page.innerText('body'), /gone|no such table|sql/i, 'the cause is for the log');
      assert.deepEqual([await overflow(page), await audit(page)], [null, []]);
      await context.close();
    }
  } finally {
    await other.stop();
  }
});
