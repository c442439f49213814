// Plays agent sessions through the gateway, as a client would: prompts, tool calls with results, a
// sub-agent, errors.
import { randomUUID } from 'node:crypto';

const tools = ['Bash', 'Read', 'Edit', 'Write', 'TodoWrite', 'Agent', 'mcp__spark__get_recommendation'].map((name) => ({
  name, description: `The tool ${name}`, input_schema: { type: 'object', properties: {} },
}));
const system = [{ type: 'text', text: 'You are an agent that helps with a project. '.repeat(40), cache_control: { type: 'ephemeral' } }];

export class Session {
  constructor(nexus, options = {}) {
    this.nexus = nexus;
    this.id = options.session ?? randomUUID();
    this.headers = { 'x-claude-code-session-id': this.id, 'user-agent': 'claude-cli/2.1.197 (external, cli)', ...options.headers };
    this.extra = options.body ?? {};
    this.messages = [];
    this.ids = [];
  }

  // One prompt, followed until the model calls no more tools. `result` gives a tool's result.
  async prompt(text, result = (call) => `result of ${call.name}`) {
    this.messages.push({ role: 'user', content: [{ type: 'text', text }] });
    for (;;) {
      const { id, status, message } = await this.nexus.message({ system, tools, messages: this.messages, ...this.extra }, this.headers);
      if (id) this.ids.push(id);
      if (status !== 200) {
        this.messages.pop();
        return message;
      }
      this.messages.push({ role: 'assistant', content: message.content });
      const calls = message.content.filter((block) => block.type === 'tool_use');
      if (calls.length === 0) return message;
      const results = [];
      for (const call of calls) {
        if (call.name === 'Agent') await this.agent(call.input.prompt);
        results.push({ type: 'tool_result', tool_use_id: call.id, content: result(call), is_error: /false$/.test(call.input.command ?? '') });
      }
      this.messages.push({ role: 'user', content: results });
    }
  }

  async agent(prompt) {
    const agent = new Session(this.nexus, { session: this.id, headers: { ...this.headers, 'x-claude-code-agent-id': randomUUID() } });
    await agent.prompt(prompt);
    this.ids.push(...agent.ids);
  }
}

// A handful of sessions with everything that the pages show.
export async function realistic(nexus) {
  const ids = [];
  const play = async (prompts, options) => {
    const session = new Session(nexus, options);
    for (const prompt of prompts) await session.prompt(prompt, results);
    ids.push(...session.ids);
    return session;
  };
  await play([
    'Find out why the build fails [[think: The log will tell.]]+[[bash: make 2>&1 | tail]] [[read: /project/src/main.rs]] [[edit path=/project/src/main.rs old="let x = 1" new="let x: u32 = 1"]] [[bash: make]] [[say: ## Fixed\n\nThe type was **ambiguous**:\n\n```rust\nlet x: u32 = 1;\n```\n\n| file | change |\n|---|---|\n| main.rs | 1 line |]]',
    'Write a test for it [[todo: x read; > write; - run]] [[write path=/project/tests/a.rs: fn main() {}]] [[bash: cargo test && false]] [[say: The test passes.]]',
  ]);
  await play([
    'Compare the two parsers [[agent type=Explore: List the parsers. [[bash: ls src]] [[say: Two parsers.]]]]+[[agent type=Explore: Count their lines. [[bash: wc -l]] [[say: 840 lines.]]]] [[say: The second one is shorter.]]',
    'Which is faster? [[search: parser benchmarks]]+[[cite source="twice as fast": The second one is **twice** as fast.]]',
  ]);
  const fork = await play(['Plan the release [[say: Three steps.]]', 'First step? [[say: Tag it.]]']);
  fork.messages.splice(2);
  await fork.prompt('Other first step? [[say: Write the notes.]]', results);
  ids.push(...fork.ids.slice(-1));
  await play(['Overloaded? [[fail status=529]] [[say: never]]', 'And limited? [[fail status=429 retry_after=5]] [[say: never]]']);
  await play([`A long one ${'with many words '.repeat(400)} [[words n=800]]`], { body: { model: 'claude-haiku-4-5-20251001' } });
  await play(['Ask Spark [[tool mcp__spark__get_recommendation: {"query":"tests"}]] [[say: Done.]]']);
  await nexus.stored(ids);
  return ids;
}

function results(call) {
  if (call.name === 'Bash') return `\u001b[32mok\u001b[0m ${call.input.command}\n`;
  if (call.name.startsWith('mcp__spark')) return JSON.stringify({ session_id: 'spark-1', response: 'Write **tests** first.' });
  return `1\tline one\n2\tline two of ${call.name}`;
}
