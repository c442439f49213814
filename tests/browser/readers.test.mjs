// What a page owes those who read it by keyboard, by ear, on paper, far away, or on an odd screen.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, overflow, visit, walked } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';
import { realistic, Session } from './session.mjs';

let nexus; let browser; let conversation; let pages;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  await realistic(nexus);
  conversation = await until('the conversation', async () => {
    const { conversations } = await nexus.api('conversations?limit=100');
    return conversations.find((one) => one.title?.includes('Compare the two parsers'));
  });
  const tabs = ['', '/transcript', '/timeline', '/cost', '/analysis', '/compare', '/export'];
  pages = ['/', '/conversations', '/requests', '/live', '/usage', '/analyses', '/prompts', '/pipeline', '/setup',
    `/requests/${conversation.latestRequestId}`, ...tabs.map((tab) => `/conversations/${conversation.conversationId}${tab}`)];
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const look = (options, walk) => walked(browser, nexus.dashboard, options, walk);
const graph = () => `${nexus.dashboard}/conversations/${conversation.conversationId}`;
const isLive = (page) => page.locator('[data-live-state][data-state=on]').waitFor();

for (const [width, colorScheme] of [[768, 'light'], [2560, 'dark']]) {
  test(`no page is wider than a window of ${width} px, and all begin below the search field`, () =>
    look({ width, colorScheme }, async (page) => {
      for (const path of pages) {
        await visit(page, nexus.dashboard + path);
        await page.locator('.scope select').evaluateAll((all) => all.forEach((one) => one.append(new Option('a name that is longer than others'))));
        assert.equal(await overflow(page), null, path);
        const [search, main] = await page.evaluate(() => ['#search', 'main > *'].map((one) => document.querySelector(one).getBoundingClientRect().left));
        assert.ok(Math.abs(search - main) <= 1, `${path}: ${search} and ${main}`);
      }
    }));
}

test('a window of 2560 px is used', () =>
  look({ width: 2560 }, async (page) => {
    await visit(page, `${nexus.dashboard}/conversations`);
    const { width } = await page.locator('main > .card').boundingBox();
    assert.ok(width > 2200, `${width} px`);
  }));

test('the states of analyses stay within a phone', () =>
  look({ width: 390 }, async (page) => {
    await visit(page, `${nexus.dashboard}/analyses`);
    for (const part of ['.seg', 'main .card']) {
      const { x, width } = await page.locator(part).first().boundingBox();
      assert.ok(x + width <= 390 - 12 + 1, `${part} ends at ${x + width}`);
    }
  }));

test('everything stands in a landmark of its own name, headings in order', () =>
  look({}, async (page) => {
    for (const path of pages) {
      await visit(page, nexus.dashboard + path);
      assert.deepEqual(await audit(page, ['region', 'landmark-unique', 'heading-order']), [], path);
    }
  }));

for (const width of [1440, 390]) {
  test(`the live indicator is more than a colour, ${width} px`, () =>
    look({ width }, async (page) => {
      await visit(page, nexus.dashboard);
      await isLive(page);
      const state = page.locator('[data-live-state]');
      assert.equal((await state.innerText()).trim(), 'Live');
      const lost = await state.evaluate((mark) => {
        mark.dataset.state = 'wait';
        return mark.querySelector('.text').getBoundingClientRect().width;
      });
      assert.ok(lost > 20, `${lost} px of text when the connection is lost`);
    }));
}

const ZONE = 'Asia/Kolkata';
test('the graph and the transcript tell the viewer’s time', () => {
  const cookies = [{ name: 'nexus_tz', value: encodeURIComponent(ZONE), url: nexus.dashboard }];
  return look({ timezoneId: ZONE, cookies }, async (page) => {
    const { requests } = await nexus.api('requests?limit=500');
    const clock = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, timeStyle: 'medium' });
    const at = new Map(requests.map((one) => [one.requestId, clock.format(new Date(one.timestamp))]));
    await visit(page, graph());
    const steps = await page.locator('a.node[data-id]').evaluateAll((all) => all.map((one) => [one.dataset.id, one.querySelector('.meta').textContent]));
    assert.ok(steps.length > 1);
    for (const [id, meta] of steps) assert.equal(meta.split(' · ')[0], at.get(id), id);
    await visit(page, `${graph()}/transcript`);
    const turns = await page.locator('.step').evaluateAll((all) => all.map((one) => [one.querySelector('[href^="/requests/"]').pathname.split('/')[2], one.querySelector('time').textContent]));
    assert.ok(turns.length > 1);
    for (const [id, text] of turns) assert.ok(text.endsWith(at.get(id)), `${id}: ${text}, not ${at.get(id)}`);
  });
});

test('times go on as the server began them', () =>
  look({}, async (page) => {
    await visit(page, nexus.dashboard);
    const DISTANCES = [[3, 'just now'], [40, 'just now'], [-30, 'in a moment'], [75, '1 m ago'], [3_590, '59 m ago'],
      [4_530, '1 h 15 m ago'], [7_230, '2 h ago'], [10_790, '2 h 59 m ago'], [10_830, '3 h ago'], [86_390, '23 h ago'], [86_430, '1 d ago'], [109_000, '1 d 6 h ago'],
      [259_210, '3 d ago'], [5_183_990, '59 d ago'], [5_184_010, '2 mo ago'], [-7_230, 'in 2 h']];
    const shown = await page.evaluate((distances) => {
      const box = document.createElement('div');
      for (const [seconds] of distances) {
        const time = document.createElement('time');
        time.dateTime = new Date(Date.now() - seconds * 1000).toISOString();
        box.append(time);
      }
      document.querySelector('main').append(box);
      box.dispatchEvent(new CustomEvent('htmx:load', { bubbles: true }));
      return [...box.children].map((time) => time.textContent);
    }, DISTANCES);
    assert.deepEqual(shown, DISTANCES.map(([, text]) => text));
  }));

test('the graph is heard: what each step is, and which is selected', () =>
  look({}, async (page) => {
    await visit(page, graph());
    const step = (name) => page.locator('.canvas').getByRole('link', { name });
    await step(/^prompt: Compare the two parsers.* \d\d:\d\d:\d\d( UTC)? · /).waitFor();
    await step(/^answer: The second one is shorter/).waitFor();
    await step(/^sub-task 1 \(\d+\) · List the par.*, \d+ messages$/).waitFor();
    const current = () => page.locator('a.node[aria-current=true]').getAttribute('data-id');
    const first = await current();
    await step(/^answer: The second one is shorter/).click();
    assert.notEqual(await current(), first);
  }));

// Each has an address of its own: a link that says where one is, and no tab whose panel is not there.
test('the views of a conversation are links, and one says that one is there', () =>
  look({}, async (page) => {
    for (const [tab, name] of [['', 'Graph'], ['/transcript', 'Transcript'], ['/timeline', 'Timeline'], ['/cost', 'Cost'], ['/analysis', 'Analysis'], ['/compare', 'Compare'], ['/export', 'Export']]) {
      await visit(page, graph() + tab);
      const views = page.getByRole('navigation', { name: 'Views of this conversation' });
      assert.equal(await views.getByRole('link').count(), 7, tab);
      const here = await views.locator('[aria-current=page]').allInnerTexts();
      assert.deepEqual(here.map((text) => text.trim()), [name]);
      assert.equal(await page.locator('[role=tab], [role=tablist]').count(), 0, tab);
    }
  }));

test('the graph is one stop of the Tab key, and arrows reach its sub-agents', () =>
  look({}, async (page) => {
    await visit(page, graph());
    assert.equal(await page.locator('a.node[tabindex="0"]').count(), 1);
    await page.locator('.canvas').focus();
    const steps = await page.locator('a.node[data-id]').count();
    for (let press = 0; press < steps; press += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowRight');
    assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^sub-task 1 /);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    await page.locator('a.node.group[aria-expanded=true]').waitFor();
  }));

test('the graph stays in its window, and at its end the page scrolls on', () =>
  look({}, async (page) => {
    await visit(page, graph());
    const canvas = await page.locator('.canvas').boundingBox();
    const middle = [canvas.x + canvas.width - 120, canvas.y + canvas.height / 2];
    await page.mouse.move(...middle);
    await page.mouse.wheel(0, 4000);
    await page.waitForFunction(() => scrollY > 0);
    await page.mouse.down();
    await page.mouse.move(middle[0] + 4000, middle[1] + 4000, { steps: 5 });
    await page.mouse.up();
    const seen = await page.evaluate(() => {
      const box = document.querySelector('.canvas').getBoundingClientRect();
      return [...document.querySelectorAll('a.node .box')].map((node) => node.getBoundingClientRect())
        .filter((node) => node.left < box.right && node.right > box.left && node.top < box.bottom && node.bottom > box.top).length;
    });
    assert.ok(seen > 0, 'no step is left in view');
  }));

test('what one opened and where one was stays when live figures change', () =>
  look({}, async (page) => {
    await visit(page, nexus.dashboard);
    await isLive(page);
    const table = page.locator('.chart-table').first();
    await table.locator('summary').click();
    const row = page.locator('tbody a.title', { hasText: 'Compare the two parsers' });
    await row.focus();
    const count = () => page.locator('.stat .value').first().innerText();
    const before = await count();
    await nexus.message({ messages: [{ role: 'user', content: 'One more [[say: Yes.]]' }] });
    await until('the figures to change', async () => (await count()) !== before, 20);
    assert.equal(await table.getAttribute('open'), '');
    assert.match(await page.evaluate(() => document.activeElement.textContent), /Compare the two parsers/);
  }));

test('how far figures were scrolled stays when they change', () =>
  look({ width: 390 }, async (page) => {
    const session = new Session(nexus);
    await session.prompt('Scroll sideways [[say: Gladly.]]');
    await nexus.stored(session.ids);
    const { conversationId } = await nexus.conversation('Scroll sideways');
    await visit(page, `${nexus.dashboard}/conversations/${conversationId}/transcript`);
    await isLive(page);
    const strip = page.locator('.strip');
    await strip.evaluate((one) => (one.scrollLeft = 60));
    await session.prompt('Once more [[say: Gladly.]]');
    await strip.locator('div', { hasText: /^Requests\s*2$/ }).waitFor({ timeout: 20_000 });
    assert.equal(await strip.evaluate((one) => one.scrollLeft), 60);
  }));

test('what happened during a pause is there when it ends', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/live`);
    await isLive(page);
    await page.locator('[data-pause]').click();
    const session = new Session(nexus);
    await session.prompt('Said during the pause [[say: Good.]]');
    await nexus.stored(session.ids);
    await page.locator('[data-missed]').first().waitFor();
    const rows = page.locator('tr', { hasText: 'Said during the pause' });
    assert.equal(await rows.count(), 0);
    await page.locator('[data-pause]').click();
    await rows.first().waitFor({ timeout: 10_000 });
  }));

test('Escape closes the filters and leaves the focus at them', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests`);
    await page.keyboard.press('f');
    await page.locator('#f-q').waitFor();
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('details.menu').getAttribute('open'), null);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY');
  }));

test('nothing moves for those who asked for stillness', () =>
  look({}, async (page) => {
    await visit(page, nexus.dashboard);
    const moving = await page.evaluate(() => ['skeleton', 'dot live'].map((name) => {
      const made = document.createElement('span');
      made.className = name;
      document.querySelector('main').append(made);
      return getComputedStyle(made).animationName;
    }));
    assert.deepEqual(moving, ['none', 'none']);
  }));

test('on paper a page is light and bare of controls', () =>
  look({ colorScheme: 'dark' }, async (page) => {
    await visit(page, `${graph()}/transcript`);
    await page.emulateMedia({ media: 'print' });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number));
    assert.ok(paper.slice(0, 3).every((part) => part > 230), paper.join());
    for (const part of ['.side', '.top', '.banner', '.tabs', '[data-fold-all]']) assert.equal(await page.locator(part).first().isVisible(), false, part);
    assert.ok(await page.locator('h1').isVisible());
  }));

test('on paper charts have their colours, are not cut, and nothing lies over them', () =>
  look({}, async (page) => {
    for (const [path, mark] of [[`${nexus.dashboard}/usage`, '.chart rect, .chart path'], [`${graph()}/cost`, '.chart .bar'], [`${graph()}/timeline`, '.chart .bar, .chart rect']]) {
      await visit(page, path);
      await page.emulateMedia({ media: 'print' });
      for (const part of ['.skip', '.chart-table']) assert.equal(await page.locator(part).first().isVisible(), false, `${part} of ${path}`);
      const adjusted = await page.locator(mark).evaluateAll((all) => all.map((one) => getComputedStyle(one).getPropertyValue('-webkit-print-color-adjust')));
      assert.ok(adjusted.length > 0 && adjusted.every((how) => how === 'exact'), `${path}: ${adjusted}`);
      const cut = await page.locator('.card:has(.chart-table)').evaluateAll((all) => all.map((one) => getComputedStyle(one).breakInside));
      assert.ok((cut.length > 0 || path.endsWith('/cost')) && cut.every((how) => how === 'avoid'), `${path}: ${cut}`);
      await page.emulateMedia({ media: null });
    }
  }));

test('a search that is not understood is quoted as it was written', () =>
  look({}, async (page) => {
    for (const [query, said] of [['tokens:ABC', '“tokens:ABC” is not understood'], ['cost:x', 'US dollars']]) {
      for (const place of ['conversations', 'requests', 'live']) {
        await visit(page, `${nexus.dashboard}/${place}?q=${query}`);
        const alert = await page.locator('[role=alert]').innerText();
        assert.ok(alert.includes(said), `${place}: ${alert}`);
      }
    }
  }));
