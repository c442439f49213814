// Everything an SDK user does, through the official TypeScript client; prints what came back as JSON.
import Anthropic from '@anthropic-ai/sdk';

const model = 'claude-opus-5-5';
const tools = [{
  name: 'get_weather',
  description: 'The weather of a city',
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
}];
const client = new Anthropic();
const text = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const create = (messages, more = {}) => client.messages.create({ model, max_tokens: 100, messages, ...more });
const found = {};

const first = { role: 'user', content: 'Name a colour [[say: Blue – “bleu” 🔵]]' };
found.plain = text(await create([first]));

const history = [first, { role: 'assistant', content: found.plain },
  { role: 'user', content: 'Another [[think: Warm.]]+[[say: Red]]' }];
const stream = client.messages.stream({ model, max_tokens: 100, messages: history });
found.pieces = '';
stream.on('text', (piece) => { found.pieces += piece; });
found.stream = text(await stream.finalMessage());

const question = { role: 'user', content: 'Weather? [[say: I look.]]+[[tool get_weather: {"city": "Paris"}]] [[say: Sunny]]' };
const asked = await create([question], { tools });
const call = asked.content.find((block) => block.type === 'tool_use');
found.tool = call.input;
found.tool_answer = text(await create([question, { role: 'assistant', content: asked.content },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny' }] }], { tools }));

found.tokens = (await client.messages.countTokens({ model, messages: [question] })).input_tokens;
found.models = [];
for await (const one of client.models.list()) found.models.push(one.id);

try {
  await client.messages.create({ model: 'gpt', max_tokens: 1, messages: [question] });
} catch (error) {
  found.error = error.error.error.message;
}

const { data, response } = await create([{ role: 'user', content: 'Retry [[fail status=529 times=1]] [[say: survived]]' }])
  .withResponse();
found.retried = text(data);
found.request_id = response.headers.get('request-id');
found.nexus_id = response.headers.get('x-nexus-request-id');
console.log(JSON.stringify(found));
