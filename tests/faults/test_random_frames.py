"""Any bytes, any JSON, valid frames in any order: no fault of ours, no dead task, nothing stored that isn't valid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from backbone import events as ev
from backbone.ids import check_conversation
from tests.faults.gibberish import Gibberish
from tests.faults.logdump import dump, load
from tests.faults.raw import CLOSE, TEXT, Raw, dialled, frame
from tests.faults.rig import metric
from tests.faults.transitions import State
from tests.harness.processes import PLAIN, Process
from tests.harness.system import EMMA, INBOX, LIN, System
from trunkline import rest
from trunkline.connect import connected

TALKERS = 12
FRAMES_A_SOCKET = 150
OUR_FAULT = 4500
FAULTS = ("was never retrieved", "frame.failed", "socket.failed", "task.failed", "Traceback")

RATES = {
    f"TRUNKLINE_NODE_{name}": "100000"
    for name in ("VISITOR_RATE", "VISITOR_BURST", "AGENT_RATE", "AGENT_BURST", "ADDRESS_RATE", "ADDRESS_BURST")
}


@pytest.mark.timeout(120)
def test_some_thousand_frames(tmp_path: Path) -> None:
    _talk_nonsense(tmp_path, 4_000, 20261124)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_frames(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
    sys.stderr.write(f"\nSEED={seed}\n")
    _talk_nonsense(tmp_path, 100_000, seed)


def _talk_nonsense(folder: Path, frames: int, seed: int) -> None:
    system = System(folder)
    system.module = PLAIN
    system.more = {**RATES, "TRUNKLINE_NODE_VISITORS_RATE": "60000"}
    try:
        system.start(nodes=1, adapters=("routing",))
        system.add_agents(LIN, EMMA)
        node = system.nodes[0]
        pid = node.pid
        closed = asyncio.run(_all(system, frames, seed))
        sys.stderr.write(f"\n{frames} frames, SEED={seed}; sockets closed with {dict(closed)}\n")
        assert node.process is not None
        assert node.process.poll() is None
        assert (node.pid, node.ready()[0]) == (pid, 200)
        assert OUR_FAULT not in closed
        said = node.log.read_text(errors="replace").splitlines()
        assert [line for line in said if any(word in line for word in FAULTS)] == []
        asyncio.run(_assert_valid(system, folder))
        _assert_at_rest(node)
    finally:
        system.end()


async def _all(system: System, frames: int, seed: int) -> Counter[int]:
    closed: Counter[int] = Counter()
    async with system.visitor().running() as visitor:
        opened = str((await visitor.send("begin"))["conv"])
    conversations = [opened, opened, "00" + "a" * 26, "99" + "z" * 26, "x", ""]
    each = frames // TALKERS + 1
    await asyncio.gather(*(_one(system, each, f"{seed}.{n}", conversations, closed) for n in range(TALKERS)))
    return closed


async def _one(system: System, frames: int, seed: str, conversations: list[str], closed: Counter[int]) -> None:
    """A person who comes again each time they are closed; every third is an agent."""
    chance, node = random.Random(seed), system.nodes[0]
    is_agent = int(seed.rpartition(".")[2]) % 3 == 0
    login = chance.choice([LIN, EMMA])
    cookie = (await asyncio.to_thread(rest.sign_in, node.http, login.email, login.password)).cookie if is_agent else ""
    token = "" if is_agent else (await asyncio.to_thread(rest.become_visitor, node.http, INBOX))[0]
    own = list(conversations)
    nonsense = Gibberish(chance, own)
    said = 0
    while said < frames:
        async with dialled(node, cookie) as raw:
            if chance.random() < 0.95:
                await raw.send(frame(TEXT, msgspec.json.encode({"t": "hello", "token": token})))
            hearing = asyncio.create_task(_hear(raw, own))
            for _ in range(FRAMES_A_SOCKET):
                if hearing.done():
                    break
                said += 1
                await raw.send(nonsense.next())
                if chance.random() < 0.1:
                    await asyncio.sleep(0)
            await raw.send(frame(CLOSE, b"\x03\xe8"))
            closed[await asyncio.wait_for(hearing, 60)] += 1


async def _hear(raw: Raw, conversations: list[str]) -> int:
    """Reads what comes, learns of the conversation that was opened, and returns the code of the end."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            got = await raw.receive(30)
            if got.opcode == CLOSE:
                return got.close_code if len(got.payload) >= 2 else 1005
            if got.opcode == TEXT:
                told = msgspec.json.decode(got.payload)
                if told["t"] == "ok" and told.get("conv") and told["conv"] not in conversations:
                    conversations.append(told["conv"])
                assert told.get("code") != "internal.error", told
    return 1006


async def _assert_valid(system: System, folder: Path) -> None:
    """Every stored event is one of the contract's, in a conversation where it may stand."""
    streams = dict.fromkeys(system.common.log_streams(), 0)
    async with connected(system.common, "test") as link:
        count = await dump(link, folder / "whole.log", streams)
    assert count > 10, "hardly anything was accepted: nothing is shown"
    for conv, stored in load(folder / "whole.log").items():
        check_conversation(conv)
        state = State()
        for event in stored:
            parsed = ev.parse(msgspec.json.encode(event.body))
            assert parsed.conv == conv
            assert not state.take(event.body), (conv, event)
            if isinstance(parsed, ev.MessageAdded):
                assert "\x00" not in parsed.text
                assert parsed.text.strip()
                assert len(parsed.text.encode()) <= 16 * 1024


def _assert_at_rest(node: Process) -> None:
    """All sockets are gone, and the node does nothing more."""
    deadline = time.monotonic() + 30
    while metric(node, "trunkline_node_sockets") or metric(node, "trunkline_node_unacknowledged"):
        assert time.monotonic() < deadline, "sockets are left"
        time.sleep(0.1)
