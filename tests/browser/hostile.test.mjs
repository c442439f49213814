// Captured content is hostile: the corpus is planted in every field that is captured, through the
// gateway, and every page is loaded. Nothing of it may run, load or break out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, violations, visit, watched } from './browser.mjs';
import { beacons, corpus } from './corpus.mjs';
import { pages } from './crawl.mjs';
import { Nexus } from './nexus.mjs';

let nexus; let browser; let paths; let planted;

// One header line may hold no line breaks, and only Latin-1.
const header = (text) => text.replace(/[^\x20-\x7e]/g, ' ').trim();
// A script's own brackets would end it.
const inScript = (text) => text.replace(/\[\[|\]\]/g, '');

async function plant(text, n) {
  const clean = inScript(text);
  const json = JSON.stringify({ command: clean, file_path: clean, [clean]: clean });
  const script = [
    `[[think: ${clean}]]+[[say: ${clean}]]+[[tool ${header(clean).replace(/[\s:=]/g, '_')}: ${json}]]`,
    n % 2 ? '' : `[[model name="claude-${header(clean).replace(/"/g, '')}"]]`,
  ].join(' ');
  const call = { type: 'tool_use', id: `toolu_${n}`, name: clean, input: { file_path: clean, old_string: clean, new_string: clean, todos: [{ content: clean, status: clean }] } };
  const answer = await nexus.message({
    model: `claude-${n % 3 ? 'opus-5-5' : clean}`,
    system: [{ type: 'text', text: clean }],
    metadata: { user_id: clean },
    tools: [{ name: clean, description: clean, input_schema: { type: 'object', title: clean } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: clean }] },
      { role: 'assistant', content: [call] },
      { role: 'user', content: [
        { type: 'tool_result', tool_use_id: call.id, content: clean, is_error: n % 2 === 0 },
        { type: 'image', source: { type: 'base64', media_type: n % 2 ? 'image/svg+xml' : clean, data: Buffer.from(clean).toString('base64') } },
        { type: clean, title: clean },
      ] },
      { role: 'user', content: `${clean} ${n % 5 ? script : `[[fail status=400 message="${clean.replace(/"/g, "'")}"]]`}` },
    ],
    stream: n % 4 === 1,
  }, {
    'user-agent': header(text), 'x-claude-code-session-id': header(text), 'x-claude-code-agent-id': header(text),
    'anthropic-beta': header(text), 'x-app': header(text), host: 'localhost',
  });
  return answer.id;
}

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  const ids = [];
  for (const [n, text] of [...corpus, ...beacons].entries()) ids.push(await plant(text, n));
  planted = ids.filter(Boolean);
  await nexus.stored(planted);
  const { page, context } = await watched(browser, nexus.dashboard);
  paths = await pages(page, nexus.dashboard, { each: 3 });
  const requests = (await nexus.api('requests?limit=500')).requests.map(({ requestId }) => `/requests/${requestId}`);
  const { conversations } = await nexus.api('conversations?limit=500');
  const talks = conversations.map(({ conversationId }) => `/conversations/${conversationId}`);
  paths = [...new Set([...paths, ...requests.filter((_, i) => i % 4 === 0), ...talks.filter((_, i) => i % 4 === 1)])];
  await context.close();
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
});

test('the corpus is large enough, planted, and looked at', () => {
  assert.ok(corpus.length >= 150, String(corpus.length));
  assert.ok(planted.length >= corpus.length * 0.95, `${planted.length} planted`);
  assert.ok(paths.filter((path) => path.startsWith('/requests/')).length >= 45, paths.join('\n'));
  assert.ok(paths.filter((path) => path.startsWith('/conversations/')).length >= 10, paths.join('\n'));
});

test('nothing planted runs, loads or opens', async () => {
  const { page, seen } = await watched(browser, nexus.dashboard);
  const wrong = [];
  for (const path of paths) {
    await visit(page, nexus.dashboard + path);
    const found = await page.evaluate(() => ({
      ran: window.__pwned,
      handlers: [...document.querySelectorAll('*')].flatMap((e) => [...e.attributes].filter((a) => /^on|^hx-on/i.test(a.name)).map((a) => `${e.tagName} ${a.name}`)),
      links: [...document.querySelectorAll('[href],[src],[action],[formaction]')].flatMap((e) => ['href', 'src', 'action', 'formaction'].map((k) => e.getAttribute(k))).filter((v) => v && /^\s*(javascript|vbscript|data:text)/i.test(v)),
      frames: document.querySelectorAll('iframe,object,embed,base,meta[http-equiv=refresh]').length,
    }));
    const blocked = await violations(page);
    if (found.ran.length || found.handlers.length || found.links.length || found.frames || blocked.length) {
      wrong.push({ path, ...found, blocked });
    }
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(seen.dialogs, [], 'dialogs');
  assert.deepEqual(seen.foreign, [], 'requests to other hosts');
});

test('raw data is never served as a page', async () => {
  const { requests } = await nexus.api('requests?limit=3');
  for (const { requestId } of requests) {
    const answer = await fetch(`${nexus.dashboard}/api/requests/${requestId}`);
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  }
});
