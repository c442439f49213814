// What is chosen in the top bar: the lists below heed it, and links and forms carry it on, without a script, too.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, overflow, rows, visit, walked, watched } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';

const KEY = 'a-dashboard-key';
const HOUR = 3_600_000;
const SCREENS = [[1440, 'light'], [390, 'dark']];
let nexus; let browser; let cookies; let prompts;

const windows = {
  'anthropic-ratelimit-unified-5h-status': 'allowed',
  'anthropic-ratelimit-unified-5h-utilization': '0.4',
  'anthropic-ratelimit-unified-5h-reset': String(Math.round((Date.now() + 2 * HOUR) / 1000)),
};

function exchange(id, domain, accountId, prompt, hoursAgo) {
  const said = { type: 'message', role: 'assistant', model: 'claude-sonnet-4-5', content: [{ type: 'text', text: 'It is so.' }], usage: { input_tokens: 8, output_tokens: 2 } };
  return {
    id, domain, accountId, at: new Date(Date.now() - hoursAgo * HOUR).toISOString(), durationMs: 900, state: 'completed',
    request: { method: 'POST', path: '/v1/messages', headers: {}, body: { model: 'claude-sonnet-4-5', max_tokens: 100, messages: [{ role: 'user', content: prompt }] } },
    response: { status: 200, headers: windows, body: said },
  };
}

const SENT = [
  exchange('first', 'a.example', 'acc_a', 'Ask the first', 2),
  exchange('second', 'b.example', 'acc_b', 'Ask the second', 3),
  exchange('old', 'a.example', 'acc_a', 'Ask long ago', 24 * 40),
];

async function post(path, type, body) {
  const headers = { 'x-dashboard-key': KEY, 'content-type': type };
  const answer = await fetch(`${nexus.dashboard}/api/${path}`, { method: 'POST', headers, body });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

before(async () => {
  prompts = await mkdtemp(join(tmpdir(), 'nexus-scope-'));
  await writeFile(join(prompts, 'tell.yaml'), 'template: Tell {{domain}} of {{topic}}\n');
  nexus = await Nexus.start({ DASHBOARD_API_KEY: KEY, DASHBOARD_CACHE_TTL: '0', MCP_ENABLED: 'true', MCP_PROMPTS_DIR: prompts });
  browser = await launch();
  await post('import', 'application/x-ndjson', SENT.map((one) => JSON.stringify(one)).join('\n'));
  for (const { id } of SENT) await post('analyses', 'application/json', JSON.stringify({ conversationId: id, branchId: 'main' }));
  const { page, context } = await watched(browser, nexus.dashboard);
  await logIn(page, nexus.dashboard, KEY);
  cookies = await context.cookies();
  await until('the domains to be offered', async () => {
    await visit(page, `${nexus.dashboard}/conversations`);
    return await page.locator('#scope-domain option').count() > 2;
  });
  await context.close();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
  await rm(prompts, { recursive: true, force: true });
});

const look = (options, walk) => walked(browser, nexus.dashboard, { ...options, cookies }, walk);
const said = (page, ...names) => names.map((name) => new URL(page.url()).searchParams.get(name));
const titles = async (page) => (await page.locator('tbody a.title').allInnerTexts()).map((title) => title.trim()).sort();

for (const [width, colorScheme] of SCREENS) {
  test(`analyses are listed and counted by domain and account, ${width} px, ${colorScheme}`, () =>
    look({ width, colorScheme }, async (page) => {
      const choose = (field, value) => Promise.all([page.waitForNavigation(), page.selectOption(field, value)]);
      await visit(page, `${nexus.dashboard}/analyses`);
      assert.deepEqual(await titles(page), ['Ask long ago', 'Ask the first', 'Ask the second']);
      await choose('#scope-domain', 'a.example');
      assert.deepEqual(await titles(page), ['Ask long ago', 'Ask the first']);
      assert.match(await page.locator('.seg').innerText(), /All 2\s*Pending 2/);
      await choose('#scope-range', '1h');
      assert.deepEqual(await titles(page), ['Ask long ago', 'Ask the first'], 'asked for within the hour');
      assert.equal(await overflow(page), null);
      assert.deepEqual(await audit(page), [], 'axe');
      // The status and the scope narrow one another.
      await Promise.all([page.waitForNavigation(), page.locator('.seg').getByRole('link', { name: /^Pending/ }).click()]);
      assert.deepEqual(said(page, 'status', 'domain', 'range'), ['pending', 'a.example', '1h']);
      await choose('#scope-account', 'acc_b');
      assert.deepEqual(said(page, 'status', 'account'), ['pending', 'acc_b']);
      assert.deepEqual(await titles(page), []);
      await Promise.all([page.waitForNavigation(), page.getByRole('link', { name: 'Show all' }).click()]);
      assert.equal((await titles(page)).length, 3);
    }));
}

test('rows of analyses are as high as other rows', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/analyses`);
    assert.deepEqual(await rows(page), { shown: 3, uneven: [] });
  }));

test('a domain has the rate-limit windows of the accounts that it used', () =>
  look({}, async (page) => {
    const shown = async (path) => {
      await visit(page, nexus.dashboard + path);
      return (await page.locator('.window').evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))).sort();
    };
    for (const place of ['/', '/usage']) {
      assert.deepEqual(await shown(place), ['5 hours of acc_a', '5 hours of acc_b'], place);
      assert.deepEqual(await shown(`${place}?domain=b.example`), ['5 hours of acc_b'], place);
      assert.deepEqual(await shown(`${place}?domain=b.example&account=acc_a`), [], place);
      assert.deepEqual(await shown(`${place}?domain=a.example&range=1h`), [], `${place}: used longer ago`);
    }
  }));

test('Live shows the time that was chosen, and its filter keeps it', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/live`);
    assert.deepEqual(await titles(page), ['Ask long ago', 'Ask the first', 'Ask the second']);
    await visit(page, `${nexus.dashboard}/live?range=24h`);
    assert.deepEqual(await titles(page), ['Ask the first', 'Ask the second']);
    await page.fill('#live-q', 'first');
    await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Filter' }).click()]);
    assert.deepEqual(said(page, 'q', 'range'), ['first', '24h']);
    assert.deepEqual(await titles(page), ['Ask the first']);
  }));

test('Live says that a filter hides what has finished, and shows it again', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/live?q=nosuchword&domain=a.example`);
    const main = await page.innerText('main');
    assert.match(main, /No request matches/);
    assert.match(main, /Nothing runs in a\.example right now/);
    assert.doesNotMatch(main, /Nothing yet/);
    assert.deepEqual(await audit(page), [], 'axe');
    const again = await page.request.get(`${nexus.dashboard}/fragments/live?q=nosuchword`);
    assert.match(await again.text(), /No request matches/);
    await Promise.all([page.waitForNavigation(), page.getByRole('link', { name: 'Show all' }).click()]);
    assert.equal((await titles(page)).length, 3);
  }));

test('what scripts fetch keeps the scope: found conversations and the selected step', () =>
  look({}, async (page) => {
    const options = page.locator('#palette [role=option]');
    const type = async (words) => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type(words);
    };
    const take = (option) => Promise.all([page.waitForNavigation(), option.click()]);
    await visit(page, `${nexus.dashboard}/conversations?domain=a.example&range=7d`);
    await type('Ask the');
    const first = options.filter({ hasText: /^Ask the first/ });
    await first.waitFor();
    assert.equal(await options.filter({ hasText: /^Ask the second/ }).count(), 0, 'of another domain');
    await take(first);
    assert.deepEqual(said(page, 'domain', 'range'), ['a.example', '7d']);
    const [part] = await Promise.all([page.waitForResponse(/\/detail\//), page.locator('.canvas a.node').first().click()]);
    assert.match(await part.text(), /\/transcript\?at=[^"]*domain=a\.example&amp;range=7d/);
    await type('nothing at all');
    await take(options.filter({ hasText: /^Search conversations/ }));
    assert.deepEqual(said(page, 'q', 'domain'), ['nothing at all', 'a.example']);
  }));

test('filters of Requests take nothing of the scope away', () =>
  look({}, async (page) => {
    await visit(page, `${nexus.dashboard}/requests?domain=a.example&range=24h`);
    await page.locator('details.menu summary').click();
    await page.fill('#f-q', 'Ask');
    await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Apply' }).click()]);
    assert.deepEqual(said(page, 'q', 'domain', 'range'), ['Ask', 'a.example', '24h']);
    assert.deepEqual(await titles(page), ['Ask the first']);
  }));

// A person whose browser runs no script.
async function scriptless(walk) {
  const context = await browser.newContext({ javaScriptEnabled: false });
  try {
    // No script has told its time zone.
    await context.addCookies(cookies.filter((cookie) => cookie.name !== 'nexus_tz'));
    await walk(await context.newPage());
  } finally {
    await context.close();
  }
}

const follow = (page, link) => Promise.all([page.waitForNavigation(), link.click()]);
const isKept = (page, where) => assert.deepEqual(said(page, 'domain', 'range'), ['a.example', '7d'], where);

test('without a script the scope is chosen by a button and goes along by links', () =>
  scriptless(async (page) => {
    await page.goto(`${nexus.dashboard}/conversations`);
    await page.selectOption('#scope-domain', 'a.example');
    await page.selectOption('#scope-range', '7d');
    await follow(page, page.locator('form.scope').getByRole('button', { name: 'Apply' }));
    isKept(page, 'the list');
    assert.deepEqual(await titles(page), ['Ask the first']);
    await follow(page, page.locator('tbody a.title').first());
    isKept(page, 'the conversation');
    assert.match(await page.locator('.canvas a.node').first().getAttribute('href'), /domain=a\.example&range=7d&node=/);
    await follow(page, page.locator('.tabs').getByRole('link', { name: 'Transcript' }));
    isKept(page, 'a tab');
    await follow(page, page.locator('.tabs').getByRole('link', { name: 'Timeline' }));
    assert.match(await page.locator('svg.wf a').first().getAttribute('href'), /\?node=[^&]*&domain=a\.example&range=7d$/);
    await follow(page, page.locator('.crumbs').getByRole('link', { name: 'Conversations' }));
    isKept(page, 'the way back');
    await follow(page, page.locator('.side').getByRole('link', { name: 'Requests' }));
    await follow(page, page.locator('tbody a.title').first());
    isKept(page, 'a request');
    await follow(page, page.locator('.side').getByRole('link', { name: 'Analyses' }));
    await follow(page, page.locator('tbody a.title').first());
    isKept(page, 'an analysis');
    await follow(page, page.locator('.brand'));
    isKept(page, 'Overview');
  }));

test('without a script Prompts, Pipeline and Connect a client keep the scope', () =>
  scriptless(async (page) => {
    await page.goto(`${nexus.dashboard}/conversations?domain=a.example&range=7d`);
    const side = page.locator('.side');
    for (const name of ['Connect a client', 'Pipeline', 'Prompts']) {
      await follow(page, side.getByRole('link', { name }));
      isKept(page, name);
    }
    await page.fill('#prompt-search', 'tell');
    await Promise.all([page.waitForNavigation(), page.press('#prompt-search', 'Enter')]);
    isKept(page, 'a search');
    await follow(page, page.locator('tbody a.title'));
    isKept(page, 'a prompt');
    assert.equal(await page.inputValue('#arg-1'), '', 'the chosen domain is no argument');
    await page.fill('#arg-1', 'Ann');
    await page.fill('#arg-2', 'jazz');
    await follow(page, page.getByRole('button', { name: 'Preview' }));
    isKept(page, 'a preview');
    assert.equal(await page.innerText('#preview'), 'Tell Ann of jazz');
  }));

test('without a script every time says that it is UTC', () =>
  scriptless(async (page) => {
    const conversation = await nexus.conversation('Ask the first');
    const tabs = ['', '/transcript', '/timeline', '/cost', '/analysis'].map((tab) => `/conversations/${conversation.conversationId}${tab}`);
    let seen = 0;
    for (const path of ['/conversations', '/requests', '/live', '/analyses', '/pipeline', `/requests/${conversation.latestRequestId}`, ...tabs]) {
      await page.goto(nexus.dashboard + path);
      const times = await page.locator('time').evaluateAll((all) => all.map((time) => [time.dataset.form, time.textContent, time.title]));
      for (const [form, text, title] of times) {
        assert.match(title, / UTC$/, path);
        if (form !== 'ago') assert.match(text, / UTC$/, path);
      }
      const clocks = await page.locator('main :is(svg text, .num)').evaluateAll((all) => all.map((one) => one.textContent).filter((text) => /\d\d:\d\d/.test(text)));
      for (const clock of clocks) assert.match(clock, / UTC/, path);
      seen += times.length + clocks.length;
    }
    assert.ok(seen > 15, `${seen} times`);
    for (const path of ['/', '/usage']) {
      await page.goto(nexus.dashboard + path);
      assert.match(await page.locator('main').innerText(), /in UTC/, `the charts of ${path}`);
    }
  }));

test('without a script what runs says for how long', () =>
  scriptless(async (page) => {
    const answer = nexus.message({ stream: true, messages: [{ role: 'user', content: 'Tell me much [[slow ms=100]] [[words n=100]]' }] });
    const elapsed = page.locator('.runs [data-since]').first();
    await until('the request to run', async () => {
      await page.goto(`${nexus.dashboard}/live`);
      return await elapsed.count() > 0;
    }, 20);
    assert.match(await elapsed.innerText(), /^\d/);
    await answer;
  }));
