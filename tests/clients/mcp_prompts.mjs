// Prompts through the official TypeScript client of MCP: directly, and through mcp-remote, which gives a
// remote server to clients that only start processes. Prints what came back as JSON.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { PromptListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [url] = process.argv.slice(2);
const { MCP_KEY: key, MCP_FOLDER: folder } = process.env;

async function used(transport, fresh) {
  const client = new Client({ name: 'test', version: '1' });
  let told = false;
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => { told = true; });
  await client.connect(transport);
  await client.ping();
  const found = { server: client.getServerVersion().name, names: 0, pages: 0 };
  let cursor;
  do {
    const page = await client.listPrompts({ cursor });
    const review = page.prompts.find((prompt) => prompt.name === 'a-review');
    found.arguments ??= review?.arguments.map(({ name, required }) => [name, required]);
    found.names += page.prompts.length;
    found.pages += 1;
    cursor = page.nextCursor;
  } while (cursor);
  const got = await client.getPrompt({ name: 'a-review', arguments: { language: 'Rust', code: 'a < b' } });
  found.text = got.messages[0].content.text;
  found.description = got.description;
  found.missing = await client.getPrompt({ name: 'a-review' }).then(() => null, (error) => error.message);
  const end = Date.now() + 60_000;
  // Written until it is noticed: the stream of notices may open after the first time.
  while (!told && Date.now() < end) {
    writeFileSync(join(folder, `${fresh}.yaml`), `template: at ${Date.now()}`);
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }
  found.told = told;
  await client.close();
  return found;
}

const headers = { Authorization: `Bearer ${key}` };
const found = {};
found.direct = await used(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }), 'z-direct');
found.remote = await used(new StdioClientTransport({
  command: 'node',
  args: [fileURLToPath(new URL('node_modules/mcp-remote/dist/proxy.js', import.meta.url)), url,
    '--allow-http', '--transport', 'http-only', '--header', `Authorization: Bearer ${key}`],
  env: { PATH: process.env.PATH, HOME: process.env.HOME },
  stderr: 'inherit',
}), 'z-remote');
console.log(JSON.stringify(found));
process.exit(0);
