// Each page wide and light, and narrow and dark: no console error, no foreign request, no serious
// finding of axe, nothing wider than the window.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { audit, launch, overflow, violations, visit, watched } from './browser.mjs';
import { pages, shape } from './crawl.mjs';
import { Nexus, root } from './nexus.mjs';
import { realistic } from './session.mjs';

const pictures = process.env.SCREENSHOTS ?? join(root, 'target/screenshots');
const PLACES = ['/', '/conversations', '/requests', '/live', '/usage', '/analyses', '/prompts', '/pipeline'];
let nexus; let browser; let paths;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  await realistic(nexus);
  const { page, context } = await watched(browser, nexus.dashboard);
  paths = await pages(page, nexus.dashboard);
  await context.close();
  await mkdir(pictures, { recursive: true });
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

test('every place of the sidebar is a page', async (t) => {
  for (const place of PLACES) {
    await t.test(place, async () => assert.equal((await fetch(nexus.dashboard + place)).status, 200));
  }
});

test('a conversation and a request have pages', () => {
  const shapes = paths.map(shape);
  assert.ok(shapes.some((one) => /^\/conversations\/:id/.test(one)), shapes.join('\n'));
  assert.ok(shapes.some((one) => /^\/requests\/:id/.test(one)), shapes.join('\n'));
});

for (const [width, colorScheme] of [[1440, 'light'], [390, 'dark']]) {
  test(`${width} px, ${colorScheme}`, async (t) => {
    for (const path of paths) {
      await t.test(shape(path), async () => {
        const { page, seen, context } = await watched(browser, nexus.dashboard, { width, colorScheme });
        try {
          const response = await visit(page, nexus.dashboard + path);
          assert.ok(response.status() < 400, `${path}: ${response.status()}`);
          const name = shape(path).replace(/[^a-z0-9]+/gi, '_').replace(/^_|_$/g, '') || 'overview';
          await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`) });
          assert.deepEqual(seen.console, [], 'console errors');
          assert.deepEqual(seen.failed, [], 'failed requests');
          assert.deepEqual(seen.foreign, [], 'requests to other hosts');
          assert.deepEqual(await violations(page), [], 'CSP violations');
          assert.deepEqual(await audit(page), [], 'axe');
          assert.equal(await overflow(page), null, 'too wide');
        } finally {
          await context.close();
        }
      });
    }
  });
}
