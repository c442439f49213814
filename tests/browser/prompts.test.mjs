// The Prompts pages: a list that follows the folder, a search, a preview with arguments, and how the
// synchronisation with GitHub goes.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, launch, logIn, overflow, visit, walked } from './browser.mjs';
import { Nexus, freePort, until } from './nexus.mjs';

const KEY = 'a-dashboard-key';
const REVIEW = `description: Review code for a language
template: 'Review this {{language}}{{#if focus}} with an eye on {{focus}}{{/if}}: <{{code}}>'
`;
let folder; let nexus; let browser;

const put = (name, text) => writeFile(join(folder, `${name}.yaml`), text);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nexus-prompts-'));
  await put('review', REVIEW);
  await put('hello', 'description: Says hello\ntemplate: Hello there\n');
  nexus = await Nexus.start({ DASHBOARD_API_KEY: KEY, MCP_ENABLED: 'true', MCP_PROMPTS_DIR: folder });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
  await rm(folder, { recursive: true, force: true });
});

// As somebody who is logged in.
const open = (on, options, walk) => walked(browser, on.dashboard, options, async (page) => {
  await logIn(page, on.dashboard, KEY);
  await walk(page);
});

const names = (page) => page.locator('tr[data-row] .title').allInnerTexts();

// Reloads until the page says it.
const reloaded = (page, what, shown) => until(what, async () => {
  await visit(page, page.url());
  return shown();
});

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`a prompt is found and previewed, ${width} px, ${colorScheme}`, () =>
    open(nexus, { width, colorScheme }, async (page) => {
      await visit(page, `${nexus.dashboard}/prompts`);
      assert.deepEqual((await names(page)).sort(), ['hello', 'review']);
      assert.equal(await page.getByRole('button', { name: 'Synchronise' }).count(), 0, 'no repository is configured');
      assert.deepEqual(await audit(page), [], 'axe');
      await page.fill('#prompt-search', 'language');
      await Promise.all([page.waitForNavigation(), page.press('#prompt-search', 'Enter')]);
      assert.deepEqual(await names(page), ['review']);
      assert.match(await page.innerText('tr[data-row]'), /language[\s\S]*focus\?[\s\S]*code/);

      await Promise.all([page.waitForNavigation(), page.click('tr[data-row] .title')]);
      const main = () => page.innerText('main');
      const fields = await page.locator('.field label').allInnerTexts();
      assert.deepEqual(fields.map((field) => field.split(/\s/)[0]), ['language', 'focus', 'code'], 'in the template’s order');
      assert.match(await main(), /language/, 'it says which argument is missing');
      assert.equal(await page.locator('#preview').count(), 0);
      const preview = async (values) => {
        for (const [name, value] of Object.entries(values)) await page.getByLabel(name).fill(value);
        await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Preview' }).click()]);
        return page.innerText('#preview');
      };
      assert.equal(await preview({ language: 'Rust', code: '<b>let x</b>' }), 'Review this Rust: <<b>let x</b>>');
      assert.equal(await preview({ focus: 'speed & size' }), 'Review this Rust with an eye on speed & size: <<b>let x</b>>');
      assert.equal(new URL(page.url()).searchParams.get('focus'), 'speed & size', 'a preview has an address');
      assert.equal(await overflow(page), null);
      assert.deepEqual(await audit(page), [], 'axe');
    }));
}

test('an edit of the folder shows; a file that breaks keeps its last good version', () =>
  open(nexus, {}, async (page) => {
    await visit(page, `${nexus.dashboard}/prompts`);
    await put('later', 'description: Came later\ntemplate: Later {{when}}\n');
    await reloaded(page, 'the new prompt', async () => (await names(page)).includes('later'));
    await put('later', 'description: Changed since\ntemplate: Later {{when}} and {{where}}\n');
    await reloaded(page, 'its change', async () => /Changed since/.test(await page.innerText('main')));
    // What comes after the broken one is noticed after it.
    await put('later', 'template: {{#if never}} closed\n');
    await put('last', 'template: The last\n');
    await reloaded(page, 'the last prompt', async () => (await names(page)).includes('last'));
    assert.match(await page.innerText('main'), /Changed since/);
    await Promise.all([rm(join(folder, 'later.yaml')), rm(join(folder, 'last.yaml'))]);
    await reloaded(page, 'both to be gone', async () => (await names(page)).length === 2);
  }));

test('a synchronisation that fails says why, and the button asks again', async () => {
  const github = await freePort();
  const on = await Nexus.start({
    DASHBOARD_API_KEY: KEY, MCP_ENABLED: 'true', MCP_PROMPTS_DIR: folder, MCP_GITHUB_OWNER: 'acme', MCP_GITHUB_REPO: 'prompts',
    MCP_GITHUB_API_URL: `http://127.0.0.1:${github}`,
  });
  try {
    await open(on, {}, async (page) => {
      const failure = (why) => () => page.locator('[role=alert]', { hasText: why }).isVisible();
      await visit(page, `${on.dashboard}/prompts`);
      await reloaded(page, 'the failure', failure(/synchronisation failed: GitHub cannot be reached/));
      assert.deepEqual((await names(page)).sort(), ['hello', 'review'], 'the prompts are as they were');
      assert.match(await page.innerText('main .head'), /Not synchronised yet/);
      assert.deepEqual(await audit(page), [], 'axe');
      // The next round by itself would be minutes away. The stand-in's repository has no such folder.
      on.run('nexus-scripted', ['--kind', 'github', String(github)], {});
      await until('GitHub', async () => fetch(`http://127.0.0.1:${github}/`));
      await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: 'Synchronise' }).click()]);
      await reloaded(page, 'the other failure', failure(/GitHub answered 404[\s\S]*check MCP_GITHUB_OWNER/));
      assert.deepEqual((await names(page)).sort(), ['hello', 'review'], 'the prompts are as they were');
    });
  } finally {
    await on.stop();
  }
});
