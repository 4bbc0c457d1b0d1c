"""How long a resolved conversation can be reopened is what its inbox's record says, for whoever asks."""

from __future__ import annotations

import asyncio

import pytest

from backbone import directory
from backbone.directory import Inbox
from backbone.ids import new_event_id
from tests.harness.system import LIN, TENANT, System
from trunkline import rest
from trunkline.client import Client, RefusedError
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

WINDOW_S = 1


async def _visitor(system: System, name: str, window_s: int) -> Client:
    """Of an inbox of the test's own."""
    async with connected(system.common, "test") as link:
        await directory.create_inbox(link, TENANT, Inbox(id=name, channel="web", name=name, reopen_window_s=window_s))
    token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, name)
    return system.visitor_at(system.nodes[0].ws, token)


async def _sent(visitor: Client, text: str, conv: str) -> bool:
    try:
        await visitor.send(text, conv)
    except RefusedError as refused:
        if refused.code != "conversation.closed":
            raise
        return False
    return True


async def test_a_message_after_the_inboxes_window_opens_another_conversation(system: System) -> None:
    """Four seconds after *resolve* it still went into the resolved one, though the inbox said one second."""
    client = await _visitor(system, "hasty", WINDOW_S)
    async with client.running() as visitor, system.agent(LIN).running() as agent:
        conv = str((await visitor.send("one"))["conv"])
        await visitor.subscribe(conv)
        await agent.act(conv, "take")
        await agent.act(conv, "resolve")
        async with asyncio.timeout(20):
            # Within the window it is reopened; each says what is so now.
            while await _sent(visitor, f"again {new_event_id()}", conv):
                await asyncio.sleep(0.1)
        other = str((await visitor.send("another"))["conv"])
        assert other != conv


async def test_within_a_longer_window_it_is_the_same_conversation(system: System) -> None:
    client = await _visitor(system, "patient", 3600)
    async with client.running() as visitor, system.agent(LIN).running() as agent:
        conv = str((await visitor.send("one"))["conv"])
        await visitor.subscribe(conv)
        await agent.act(conv, "take")
        await agent.act(conv, "resolve")
        assert await _sent(visitor, "still here", conv)
        assert str((await visitor.send("without naming it"))["conv"]) == conv
