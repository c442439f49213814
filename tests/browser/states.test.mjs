// States that one seldom looks at: no zone known, text that runs leftwards, nothing found, a lost connection.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, overflow, visit, walked, watched } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';
import { realistic, Session } from './session.mjs';

const ARABIC = 'مرحبا، هل يمكنك إصلاح الخطأ في build.rs من فضلك؟';
const WIDTHS = [1440, 390];
let nexus; let browser; let parsers; let arabic; let plain;

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
  [parsers, arabic, plain] = await Promise.all(['Compare the two parsers', 'build.rs', 'Say it late'].map(find));
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const find = (words) => until(`the conversation about ${words}`, async () => {
  const { conversations } = await nexus.api('conversations?limit=100');
  return conversations.find((one) => one.title?.includes(words));
});
const look = (options, walk) => walked(browser, nexus.dashboard, options, walk);
const of = ({ conversationId }, tab = '') => `${nexus.dashboard}/conversations/${conversationId}${tab}`;
const html = async (url, zone) => {
  const headers = zone ? { cookie: `nexus_tz=${encodeURIComponent(zone)}` } : {};
  return (await fetch(url, { headers })).text();
};

test('clocks that the server wrote say that they are UTC until the viewer’s zone is known', async () => {
  const clocks = [['/transcript', /<time[^>]*data-form="clock"[^>]*>([^<]*)</g], ['', /class="meta"[^>]*>([^<·]*)/g]];
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
      for (const path of ['/', '/conversations', '/requests', '/live', '/usage']) {
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

for (const [width, path] of [[768, '/'], [768, '/conversations'], [768, '/requests'], [1440, '/usage'], [2560, '/usage']]) {
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
    assert.equal(below.length, 10);
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
    const mark = page.locator('.chart.bars .hit[tabindex="0"]').first();
    await mark.focus();
    const tip = page.locator('.chart-tip');
    assert.equal(await tip.textContent(), await mark.getAttribute('aria-label'));
    await page.keyboard.press('ArrowRight');
    assert.equal(await tip.textContent(), await page.evaluate(() => document.activeElement.getAttribute('aria-label')));
  }));

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
