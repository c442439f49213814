// Starts `nexus up` with the scripted upstream, or `nexus demo`, on free ports and a data directory of its own.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binaries = process.env.NEXUS_BINARIES ?? join(root, 'target/debug');

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

// Asks until the answer is something.
export async function until(what, ask, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await sleep(50);
  }
}

const ok = (url) => async () => (await fetch(url)).ok;

async function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await exit;
}

export class Nexus {
  // `nexus up` with the stand-ins beside it. `env` adds to the environment; without DASHBOARD_API_KEY
  // the dashboard is read-only and open.
  static async start(env = {}) {
    const nexus = await Nexus.made();
    const { upstream, gemini } = nexus.ports;
    nexus.run('nexus-scripted', [String(upstream)], {});
    if (env.AI_WORKER_ENABLED) {
      nexus.run('nexus-scripted', [String(gemini), '--kind', 'gemini'], {});
      env = { GEMINI_API_URL: `http://127.0.0.1:${gemini}/v1beta/models`, GEMINI_API_KEY: 'gemini-test', ...env };
    }
    await nexus.begin(['up'], { CLAUDE_API_BASE_URL: `http://127.0.0.1:${upstream}`, ...env });
    return nexus;
  }

  // `nexus demo`, which has its stand-ins inside.
  static async demo(args, env = {}) {
    const nexus = await Nexus.made();
    await nexus.begin(['demo', ...args], { TMPDIR: nexus.dir, ...env });
    return nexus;
  }

  static async made() {
    const nexus = new Nexus();
    nexus.dir = await mkdtemp(join(tmpdir(), 'nexus-browser-'));
    const [upstream, gemini, port, dashboard, admin] = await Promise.all([0, 0, 0, 0, 0].map(freePort));
    nexus.ports = { upstream, gemini, port, dashboard, admin };
    nexus.children = [];
    return nexus;
  }

  async begin(command, env) {
    const { port, dashboard, admin } = this.ports;
    this.key = env.DASHBOARD_API_KEY;
    this.command = command;
    this.env = {
      PORT: port, DASHBOARD_PORT: dashboard, NEXUS_ADMIN_PORT: admin,
      NEXUS_DATA_DIR: join(this.dir, 'data'), CREDENTIALS_DIR: join(this.dir, 'credentials'), ...env,
    };
    this.gateway = `http://127.0.0.1:${port}`;
    this.dashboard = `http://127.0.0.1:${dashboard}`;
    this.up();
    try {
      await until('the gateway', ok(`${this.gateway}/health/ready`));
      await until('the dashboard', ok(`${this.dashboard}/health/ready`));
    } catch (error) {
      // What still runs would keep the tests from ending.
      for (const child of this.children) await ended(child);
      throw new Error(`${error.message}; see ${this.dir}`, { cause: error });
    }
  }

  // Starts the product, anew after `down`, on the same ports and data.
  up() {
    this.product = this.run('nexus', this.command, this.env);
  }

  down() {
    return ended(this.product);
  }

  run(name, args, env) {
    const child = spawn(join(binaries, name), args, { cwd: this.dir, env: { PATH: process.env.PATH, HOME: this.dir, ...env } });
    const log = createWriteStream(join(this.dir, `${name}.log`), { flags: 'a' });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.children.push(child);
    return child;
  }

  async stop() {
    for (const child of this.children) await ended(child);
    await rm(this.dir, { recursive: true, force: true });
  }

  // Sends one message through the gateway; resolves when its whole answer has come.
  // `begun` is called with the exchange's id when the answer's head has come.
  async message(body, headers = {}, begun = () => {}) {
    const answer = await fetch(`${this.gateway}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': 'sk-ant-browser', 'anthropic-version': '2023-06-01', ...headers },
      body: JSON.stringify({ model: 'claude-opus-5-5', max_tokens: 1000, ...body }),
    });
    begun(answer.headers.get('x-nexus-request-id'));
    const text = await answer.text();
    return { id: answer.headers.get('x-nexus-request-id'), status: answer.status, message: body.stream ? null : JSON.parse(text) };
  }

  async api(path) {
    const answer = await fetch(`${this.dashboard}/api/${path}`, { headers: this.key ? { 'x-dashboard-key': this.key } : {} });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // Waits until there is a conversation with these words in its title.
  conversation(words) {
    return until(`the conversation about ${words}`, async () => {
      const { conversations } = await this.api('conversations?limit=100');
      return conversations.find((one) => one.title?.includes(words));
    });
  }

  // Waits until all these exchanges are stored.
  stored(ids) {
    return until(`${ids.length} exchanges`, async () => {
      const { requests } = await this.api('requests?limit=500');
      const have = new Set(requests.map((request) => request.requestId));
      return ids.every((id) => have.has(id));
    }, 60);
  }
}
