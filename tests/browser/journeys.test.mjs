// What people come for: find a conversation by its words, follow an agent that runs, see why a turn
// was dear, compare two branches, have one analysed; by mouse and by keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, overflow, visit, walked, watched } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';
import { realistic, Session } from './session.mjs';

const KEY = 'a-dashboard-key';
let nexus; let browser; let cookies;

before(async () => {
  nexus = await Nexus.start({ DASHBOARD_API_KEY: KEY, AI_WORKER_ENABLED: 'true', AI_WORKER_POLL_INTERVAL_MS: '200', AI_ANALYSIS_MAX_RETRIES: '1' });
  browser = await launch();
  await realistic(nexus);
  const { page, context } = await watched(browser, nexus.dashboard);
  await logIn(page, nexus.dashboard, KEY);
  cookies = await context.cookies();
  await context.close();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

// As somebody who is logged in.
const journey = (options, walk) => walked(browser, nexus.dashboard, { cookies, ...options }, walk);

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`a conversation is found by its words, and opens at the place, ${width} px, ${colorScheme}`, () =>
    journey({ width, colorScheme }, async (page) => {
      await visit(page, nexus.dashboard);
      await page.fill('#search', 'ambiguous has:subtask');
      await Promise.all([page.waitForNavigation(), page.press('#search', 'Enter')]);
      assert.match(await page.innerText('main'), /No conversation matches/);
      await page.fill('#search', 'ambiguous');
      await Promise.all([page.waitForNavigation(), page.press('#search', 'Enter')]);
      const place = page.locator('tbody .preview mark').first();
      assert.equal((await place.innerText()).toLowerCase(), 'ambiguous');
      await Promise.all([page.waitForNavigation(), place.click()]);
      assert.match(page.url(), /\/transcript\?at=/);
      assert.match(await page.innerText('.script'), /The type was ambiguous/);
      assert.equal(await page.evaluate(() => CSS.highlights.get('found')?.size > 0), true, 'the word is marked');
      assert.equal(await overflow(page), null);
      assert.deepEqual(await audit(page), [], 'axe');
    }));
}

test('a running agent is followed: its answer grows, its end shows, its next step comes by itself', () =>
  journey({}, async (page) => {
    const session = new Session(nexus);
    await session.prompt('Watch the harbour [[say: The first ship is in.]]');
    await nexus.stored(session.ids);
    const { conversationId } = await nexus.conversation('Watch the harbour');
    await visit(page, `${nexus.dashboard}/conversations/${conversationId}`);
    await page.locator('[data-live-state][data-state=on]').waitFor();
    await page.click('[data-follow]');
    const content = 'And the second? [[slow ms=60]] [[words n=300]]';
    const second = nexus.message({ messages: [...session.messages, { role: 'user', content }], stream: true }, session.headers);
    await page.locator('#detail >> text=in flight').first().waitFor({ timeout: 20_000 });
    const text = page.locator('#detail [data-watch] .text');
    await text.waitFor({ timeout: 20_000 });
    const before = (await text.innerText()).length;
    await page.waitForFunction((length) => document.querySelector('#detail [data-watch] .text')?.textContent.length > length, before, { timeout: 20_000 });
    await second;
    await page.locator('#detail [data-watch]').waitFor({ state: 'detached', timeout: 20_000 });
    assert.match(await page.innerText('#detail'), /completed/);
    assert.equal(await page.locator('a.node').count(), 2);
  }));

test('Live shows one answer as it grows, and tells its end', () =>
  journey({}, async (page) => {
    await visit(page, `${nexus.dashboard}/live`);
    await page.locator('[data-live-state][data-state=on]').waitFor();
    let answer;
    const id = await new Promise((begun) => {
      answer = nexus.message({ stream: true, messages: [{ role: 'user', content: 'Tell me much [[slow ms=200]] [[words n=400]]' }] }, {}, begun);
    });
    await Promise.all([page.waitForNavigation(), page.locator(`a[href*="watch=${id}"]`).first().click({ timeout: 20_000 })]);
    await page.waitForFunction(() => document.querySelector('.watched .text')?.textContent.length > 0, null, { timeout: 20_000 });
    await answer;
    await page.locator('.watched .state', { hasText: 'ended: completed' }).waitFor({ timeout: 20_000 });
  }));

test('a dear turn says why: what the cache missed, and which block changed', () =>
  journey({}, async (page) => {
    const usage = (read, written) => `[[usage in=10 out=50 read=${read} write=${written}]]`;
    const session = new Session(nexus);
    await session.prompt(`Count the dear turns ${usage(0, 40000)} [[say: One.]]`);
    await session.prompt(`Once more ${usage(40000, 500)} [[say: Two.]]`);
    session.extra = { system: [{ type: 'text', text: 'Another system prompt.' }] };
    await session.prompt(`And again ${usage(0, 41000)} [[say: Three.]]`);
    await nexus.stored(session.ids);
    const { conversationId } = await nexus.conversation('Count the dear turns');
    await visit(page, `${nexus.dashboard}/conversations/${conversationId}`);
    await Promise.all([page.waitForNavigation(), page.click('.tabs a:has-text("Cost")')]);
    const missed = page.locator('section', { hasText: 'Turns that missed the cache' }).locator('tbody tr');
    assert.equal(await missed.count(), 1, await page.innerText('main'));
    assert.match(await missed.innerText(), /changed/);
    await Promise.all([page.waitForNavigation(), missed.locator('a', { hasText: 'see which' }).click()]);
    const part = page.locator('details', { has: page.locator('summary:has-text("System prompt")') });
    assert.match(await part.innerText(), /differs[\s\S]*Another system prompt/);
  }));

test('two branches are compared from their fork', () =>
  journey({ colorScheme: 'dark' }, async (page) => {
    const { conversationId } = await nexus.conversation('Plan the release');
    await visit(page, `${nexus.dashboard}/conversations/${conversationId}/compare`);
    const text = await page.innerText('main');
    assert.match(text, /They part after/);
    assert.match(text, /First step\?/);
    assert.match(text, /Other first step\?/);
    assert.equal(await page.locator('#cmp-a').inputValue(), 'main');
    assert.match(await page.locator('#cmp-b').inputValue(), /^branch_/);
    assert.deepEqual(await audit(page), [], 'axe');
  }));

test('a long comparison says what follows, and reads on', () =>
  journey({ width: 390 }, async (page) => {
    const session = new Session(nexus);
    await session.prompt('Weigh two long ways [[say: Gladly.]]');
    const shared = [...session.messages];
    for (const way of ['left', 'right']) {
      session.messages = [...shared];
      for (let step = 1; step <= 40; step += 1) {
        session.messages.push({ role: 'user', content: `${way} step ${step}` }, { role: 'assistant', content: `${way} answer ${step}` });
      }
      await session.prompt(`Where does the ${way} way end? [[say: Here.]]`);
    }
    await nexus.stored(session.ids);
    await until('both ways', async () => (await nexus.conversation('Weigh two long ways')).branchCount === 2);
    const { conversationId } = await nexus.conversation('Weigh two long ways');
    const address = `${nexus.dashboard}/conversations/${conversationId}/compare`;
    const html = await (await visit(page, address)).text();
    assert.match(html, /both begin with the same 2 messages, then 81 in the first and 81 in the second/);
    assert.match(html, /61 in the first and 61 in the second follow/);
    const part = page.locator('details', { has: page.locator('summary:has-text("Messages")') });
    const more = part.locator('.paging');
    await until('the rest', async () => {
      if ((await more.count()) === 0) return true;
      await more.first().scrollIntoViewIfNeeded({ timeout: 500 });
      return false;
    });
    const whole = await part.innerText();
    for (const way of ['left', 'right']) {
      for (const said of ['step 1', 'step 11', 'answer 40']) assert.equal(whole.split(`"${way} ${said}"`).length, 2, `${way} ${said}`);
    }
    const hidden = await part.locator('.diff').evaluateAll((all) => all.filter((piece) => piece.scrollHeight > piece.clientHeight + 1).length);
    assert.equal(hidden, 0, 'no piece scrolls within the page');
    for (const side of [1, 2]) {
      const numbers = (await part.locator(`.diff td:nth-child(${side})`).allTextContents()).filter(Boolean).map(Number);
      assert.ok(numbers.length > 81 && numbers.every((number, index) => index === 0 || number > numbers[index - 1]), `lines are numbered on: ${numbers}`);
    }
    assert.equal(await overflow(page), null);
    assert.deepEqual(await audit(page), [], 'axe');
    // As without JavaScript.
    await visit(page, `${address}?part=messages&start=20`);
    const later = await part.innerText();
    assert.ok(later.includes('"left step 11"') && !later.includes('"left step 10"'), later);
    // What there is not is told in a page, and to nobody without a session.
    for (const [rest, status] of [
      ['?part=nothing', 400], ['/more?part=messages&start=x', 400], ['/more', 404], ['/more?part=messages&a=nothing', 404],
      ['/more?part=messages&start=9999', 404],
    ]) {
      const answer = await page.request.get(address + rest);
      assert.equal(answer.status(), status, rest);
      assert.match(await answer.text(), new RegExp(`<main[^]*${status}`), rest);
    }
    // Behind the end stands where it is, and a way back.
    for (const [path, words] of [
      ['/compare?part=messages&start=9999', /The difference ends before this place[^]*compare\?a=[^]*From its beginning/],
      ['/timeline?start=9999', /There are only \d+ steps here[^]*timeline\?start=0"[^]*From the beginning/],
      ['/transcript?start=9999', /There are only \d+ turns here[^]*transcript\?branch=main&amp;start=0"[^]*From the beginning/],
    ]) {
      const answer = await page.request.get(`${nexus.dashboard}/conversations/${conversationId}${path}`);
      assert.equal(answer.status(), 404, path);
      assert.match(await answer.text(), words, path);
    }
    const stranger = await fetch(`${address}/more?part=messages`, { redirect: 'manual' });
    assert.equal(stranger.status, 303);
  }));

test('an analysis completes by itself on the page; one that failed says why, and can be tried again', () =>
  journey({}, async (page) => {
    const analyse = async (words, script) => {
      const session = new Session(nexus);
      await session.prompt(`${words} ${script} [[say: Gladly.]]`);
      await nexus.stored(session.ids);
      const { conversationId } = await nexus.conversation(words);
      await visit(page, `${nexus.dashboard}/conversations/${conversationId}/analysis`);
      await Promise.all([page.waitForNavigation(), page.click('button:has-text("Analyse")')]);
    };
    await analyse('Have this analysed', '');
    await page.locator('main .chip:has-text("completed")').waitFor({ timeout: 30_000 });
    await analyse('Have this refused', '[[gemini status=400]]');
    const again = page.locator('button:has-text("Try again")');
    await again.waitFor({ timeout: 30_000 });
    assert.match(await page.locator('[role=alert]').innerText(), /400/);
    await Promise.all([page.waitForNavigation(), again.click()]);
    await again.waitFor({ timeout: 30_000 });
  }));

test('everything is reached by keyboard alone', () =>
  journey({}, async (page) => {
    await visit(page, nexus.dashboard);
    const go = async (...keys) => {
      const arrived = page.waitForNavigation();
      for (const key of keys) await page.keyboard.press(key);
      await arrived;
    };
    await go('g', 'c');
    assert.match(page.url(), /\/conversations$/);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await go('Enter');
    assert.match(page.url(), /\/conversations\/[0-9a-f-]{36}/);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('why the build fails');
    await page.locator('#palette [role=option]', { hasText: 'Find out why' }).first().waitFor();
    await go('Enter');
    await page.locator('.canvas').focus();
    const chosen = () => page.locator('a.node.on').getAttribute('data-id');
    const first = await chosen();
    await page.keyboard.press('ArrowUp');
    await page.waitForFunction((id) => document.querySelector('a.node.on')?.dataset.id !== id, first);
    await page.keyboard.press('0');
    await page.keyboard.press('?');
    assert.ok(await page.locator('#help').isVisible());
    await page.keyboard.press('Escape');
    assert.ok(!(await page.locator('#help').isVisible()));
    await page.keyboard.press('Control+k');
    await page.keyboard.type('plan the release');
    await page.locator('#palette [role=option]', { hasText: /^Plan the release/ }).first().waitFor();
    await go('Enter');
    assert.match(await page.innerText('h1'), /Plan the release/);
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
    await page.keyboard.press('Escape');
    await go('g', 'u');
    assert.match(page.url(), /\/usage/);
  }));
