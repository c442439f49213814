// A person has a branch analysed: watches the job, reads its result, runs it again with a prompt of
// their own, sees one fail and retries it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, violations, visit, watched } from './browser.mjs';
import { Nexus, freePort, until } from './nexus.mjs';
import { Session } from './session.mjs';

const KEY = 'a-dashboard-key';
let nexus; let browser;

before(async () => {
  const gemini = await freePort();
  nexus = await Nexus.start({
    DASHBOARD_API_KEY: KEY, AI_WORKER_ENABLED: 'true', GEMINI_API_KEY: 'key',
    GEMINI_API_URL: `http://127.0.0.1:${gemini}/v1beta/models`,
  });
  nexus.run('nexus-scripted', ['--kind', 'gemini', String(gemini)], {});
  await until('Gemini', async () => fetch(`http://127.0.0.1:${gemini}/`));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

// A page with the Analysis tab of a new conversation open, and the conversation's id.
async function opened(prompt) {
  const session = new Session(nexus);
  await session.prompt(prompt);
  await nexus.stored(session.ids);
  const { conversationId } = await until('the conversation', async () => {
    const found = await nexus.api(`requests/${session.ids[0]}`);
    return found.conversationId ? found : undefined;
  });
  const watching = await watched(browser, nexus.dashboard);
  const { page } = watching;
  await logIn(page, nexus.dashboard, KEY);
  await visit(page, `${nexus.dashboard}/conversations/${conversationId}/analysis`);
  return { ...watching, conversationId };
}

// Presses the form's button; the page that comes shows the job under way.
async function press(page, name) {
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name, exact: true }).click()]);
}

const shown = (page, text) => page.getByText(text).first().waitFor({ timeout: 30_000 });
const job = (id) => nexus.api(`analyses/${id}/main`);

test('an analysis is started, watched, read, and run again with a prompt of one’s own', async () => {
  const { page, seen, context, conversationId } = await opened('Read the notes [[gemini wait=2500]] [[say: Three notes.]]');
  await press(page, 'Analyse');
  await shown(page, /Being read, attempt 1/);
  // From here on the page changes by itself.
  await shown(page, /The user asked for a look at the project/);
  const text = await page.innerText('main');
  for (const part of ['completed', 'file editing', 'Understand the notes', 'Give the path.', 'Name the file and the expected line count.',
    '7 of 10', 'State when the task is done.', 'gemini-2.0-flash-exp', 'estimated']) {
    assert.ok(text.includes(part), `${part} is missing in:\n${text}`);
  }
  assert.deepEqual(await audit(page), []);

  await page.getByText('Add a prompt of your own').click();
  await page.fill('#prompt', 'Look at the tests in particular');
  await press(page, 'Analyse again');
  await shown(page, /Being read, attempt 1/);
  // What is being typed meanwhile stays.
  await page.getByText('Add a prompt of your own').click();
  await page.fill('#prompt', 'Something for later');
  await shown(page, /The user asked for a look at the project/);
  assert.equal(await page.inputValue('#prompt'), 'Something for later');
  const done = await job(conversationId);
  assert.deepEqual([done.status, done.run, done.customPrompt], ['completed', 2, 'Look at the tests in particular']);
  assert.deepEqual(seen.console, []);
  assert.deepEqual(await violations(page), []);
  await context.close();
});

test('a failure says why, and can be retried', async () => {
  const { page, context, conversationId } = await opened('Read them again [[gemini status=400 times=1]] [[say: Done.]]');
  const list = await context.newPage();
  await visit(list, `${nexus.dashboard}/analyses`);
  await press(page, 'Analyse');
  // The list changes by itself, too.
  const row = list.locator('tr', { has: list.locator(`a[href^="/conversations/${conversationId}/analysis"]`) });
  await row.filter({ hasText: 'failed' }).waitFor({ timeout: 30_000 });
  await list.close();
  await page.getByRole('alert').filter({ hasText: /Gemini answered 400/ }).waitFor({ timeout: 30_000 });
  await visit(page, `${nexus.dashboard}/analyses?status=failed`);
  assert.match(await page.innerText('main'), /Gemini answered 400/);
  await page.locator(`a[href^="/conversations/${conversationId}/analysis"]`).click();
  await press(page, 'Try again');
  await shown(page, /The user asked for a look at the project/);
  assert.equal((await job(conversationId)).run, 2);
  await context.close();
});

test('an answer that is no data is shown as text', async () => {
  const { page, context } = await opened('And once more [[gemini malformed]] [[say: Done.]]');
  await press(page, 'Analyse');
  await shown(page, /did not keep to the schema/);
  assert.equal(await page.locator('.md strong', { hasText: 'well' }).count(), 1);
  await context.close();
});
