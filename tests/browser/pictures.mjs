// Takes the pictures of docs/images anew, of a demo of its own: `make pictures`. They go where they
// are, or into the folder that is named.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, logIn, visit } from './browser.mjs';
import { Nexus, root } from './nexus.mjs';

const images = process.argv[2] ? resolve(process.argv[2]) : join(root, 'docs/images');
const KEY = 'a-dashboard-key';
const window = { width: 1440, height: 900 };
// The pages of docs/dashboard.md are 1100 px wide.
const SMALL = 1100 / window.width;
const QUALITY = 70;
// Charts and the graph find their place, and the line of what is live is there.
const SETTLED_MS = 700;

// The conversation with the most in it, of those that have an analysis as data.
async function richest(nexus) {
  const [{ conversations }, { analyses }] = await Promise.all([nexus.api('conversations?limit=200'), nexus.api('analyses?status=completed&limit=100')]);
  const wealth = (one) => one.branchCount + one.subtaskCount + one.compactCount;
  for (const one of conversations.sort((a, b) => wealth(b) - wealth(a))) {
    const job = analyses.find((analysis) => analysis.conversationId === one.conversationId && analysis.branchId === 'main');
    if (job && (await nexus.api(`analyses/${one.conversationId}/main`)).data) return one;
  }
  throw new Error('no conversation of the demo has an analysis as data');
}

// Two branches that have something in common.
async function fork(nexus, id) {
  const { branches } = await nexus.api(`conversations/${id}`);
  const branch = branches.find((one) => one.branchId.startsWith('branch_')) ?? branches.at(-1);
  return new URLSearchParams({ a: branch.parentBranchId ?? 'main', b: branch.branchId });
}

// Paths by the picture's name.
async function pages(nexus) {
  const rich = await richest(nexus);
  const conversation = `/conversations/${rich.conversationId}`;
  const review = new URLSearchParams({ branch: 'retry-loop', focus: 'error handling', ticket: 'NX-214, uploads that never end' });
  return {
    overview: '/',
    conversations: '/conversations',
    search: `/conversations?${new URLSearchParams({ q: 'invoice model:opus' })}`,
    graph: conversation,
    transcript: `${conversation}/transcript`,
    timeline: `${conversation}/timeline`,
    cost: `${conversation}/cost`,
    analysis: `${conversation}/analysis`,
    compare: `${conversation}/compare?${await fork(nexus, rich.conversationId)}`,
    export: `${conversation}/export`,
    requests: '/requests',
    request: `/requests/${rich.latestRequestId}`,
    usage: '/usage',
    analyses: '/analyses',
    prompts: '/prompts',
    prompt: `/prompts/review?${review}`,
    setup: '/setup',
  };
}

class Camera {
  static async open(browser, nexus, colorScheme) {
    const context = await browser.newContext({ viewport: window, colorScheme, timezoneId: 'UTC', reducedMotion: 'reduce' });
    const camera = new Camera();
    camera.nexus = nexus;
    camera.page = await context.newPage();
    camera.session = await context.newCDPSession(camera.page);
    await logIn(camera.page, nexus.dashboard, KEY);
    return camera;
  }

  async take(file, path, scale = 1) {
    const answer = await visit(this.page, this.nexus.dashboard + path);
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()}`);
    await sleep(SETTLED_MS);
    const clip = { x: 0, y: 0, ...window, scale };
    const { data } = await this.session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY, clip });
    await writeFile(join(images, file), Buffer.from(data, 'base64'));
  }
}

// Requests at work while the pictures of what runs are taken.
async function busy(nexus) {
  const prompts = ['Please explain the retry loop, step by step.', 'Please review the upload page: it leaks a connection.'];
  await Promise.all(prompts.map((content) => new Promise((begun, failed) => {
    const headers = { 'x-script': '[[slow ms=400]] [[words n=400]]', 'user-agent': 'claude-cli/2.1.330 (external, cli)' };
    nexus.message({ stream: true, messages: [{ role: 'user', content }] }, headers, begun).catch(failed);
  })));
}

await mkdir(join(images, 'pages'), { recursive: true });
const nexus = await Nexus.demo(['--seed', '7', '--conversations', '120'], { DASHBOARD_API_KEY: KEY });
let browser;
try {
  browser = await launch();
  const paths = await pages(nexus);
  const light = await Camera.open(browser, nexus, 'light');
  for (const [name, path] of Object.entries(paths)) await light.take(`pages/${name}.webp`, path, SMALL);
  await light.take('conversation-light.webp', paths.graph);
  const dark = await Camera.open(browser, nexus, 'dark');
  await dark.take('transcript-dark.webp', paths.transcript);
  await dark.take('overview-dark.webp', paths.overview);
  // Last, so that nothing else shows what they send.
  await busy(nexus);
  await light.take('pages/live.webp', '/live', SMALL);
  await light.take('pages/pipeline.webp', '/pipeline', SMALL);
} finally {
  await browser?.close();
  await nexus.stop();
}
