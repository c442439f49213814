// A conversation of many turns: both of its ends are one click away, and no page of it grows with its length.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launch, overflow, visit, walked } from './browser.mjs';
import { Nexus, until } from './nexus.mjs';

const TURNS = 260;
let nexus; let browser; let conversation;

// The session alone joins the turns: a client that sends its whole history would send far more.
async function walk() {
  const headers = { 'x-claude-code-session-id': randomUUID(), 'user-agent': 'claude-cli/2.1.197 (external, cli)' };
  const asked = (step) => ({ role: 'user', content: `Stone ${step} [[say: Laid ${step}.]]` });
  const ids = [];
  for (let step = 1; step <= TURNS; step += 1) {
    const before = step > 1 ? [asked(step - 1), { role: 'assistant', content: `Laid ${step - 1}.` }] : [];
    ids.push((await nexus.message({ messages: [...before, asked(step)] }, headers)).id);
  }
  await nexus.stored(ids);
}

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  await walk();
  conversation = await until('all of its turns', async () => {
    const found = await nexus.conversation('Stone 1 ');
    return found.requestCount === TURNS ? found : undefined;
  }, 60);
  assert.equal(conversation.branchCount, 1);
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

const of = (tab) => `${nexus.dashboard}/conversations/${conversation.conversationId}${tab}`;
const follow = (page, name) => Promise.all([page.waitForNavigation(), page.getByRole('link', { name, exact: true }).click()]);

for (const width of [1440, 390]) {
  test(`the timeline leads to its first and to its last steps, ${width} px`, () =>
    walked(browser, nexus.dashboard, { width }, async (page) => {
      const told = () => page.locator('main section header').first().innerText();
      await visit(page, of('/timeline'));
      assert.match(await told(), /steps 141 to 260 of 260/);
      assert.equal(await page.getByRole('link', { name: 'Last', exact: true }).count(), 0);
      await follow(page, 'First');
      assert.match(await told(), /steps 1 to 120 of 260/);
      assert.equal(await overflow(page), null);
      await follow(page, 'Last');
      assert.match(await told(), /steps 141 to 260 of 260/);
    }));

  test(`the transcript leads to its last and to its first turns, ${width} px`, () =>
    walked(browser, nexus.dashboard, { width }, async (page) => {
      const numbers = () => page.locator('.step .n').allInnerTexts();
      await visit(page, of('/transcript'));
      assert.equal((await numbers())[0], '1');
      await page.getByText('260 turns').waitFor();
      assert.equal(await page.getByRole('link', { name: 'First turns' }).count(), 0);
      await follow(page, 'Last turns');
      assert.equal((await numbers()).at(-1), '260');
      assert.equal(await page.getByRole('link', { name: 'Last turns' }).count(), 0);
      assert.equal(await overflow(page), null);
      await follow(page, 'First turns');
      assert.equal((await numbers())[0], '1');
    }));
}

test('no page of it holds all of it', () =>
  walked(browser, nexus.dashboard, {}, async (page) => {
    for (const tab of ['', '?runs=1', '/transcript', '/timeline', '/cost', '/compare']) {
      const html = await (await fetch(of(tab))).text();
      const elements = html.match(/<[a-z]/gi).length;
      assert.ok(html.length < 150 * 1024 && elements < 3000, `${tab}: ${html.length} bytes, ${elements} elements`);
    }
    await visit(page, of('/cost'));
    await page.getByText('the cache held nothing that a turn could have missed').waitFor();
  }));
