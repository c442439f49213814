// A person rates a recommendation of Spark's; on the next visit the rating stands at its card.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, violations, visit, watched } from './browser.mjs';
import { Nexus, freePort, until } from './nexus.mjs';
import { Session } from './session.mjs';

const KEY = 'a-dashboard-key';
let nexus; let browser;

before(async () => {
  const spark = await freePort();
  nexus = await Nexus.start({
    DASHBOARD_API_KEY: KEY, SPARK_API_URL: `http://127.0.0.1:${spark}`, SPARK_API_KEY: 'spark-key',
  });
  nexus.run('nexus-scripted', ['--kind', 'spark', String(spark)], {});
  await until('Spark', async () => fetch(`http://127.0.0.1:${spark}/`));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

test('a rating is passed on, and shown with its comment on the next visit', async () => {
  const session = new Session(nexus);
  const card = (call) => JSON.stringify({ session_id: `spark ${call.input.query}`, response: 'Write **tests** first.' });
  await session.prompt('Ask twice [[tool mcp__spark__get_recommendation: {"query":"one"}]] [[tool mcp__spark__get_recommendation: {"query":"two"}]] [[say: Done.]]', card);
  await nexus.stored(session.ids);
  const { conversationId } = await until('the conversation', async () => {
    const found = await nexus.api(`requests/${session.ids[0]}`);
    return found.conversationId ? found : undefined;
  });
  const { page, seen, context } = await watched(browser, nexus.dashboard);
  await logIn(page, nexus.dashboard, KEY);
  const transcript = `${nexus.dashboard}/conversations/${conversationId}/transcript`;
  await visit(page, transcript);
  const cards = page.locator('article', { has: page.locator('.spark-card') });
  await cards.nth(1).getByText('No feedback yet').waitFor();
  assert.equal(await cards.count(), 2);
  await cards.first().locator('input[name=rating][value="4"]').check();
  await cards.first().locator('input[name=comment]').fill('It found the <gap>');
  await cards.first().getByRole('button', { name: 'Send feedback' }).click();
  await cards.first().getByText('4 of 5 was passed on').waitFor();

  await visit(page, transcript);
  await cards.first().locator('.given').getByText('4 of 5').waitFor();
  assert.match(await cards.first().innerText(), /It found the <gap>/);
  await cards.nth(1).getByText('No feedback yet').waitFor();

  // The result came with the request after this one.
  await visit(page, `${nexus.dashboard}/requests/${session.ids[0]}`);
  await cards.first().locator('.given').getByText('4 of 5').waitFor();
  assert.equal(await cards.count(), 1);
  assert.deepEqual(await audit(page), [], 'axe');
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(seen.console, []);
  await context.close();
});
