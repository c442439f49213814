// Logging in and out, and what an open dashboard may not do.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, overflow, visit, walked, watched } from './browser.mjs';
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

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`the log-in has its name and stands in the middle, ${width} px, ${colorScheme}`, () =>
    walked(browser, nexus.dashboard, { width, colorScheme }, async (page) => {
      await visit(page, `${nexus.dashboard}/login`);
      assert.ok(await page.getByRole('heading', { name: 'Nexus' }).isVisible());
      const { x, y, width: wide, height } = await page.locator('form.login').boundingBox();
      assert.ok(Math.abs(x + wide / 2 - width / 2) < 2 && Math.abs(y + height / 2 - 450) < 60, `${x} ${y}`);
      assert.equal(await overflow(page), null);
      assert.deepEqual(await audit(page), [], 'axe');
    }));
}

test('pages without anything in them fit a phone', () =>
  walked(browser, nexus.dashboard, { width: 390 }, async (page) => {
    await logIn(page, nexus.dashboard, KEY);
    for (const path of ['/', '/conversations', '/requests', '/live', '/usage', '/analyses', '/prompts', '/pipeline', '/setup']) {
      await visit(page, nexus.dashboard + path);
      assert.equal(await overflow(page), null, path);
      const outside = await page.locator('main .empty *').evaluateAll((all) => all
        .filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.outerHTML));
      assert.deepEqual(outside, [], path);
    }
  }));

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
