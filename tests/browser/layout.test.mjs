// What a page owes its viewer on any screen: their own days, filters within reach, nothing cut off.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, overflow, rows, visit, walked } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';
import { realistic, Session } from './session.mjs';

let nexus; let browser; let conversation; let long; let forked;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  await realistic(nexus);
  const stairs = new Session(nexus);
  for (let step = 1; step <= 14; step += 1) await stairs.prompt(`Climb the stairs, step ${step} [[say: Done.]]`);
  const forks = new Session(nexus);
  await forks.prompt('Choose among colours [[say: Which?]]');
  for (let fork = 1; fork <= 11; fork += 1) {
    forks.messages.splice(2);
    await forks.prompt(`Colour ${fork} [[say: Taken.]]`);
  }
  await nexus.stored([...stairs.ids, ...forks.ids]);
  conversation = await nexus.conversation('Compare the two parsers');
  long = await nexus.conversation('Climb the stairs');
  forked = await until('all branches', async () => {
    const found = await nexus.conversation('Choose among colours');
    return found.branchCount === 11 ? found : undefined;
  });
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const look = (options, walk) => walked(browser, nexus.dashboard, options, walk);
const SCREENS = [[1440, 'light'], [820, 'dark'], [390, 'light']];

// The two are 25 hours apart: it is never the same day in both.
for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
  test(`Overview counts days in the viewer's zone: ${timeZone}`, () => {
    const cookies = [{ name: 'nexus_tz', value: encodeURIComponent(timeZone), url: nexus.dashboard }];
    return look({ cookies }, async (page) => {
      const today = () => new Intl.DateTimeFormat('en-US', { timeZone, month: 'short', day: 'numeric' }).format();
      const before = today();
      await visit(page, `${nexus.dashboard}/?range=30d`);
      const rows = page.locator('.chart-table').first().locator('tbody tr');
      const day = (await rows.last().locator('td').first().textContent()).trim();
      assert.ok([before, today()].includes(day), day);
      const counts = await rows.locator('td:nth-child(2)').allTextContents();
      assert.equal(counts.length, 30);
      assert.ok(counts.slice(-2).some((count) => Number(count) > 0), counts.join(' '));
    });
  });
}

test('every figure of Overview that has a course shows it', () =>
  look({}, async (page) => {
    await visit(page, nexus.dashboard);
    const stat = page.locator('.stat', { hasText: 'Active conversations' });
    const path = await stat.locator('.spark .line').getAttribute('d');
    const heights = path.split(/[ML]/).filter(Boolean).map((point) => Number(point.split(' ')[1]));
    assert.equal(heights.length, 24);
    assert.ok(heights.at(-1) < heights[0] || heights.at(-2) < heights[0], 'active now, and not a day ago');
    const figures = await page.locator('.stat').evaluateAll((all) => all
      .map((one) => [one.querySelector('.label').textContent, one.querySelector('.spark .line') !== null]));
    assert.equal(figures.length, 12);
    for (const label of ['First token, median', 'First token, p95', 'Duration, median', 'Duration, p95']) assert.ok(figures.some(([name]) => name === label), label);
    assert.deepEqual(figures.filter(([, hasCourse]) => !hasCourse), []);
  }));

test('rows of tables are of one height', () =>
  look({}, async (page) => {
    for (const path of ['/', '/conversations', '/requests', '/live', '/usage', '/pipeline']) {
      await visit(page, nexus.dashboard + path);
      const { shown, uneven } = await rows(page);
      assert.ok(shown > 1, `${path}: ${shown} rows`);
      assert.deepEqual(uneven, [], path);
    }
  }));

test('rows are as high on a phone, whatever roles and clients they name', () =>
  look({ width: 390 }, async (page) => {
    for (const path of ['/', '/usage', '/pipeline']) {
      await visit(page, nexus.dashboard + path);
      const { shown, uneven } = await rows(page);
      assert.ok(shown > 1, `${path}: ${shown} rows`);
      assert.deepEqual(uneven, [], path);
    }
    await page.locator('tbody tr .preview', { hasText: 'gateway, linker' }).waitFor();
    assert.deepEqual((await rows(page)).uneven, [], 'processes');
    assert.equal(await overflow(page), null);
  }));

for (const width of [1440, 2560]) {
  test(`nothing is empty beside the charts of Overview, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard);
      const ends = await page.locator('.filled .card').evaluateAll((all) => {
        const bottoms = all.map((card) => card.getBoundingClientRect().bottom);
        const [requests, tokens] = bottoms;
        return [requests, tokens, Math.max(...bottoms.slice(2))].map(Math.round);
      });
      assert.equal(new Set(ends).size, 1, `the columns end at ${ends}`);
    }));
}

test('what is cut off is told on hover', () =>
  look({ width: 390 }, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations`);
    const title = page.locator('a.title', { hasText: 'Find out why the build fails' }).first();
    assert.equal(await title.getAttribute('title'), null);
    await title.hover();
    assert.match(await title.getAttribute('title'), /^Find out why the build fails/);
  }));

test('each filter of Requests is shown and can be taken back, words among them', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests?q=tool%3Aagent&state=completed`);
    assert.equal(await page.innerText('[data-filters] .count'), '2');
    const filter = (name) => page.getByRole('link', { name: `Remove the filter ${name}` });
    assert.equal(await filter('Completed').count(), 1);
    await Promise.all([page.waitForNavigation(), filter('tool:agent').click()]);
    assert.equal(new URL(page.url()).search, '?state=completed');
    assert.deepEqual(await audit(page), [], 'axe');
  }));

test('a palette that looked at the newest only says so, and leads to the whole search', () =>
  look({}, async (page) => {
    await page.route('**/fragments/palette?*', (route) => route.fulfill({ json: { entries: [], unsearched: 'next' } }));
    await visit(page, nexus.dashboard);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('rare words');
    const whole = page.locator('#palette [role=option]', { hasText: /^Only the newest were searched/ });
    await Promise.all([page.waitForNavigation(), whole.click()]);
    assert.deepEqual([new URL(page.url()).pathname, new URL(page.url()).searchParams.get('q')], ['/conversations', 'rare words']);
  }));

test('the tools of a request are listed with the number of their calls', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests`);
    const heads = (await page.locator('thead th').allInnerTexts()).map((text) => text.trim());
    const tools = page.locator('tbody tr', { hasText: 'Compare the two parsers' }).locator('td').nth(heads.indexOf('Tools'));
    assert.equal((await tools.innerText()).trim(), 'Agent ×2');
    assert.equal(await tools.getAttribute('title'), null, 'a tooltip says more than what is there');
    const { requests } = await nexus.api('requests?limit=500&q=tool:agent');
    assert.deepEqual(requests.map((request) => request.toolNames), [['Agent', 'Agent']]);
  }));

for (const [width, colorScheme] of SCREENS) {
  test(`the scope can be chosen, ${width} px, ${colorScheme}`, () =>
    look({ width, colorScheme }, async (page) => {
      await visit(page, `${nexus.dashboard}/conversations`);
      for (const field of ['domain', 'account', 'range']) {
        const box = await page.locator(`#scope-${field}`).boundingBox();
        assert.ok(box && box.x >= 0 && box.x + box.width <= width && box.width > 60, `${field}: ${JSON.stringify(box)}`);
      }
      assert.equal(await overflow(page), null);
    }));

  test(`labels of the charts of a conversation end within their bars, ${width} px, ${colorScheme}`, () =>
    look({ width, colorScheme }, async (page) => {
      for (const tab of ['cost', 'timeline']) {
        await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/${tab}`);
        const bars = await page.locator('.chart .bar').evaluateAll((all) => all.map((bar) => {
          const style = getComputedStyle(bar);
          return { cut: style.overflowX === 'hidden' && style.textOverflow === 'ellipsis', size: parseFloat(style.fontSize) };
        }));
        assert.ok(tab === 'timeline' || bars.length > 1, 'the main branch and its sub-agents');
        assert.ok(bars.every((bar) => bar.cut && bar.size >= (tab === 'cost' ? 13 : 11)), JSON.stringify(bars));
        const outside = await page.locator('.chart text').evaluateAll((all) => all
          .filter((text) => text.getBoundingClientRect().right > text.closest('.card').getBoundingClientRect().right)
          .map((text) => text.textContent));
        assert.deepEqual(outside, [], 'labels that leave the card');
        assert.deepEqual(await audit(page), [], 'axe');
      }
    }));

  test(`the graph opens without empty space below its last step, ${width} px, ${colorScheme}`, () =>
    look({ width, colorScheme }, async (page) => {
      await visit(page, `${nexus.dashboard}/conversations/${long.conversationId}`);
      const [bottom, height, tall] = await page.locator('.canvas').evaluate((box) => {
        const [, y, , shown] = box.querySelector('svg.graph').getAttribute('viewBox').split(' ').map(Number);
        return [y + shown, Number(box.dataset.height), shown];
      });
      assert.ok(bottom <= Math.max(height + 24, tall - 24) + 1, `${bottom} of ${height}`);
    }));
}

test('the buttons of the graph cover no sub-agent', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}`);
    const left = await page.locator('.canvas-tools').evaluate((tools) => tools.getBoundingClientRect().left);
    const ends = await page.locator('svg.graph .group').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
    assert.ok(ends.length > 0 && ends.every((end) => end < left), `${ends} before ${left}`);
  }));

test('the tab that one is on is in view', () =>
  look({ width: 390 }, async (page) => {
    for (const tab of ['transcript', 'compare', 'export']) {
      await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/${tab}`);
      const { x, width } = await page.locator('.tabs [aria-current]').boundingBox();
      assert.ok(x >= 0 && x + width <= 390, `${tab}: from ${x}, ${width} wide`);
    }
  }));

for (const colorScheme of ['light', 'dark']) {
  test(`a conversation begins high on a phone, its figures and branches within reach, ${colorScheme}`, () =>
    look({ width: 390, colorScheme }, async (page) => {
      const { conversationId } = await nexus.conversation('Plan the release');
      await visit(page, `${nexus.dashboard}/conversations/${conversationId}/transcript`);
      const { y } = await page.locator('main > section').first().boundingBox();
      assert.ok(y < 480, `begins at ${y}`);
      for (const parts of ['.strip .facts > div', '.branches .chip']) {
        const tops = await page.locator(parts).evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
        assert.ok(tops.length > 1 && new Set(tops).size === 1, `${parts} in one line: ${tops}`);
      }
      const strip = page.locator('.strip');
      await strip.focus();
      const [left, end] = await strip.evaluate((one) => {
        one.scrollLeft = one.scrollWidth;
        return [one.scrollLeft, one.querySelector('dl > :last-child').getBoundingClientRect().right];
      });
      assert.ok(left > 0 && end <= 390, `scrolled by ${left}, the last figure ends at ${end}`);
      await Promise.all([page.waitForNavigation(), page.locator('.branches .chip').last().click()]);
      const { x, width } = await page.locator('.branches [aria-current]').boundingBox();
      assert.ok(x >= 0 && x + width <= 390, `the chosen branch from ${x}, ${width} wide`);
      assert.equal(await overflow(page), null);
      assert.deepEqual(await audit(page), [], 'axe');
    }));

  test(`the colours of the cost graph are named, ${colorScheme}`, () =>
    look({ colorScheme }, async (page) => {
      await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/cost`);
      const card = page.locator('section.card', { has: page.locator('.flame') });
      const names = await card.locator('.legend li').allInnerTexts();
      assert.deepEqual(names.map((name) => name.trim()), ['Main branch', 'Sub-agent']);
      const colours = (parts, property) => card.locator(parts).evaluateAll((all, name) => [...new Set(all.map((one) => getComputedStyle(one)[name]))], property);
      assert.deepEqual(await colours('.flame .bar:not(.beside)', 'backgroundColor'), await colours('.legend rect', 'fill'));
      const tips = await card.locator('.flame a').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
      assert.deepEqual(tips.map((tip) => tip.match(/^(\S+) \S+\n(.+?) · /).slice(1).join(': ')), ['main: main branch', 'subtask_1: sub-agent', 'subtask_2: sub-agent']);
      const rows = await card.locator('tbody tr').evaluateAll((all) => all.map((row) => row.cells[0].textContent.trim().split(', ')));
      assert.deepEqual(new Map(rows), new Map(rows.map(([name]) => [name, name === 'main' ? 'main branch' : 'sub-agent'])));
    }));
}

for (const width of [1440, 390]) {
  test(`the list of further branches is not cut off, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, `${nexus.dashboard}/conversations/${forked.conversationId}/transcript`);
      await page.locator('.branches summary').click();
      const sheet = page.locator('.branches .sheet');
      const box = await sheet.boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width && box.height > 40, JSON.stringify(box));
      assert.equal(await sheet.locator('.chip').count(), 3);
      assert.equal(await overflow(page), null);
    }));
}

test('a transcript is as wide as what stands above it', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/transcript`);
    const [card, tabs] = await page.evaluate(() => ['.reading', '.tabs'].map((one) => document.querySelector(one).getBoundingClientRect()).map(({ left, right }) => [left, right].map(Math.round)));
    assert.deepEqual(card, tabs);
  }));

test('a request leaves no column empty, and its ids stand in a line', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests/${conversation.latestRequestId}`);
    const [main, aside] = await page.locator('.grid.follows > .stack').evaluateAll((all) => all.map((column) => column.lastElementChild.getBoundingClientRect().bottom));
    assert.ok(aside - main < 160, `${main} and ${aside}`);
    const ids = await page.locator('.pairs a.mono').evaluateAll((all) => all.map((id) => [id.textContent, id.title, id.getBoundingClientRect().height]));
    assert.ok(ids.length > 0);
    for (const [text, whole, height] of ids) {
      assert.match(whole, /^[0-9a-f-]{36}$/);
      assert.equal(text, `${whole.slice(0, 8)}…${whole.slice(-8)}`);
      assert.ok(height < 24, `${height} px`);
    }
  }));

test('a status stands on the line of its row', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests`);
    const tops = await page.locator('tbody tr:has(.quiet)').evaluateAll((all) => all.map((row) => {
      const top = (cell) => {
        const text = document.createRange();
        text.selectNodeContents(cell.querySelector('.num'));
        return text.getBoundingClientRect().top;
      };
      return [row.cells[0], [...row.cells].findLast((cell) => cell.querySelector('.num'))].map(top);
    }));
    assert.ok(tops.length > 0 && tops.every(([status, figure]) => Math.abs(status - figure) < 0.5), JSON.stringify(tops));
  }));

test('the lines of a change begin beside their signs', () =>
  look({}, async (page) => {
    const { conversationId } = await nexus.conversation('build fails');
    await visit(page, `${nexus.dashboard}/conversations/${conversationId}/transcript`);
    const signs = await page.locator('.diff td.sg').evaluateAll((all) => all.map((sign) => sign.getBoundingClientRect().width));
    assert.ok(signs.length > 0 && signs.every((width) => width < 40), signs.join(' '));
  }));

test('what failed has no price that nobody knows', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests`);
    const row = page.locator('tbody tr', { hasText: 'Overloaded?' });
    assert.match(await row.innerText(), /529/);
    assert.doesNotMatch(await row.innerText(), /unknown/);
  }));

test('the way to a tab names the conversation', () =>
  look({ width: 390 }, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/cost`);
    const way = page.locator('.crumbs');
    assert.match(await way.innerText(), /Conversations\s+Compare the two parsers[\s\S]*Cost/);
    await Promise.all([page.waitForNavigation(), way.locator('a').nth(1).click()]);
    assert.equal(new URL(page.url()).pathname, `/conversations/${conversation.conversationId}`);
  }));

test('the way to a request names its conversation', () =>
  look({ width: 390 }, async (page) => {
    await visit(page, `${nexus.dashboard}/requests/${conversation.latestRequestId}`);
    const way = page.locator('.crumbs');
    assert.match(await way.innerText(), /Requests\s+Compare the two parsers[\s\S]*Request /);
    assert.equal(await overflow(page), null);
    await Promise.all([page.waitForNavigation(), way.locator('a').nth(1).click()]);
    assert.equal(new URL(page.url()).pathname, `/conversations/${conversation.conversationId}`);
  }));

for (const width of [390, 360]) {
  test(`figures of Overview stand alike, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard);
      const lines = await page.locator('.stat span.line').evaluateAll((all) => all.map((line) => line.getBoundingClientRect().height));
      assert.equal(lines.length, 12);
      assert.equal(new Set(lines).size, 1, lines.join(' '));
      const cut = await page.locator('.stat :is(.label, .value, .change)').evaluateAll((all) => all
        .filter((part) => part.getBoundingClientRect().right > part.closest('.stat').getBoundingClientRect().right || part.scrollWidth > part.clientWidth + 1)
        .map((part) => part.textContent));
      assert.deepEqual(cut, []);
    }));
}

for (const width of [1440, 390]) {
  test(`what runs fits its card on Overview, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard);
      await page.locator('[data-live-state][data-state=on]').waitFor();
      const answer = nexus.message({ stream: true, messages: [{ role: 'user', content: 'Tell me much [[slow ms=100]] [[words n=100]]' }] });
      const runs = page.locator('.runs');
      await runs.waitFor({ timeout: 20_000 });
      const [needed, given] = await runs.evaluate((box) => [box.scrollWidth, box.clientWidth]);
      assert.ok(needed <= given, `${needed} px in ${given}`);
      await answer;
    }));
}

test('keys that go to a place take the scope along', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/?domain=other.example&range=7d`);
    const arrived = page.waitForNavigation();
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await arrived;
    const { pathname, searchParams } = new URL(page.url());
    assert.deepEqual([pathname, searchParams.get('domain'), searchParams.get('range')], ['/conversations', 'other.example', '7d']);
  }));

test('a list of one domain tells nothing new of another', () =>
  look({}, async (page) => {
    const all = await page.context().newPage();
    await visit(page, `${nexus.dashboard}/conversations?domain=other.example`);
    await visit(all, `${nexus.dashboard}/conversations`);
    for (const one of [page, all]) await one.locator('[data-live-state][data-state=on]').waitFor();
    await nexus.message({ messages: [{ role: 'user', content: 'Something new [[say: It is.]]' }] });
    await all.locator('#new-pill').waitFor({ timeout: 20_000 });
    // Both hear it from the same worker; a stream of its own would be as fast.
    await page.evaluate(() => new Promise((done) => setTimeout(done, 300)));
    assert.equal(await page.locator('#new-pill').isVisible(), false);
  }));

test('Overview of one domain shows what runs there alone', () =>
  look({}, async (page) => {
    const answer = nexus.message({ stream: true, messages: [{ role: 'user', content: 'Tell me much [[slow ms=100]] [[words n=100]]' }] });
    const runs = async (query) => (await (await fetch(`${nexus.dashboard}/${query}`)).text()).includes('/live?watch=');
    await until('the request to run', () => runs(''), 20);
    assert.equal(await runs('?domain=other.example'), false);
    await answer;
  }));
