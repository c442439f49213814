"""Everything an SDK user does, through the official Python client; prints what came back as JSON."""

import json

import anthropic

MODEL = "claude-opus-5-5"
TOOL = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}

client = anthropic.Anthropic()
found = {}


def text(message):
    return "".join(block.text for block in message.content if block.type == "text")


message = client.messages.create(
    model=MODEL, max_tokens=100, messages=[{"role": "user", "content": "Name a colour [[say: Blue – “bleu” 🔵]]"}]
)
found["plain"] = text(message)

history = [
    {"role": "user", "content": "Name a colour [[say: Blue – “bleu” 🔵]]"},
    {"role": "assistant", "content": text(message)},
    {"role": "user", "content": "Another [[think: Warm.]]+[[say: Red]]"},
]
with client.messages.stream(model=MODEL, max_tokens=100, messages=history) as stream:
    found["pieces"] = "".join(stream.text_stream)
    found["stream"] = text(stream.get_final_message())

history = [{"role": "user", "content": 'Weather? [[say: I look.]]+[[tool get_weather: {"city": "Paris"}]] [[say: Sunny]]'}]
asked = client.messages.create(model=MODEL, max_tokens=100, tools=[TOOL], messages=history)
call = next(block for block in asked.content if block.type == "tool_use")
found["tool"] = call.input
history += [
    {"role": "assistant", "content": asked.content},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}]},
]
found["tool_answer"] = text(client.messages.create(model=MODEL, max_tokens=100, tools=[TOOL], messages=history))

found["tokens"] = client.messages.count_tokens(model=MODEL, messages=history[:1]).input_tokens
found["models"] = [model.id for model in client.models.list()]

try:
    client.messages.create(model="gpt", max_tokens=1, messages=history[:1])
except anthropic.NotFoundError as error:
    found["error"] = error.body["error"]["message"]

raw = client.messages.with_raw_response.create(
    model=MODEL, max_tokens=10, messages=[{"role": "user", "content": "Retry [[fail status=529 times=1]] [[say: survived]]"}]
)
found["retried"] = text(raw.parse())
found["request_id"] = raw.headers.get("request-id")
found["nexus_id"] = raw.headers.get("x-nexus-request-id")
print(json.dumps(found))
