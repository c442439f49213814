// A person follows a real client: Claude Code works through the gateway, is resumed, starts an agent and
// compacts its history, and the pages show what it did; a request that runs shows as in flight until it ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, visit, watched } from './browser.mjs';
import { Nexus, root, until } from './nexus.mjs';

const claude = join(root, 'tests/clients/node_modules/.bin/claude');
let nexus; let browser; let home;

before(async () => {
  nexus = await Nexus.start();
  browser = await launch();
  home = await mkdtemp(join(tmpdir(), 'nexus-journey-'));
  await mkdir(join(home, 'project'));
});

after(async () => {
  await browser?.close();
  await nexus?.stop();
  if (home) await rm(home, { recursive: true, force: true });
});

// One headless prompt; its JSON result. `resume` goes on with a session.
async function prompt(text, resume) {
  const args = ['-p', text, '--output-format', 'json', '--allowedTools', 'Agent,Bash,Read'];
  if (resume) args.push('--resume', resume);
  const env = {
    PATH: process.env.PATH, HOME: home, ANTHROPIC_BASE_URL: nexus.gateway,
    ANTHROPIC_API_KEY: 'sk-ant-api03-journey', DISABLE_TELEMETRY: '1', DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  };
  const running = promisify(execFile)(claude, args, { cwd: join(home, 'project'), env, timeout: 120_000 });
  running.child.stdin.end();
  return JSON.parse((await running).stdout);
}

test('a session of Claude Code, resumed once, is one conversation with its prompts, calls and answers', async () => {
  const first = await prompt('Count the planets [[bash: echo mercury-venus-earth]] [[say: There are three so far.]]');
  await prompt('And the moons? [[bash: echo luna-phobos]] [[say: Two moons were named.]]', first.session_id);
  const conversation = await until('the conversation', async () => {
    const { conversations } = await nexus.api('conversations');
    const found = conversations.find((one) => one.title.includes('Count the planets'));
    return found && found.requestCount >= 4 && found.latestState === 'completed' ? found : undefined;
  }, 60);
  const { page, seen, context } = await watched(browser, nexus.dashboard);
  await visit(page, `${nexus.dashboard}/conversations`);
  assert.match(await page.innerText('main'), /Count the planets/);
  assert.equal(await page.locator('text=/Count the planets/').count() > 0, true);
  await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}/transcript`);
  const text = await page.innerText('main');
  for (const said of ['Count the planets', 'echo mercury-venus-earth', 'There are three so far.', 'And the moons?', 'Two moons were named.']) {
    assert.ok(text.includes(said), `${said} is missing in:\n${text}`);
  }
  const third = prompt('And the comets? [[slow ms=80]] [[words n=120]]', first.session_id);
  await visit(page, `${nexus.dashboard}/`);
  await page.locator('section', { hasText: 'In flight' }).first().locator('text=/opus|sonnet|haiku|fable/').first().waitFor({ timeout: 30_000 });
  await third;
  await visit(page, `${nexus.dashboard}/conversations/${conversation.conversationId}`);
  assert.deepEqual(seen.console, []);
  await context.close();
});

test('a session with a sub-agent and a compaction is one conversation that shows both', async () => {
  const first = await prompt('Delegate the harbour [[agent: Count the ships. [[bash: echo two-ships]] [[say: Two ships.]]]] [[say: The agent counted two.]]');
  assert.equal(first.result, 'The agent counted two.');
  await prompt('/compact', first.session_id);
  const last = await prompt('What was counted? [[say: Ships were.]]', first.session_id);
  assert.equal(last.result, 'Ships were.');
  const { id, nodes } = await until('the continuation', async () => {
    const { conversations } = await nexus.api('conversations');
    const own = conversations.find((one) => one.title.includes('Delegate the harbour'));
    const { nodes } = await nexus.api(`conversations/${own.conversationId}`);
    const ended = nodes.every((node) => node.state === 'completed');
    return ended && nodes.some((node) => node.kind === 'compact') && { id: own.conversationId, nodes };
  }, 60);
  const ofKind = (kind) => nodes.filter((node) => node.kind === kind);
  assert.deepEqual([ofKind('root').length, ofKind('subagent').length, ofKind('compact').length], [1, 1, 1]);
  assert.equal(ofKind('subagent')[0].branchId, 'subtask_1');
  const compacted = ofKind('compact')[0].branchId;
  assert.match(compacted, /^compact_\d{6}$/);
  const { page, seen, context } = await watched(browser, nexus.dashboard);
  for (const [branch, said] of [['main', 'The agent counted two.'], ['subtask_1', 'Two ships.'], [compacted, 'Ships were.']]) {
    await visit(page, `${nexus.dashboard}/conversations/${id}/transcript?branch=${branch}`);
    const text = await page.innerText('main');
    assert.ok(text.includes(said), `${said} is missing on ${branch} in:\n${text}`);
    const chips = await page.locator('[aria-label="Branches"]').innerText();
    for (const name of ['main', 'subtask_1', compacted]) assert.ok(chips.includes(name), `${name} is missing in ${chips}`);
  }
  assert.deepEqual(seen.console, []);
  await context.close();
});

test('a request that runs shows as in flight, and not any more when it has ended', async () => {
  const { page, context } = await watched(browser, nexus.dashboard);
  await visit(page, `${nexus.dashboard}/`);
  const cut = new AbortController();
  const running = fetch(`${nexus.gateway}/v1/messages`, {
    method: 'POST', signal: cut.signal,
    headers: { 'content-type': 'application/json', 'x-api-key': 'sk-ant-browser', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'claude-opus-5-5', max_tokens: 100, stream: true,
      messages: [{ role: 'user', content: 'Wait for me [[stall at=3]] [[say: never]]' }],
    }),
  });
  await running;
  const card = page.locator('section', { hasText: 'In flight' }).first();
  await card.locator('text=/opus-5-5/').first().waitFor({ timeout: 15_000 });
  cut.abort();
  await card.locator('text=/Nothing runs right now/').waitFor({ timeout: 15_000 });
  await context.close();
});
