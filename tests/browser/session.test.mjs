// Logging in and out, and what an open dashboard may not do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, logIn, visit, watched } from './browser.mjs';
import { Nexus } from './nexus.mjs';

const KEY = 'a-dashboard-key';
let nexus; let browser;

before(async () => {
  nexus = await Nexus.start({ DASHBOARD_API_KEY: KEY });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

test('a wrong key is told so, the right one opens, logging out closes', async () => {
  const { page, context } = await watched(browser, nexus.dashboard);
  await visit(page, `${nexus.dashboard}/conversations`);
  assert.match(page.url(), /\/login/);
  await logIn(page, nexus.dashboard, 'wrong');
  assert.match(await page.innerText('body'), /wrong|not right|incorrect|invalid/i);
  await logIn(page, nexus.dashboard, KEY);
  assert.doesNotMatch(page.url(), /\/login/);
  const cookies = await context.cookies();
  assert.ok(cookies.some((cookie) => cookie.httpOnly && cookie.sameSite === 'Lax'), JSON.stringify(cookies));
  await Promise.all([page.waitForNavigation(), page.click('form[action^="/logout"] button')]);
  await visit(page, `${nexus.dashboard}/conversations`);
  assert.match(page.url(), /\/login/);
  await context.close();
});

test('without a session there is no data', async () => {
  for (const path of ['/api/requests', '/api/conversations', '/api/stats', '/api/events', '/api/pipeline']) {
    assert.equal((await fetch(nexus.dashboard + path)).status, 401, path);
  }
});

test('a write without the token of the session is refused', async () => {
  const { page, context } = await watched(browser, nexus.dashboard);
  await logIn(page, nexus.dashboard, KEY);
  const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const answer = await fetch(`${nexus.dashboard}/api/analyses`, {
    method: 'POST', headers: { cookie: cookies, 'content-type': 'application/json' }, body: '{}',
  });
  assert.equal(answer.status, 403);
  await context.close();
});

test('without a key the dashboard is read-only and says so', async () => {
  const open = await Nexus.start();
  try {
    const { page, context } = await watched(browser, open.dashboard);
    await visit(page, `${open.dashboard}/`);
    assert.match(await page.innerText('body'), /read.only/i);
    const write = await fetch(`${open.dashboard}/api/analyses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    assert.equal(write.status, 403);
    await context.close();
    const rebound = await rebind(open);
    assert.ok(rebound >= 400, `a foreign Host got ${rebound}`);
  } finally {
    await open.stop();
  }
});

// Asks with a Host that is not a loopback name, as a rebound DNS name would.
async function rebind(open) {
  const { request } = await import('node:http');
  return new Promise((done, fail) => {
    const asked = request(`${open.dashboard}/`, { headers: { host: 'evil.example' } }, (answer) => { answer.resume(); done(answer.statusCode); });
    asked.on('error', fail);
    asked.end();
  });
}
