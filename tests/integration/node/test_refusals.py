"""An `err` says which frame it answers: a `mark`, a `signal` and a `sub` have no id by which a client could tell."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from backbone.ids import new_event_id
from tests.harness.system import LIN, System
from trunkline import rest

pytestmark = pytest.mark.anyio

FRAMES: list[dict[str, Any]] = [
    {"t": "sub", "after": None},
    {"t": "mark", "read": 1},
    {"t": "signal", "kind": "typing"},
    {"t": "act", "id": new_event_id(), "do": "take"},
    {"t": "send", "id": new_event_id(), "text": "hello"},
    {"t": "history", "before": [1, 1], "limit": 1},
]


async def test_a_refusal_names_the_frame_and_the_conversation_that_it_answers(system: System) -> None:
    """A client took the refusal of a `mark` for one of the messages or of the `sub` of its conversation."""
    async with system.visitor().running() as owner:
        conv = (await owner.send("mine"))["conv"]
    token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    async with (
        asyncio.timeout(30),
        connect(system.nodes[0].ws, subprotocols=[Subprotocol("trunkline.v1")], ping_interval=None) as stranger,
    ):
        await stranger.send(json.dumps({"t": "hello", "token": token, "version": 1}))
        assert json.loads(await stranger.recv())["t"] == "welcome"
        for frame in FRAMES:
            await stranger.send(json.dumps({**frame, "conv": conv}))
            told = json.loads(await stranger.recv())
            assert (told["t"], told["of"], told["conv"]) == ("err", frame["t"], conv)
            assert told.get("id") == frame.get("id")


async def test_an_agents_refusals_say_it_too(system: System) -> None:
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(30), system.agent(LIN, pushed=told.append).running() as agent:
        for frame in FRAMES:
            await agent.say({**frame, "conv": "00" + "a" * 26})
        while sum(one["t"] == "err" for one in told) < len(FRAMES):
            await asyncio.sleep(0.01)
    answers = {one["of"]: one for one in told if one["t"] == "err"}
    assert sorted(answers) == sorted(frame["t"] for frame in FRAMES)
    assert {answers[of]["code"] for of in ("sub", "mark", "act", "send")} == {"resource.not_found"}
