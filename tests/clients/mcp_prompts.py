"""Prompts through the official Python client of MCP, in every version of the protocol that it speaks.

Prints what came back as JSON. The key is in MCP_KEY; the prompt `fresh` is written into MCP_FOLDER
once the client listens for changes.
"""

import json
import os
import pathlib
import sys

import anyio
import httpx2
import mcp
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import PromptsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

URL = sys.argv[1]
FOLDER = pathlib.Path(os.environ["MCP_FOLDER"])
HEADERS = {"authorization": f"Bearer {os.environ['MCP_KEY']}"}


async def pages(client):
    """The names of all prompts, and how many pages they came on."""
    names, cursor, count = [], None, 0
    while True:
        page = await client.list_prompts(cursor=cursor)
        names += [prompt.name for prompt in page.prompts]
        count += 1
        cursor = page.next_cursor
        if not cursor:
            return names, count


async def used(client):
    names, count = await pages(client)
    first = (await client.list_prompts()).prompts
    review = next(prompt for prompt in first if prompt.name == "a-review")
    got = await client.get_prompt("a-review", {"language": "Rust", "code": "a < b"})
    try:
        await client.get_prompt("a-review", {})
        missing = None
    except MCPError as error:
        missing = str(error)
    return {
        "names": len(names),
        "pages": count,
        "arguments": [[argument.name, argument.required] for argument in review.arguments],
        "description": got.description,
        "text": got.messages[0].content.text,
        "missing": missing,
    }


def write(name):
    (FOLDER / f"{name}.yaml").write_text("template: new")


async def with_session(http):
    """The handshake, and the notice of a change on the session's stream."""
    told = anyio.Event()

    async def heard(message):
        if type(getattr(message, "root", message)).__name__ == "PromptListChangedNotification":
            told.set()

    transport = streamable_http_client(URL, http_client=http)
    async with mcp.Client(transport, mode="legacy", message_handler=heard) as client:
        await client.session.send_ping()
        found = await used(client)
        found["version"] = client.session.protocol_version
        with anyio.fail_after(60):
            while not told.is_set():
                write("z-session")
                with anyio.move_on_after(1):
                    await told.wait()
        return found


async def without_session(http, version):
    """From 2026-07-28 on: no handshake, changes by a subscription."""
    transport = streamable_http_client(URL, http_client=http)
    async with mcp.Client(transport, mode=version) as client:
        found = await used(client)
        found["version"] = client.session.protocol_version
        with anyio.fail_after(60):
            async with client.listen(prompts_list_changed=True) as events:
                write(f"z-{version}")
                async for event in events:
                    if isinstance(event, PromptsListChanged):
                        break
        return found


async def main():
    found = {"handshake": list(HANDSHAKE_PROTOCOL_VERSIONS), "modern": list(MODERN_PROTOCOL_VERSIONS)}
    async with httpx2.AsyncClient(headers=HEADERS, trust_env=False, timeout=60) as http:
        found["session"] = await with_session(http)
        found["listening"] = [await without_session(http, version) for version in MODERN_PROTOCOL_VERSIONS]
    async with httpx2.AsyncClient(trust_env=False) as http:
        found["without_key"] = (await http.get(URL)).status_code
        found["discovery"] = (await http.get(URL, headers=HEADERS)).json()
    print(json.dumps(found))


anyio.run(main)
