"""What no client sends: too large, without end, too slow, too often. Each ends by its code, and the others go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from tests.faults.raw import CONTINUATION, PING, PONG, TEXT, Raw, dialled, frame, request
from tests.faults.rig import metric
from tests.harness.processes import Process
from tests.harness.system import INBOX, System
from trunkline import rest

PINGS = 100_000
SLOW = 200
HELLO_S = 5.0
CODES_OF_SIZE = {4413, 1009}
"""Ours for what is too large, and the protocol's own where the handshake's library still reads."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("raw"))
    system.more = {"TRUNKLINE_NODE_VISITORS_RATE": "6000"}
    try:
        yield system.start(nodes=1)
    finally:
        system.end()


@contextlib.asynccontextmanager
async def nothing_is_left(system: System) -> AsyncIterator[Process]:
    """Afterwards others are served, and the node has what it had."""
    node = system.nodes[0]
    before = await _figures(node)
    yield node
    async with system.visitor().running() as other:
        assert (await other.send("still there?"))["seq"] > 0
    async with asyncio.timeout(30):
        while (now := await _figures(node)) > before:
            await asyncio.sleep(0.1)
    assert now[0] == 0


async def _figures(node: Process) -> tuple[float, float, float]:
    """Sockets, descriptors, tasks."""
    names = ("trunkline_node_sockets", "process_open_fds", "trunkline_tasks")
    sockets, fds, tasks = [await asyncio.to_thread(metric, node, name) for name in names]
    return sockets, fds, tasks


async def greeted(raw: Raw, system: System) -> None:
    """Hello as a visitor, and its welcome."""
    token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, INBOX)
    await raw.send(frame(TEXT, msgspec.json.encode({"t": "hello", "token": token})))
    assert msgspec.json.decode((await raw.receive()).payload)["t"] == "welcome"


@pytest.mark.parametrize("size", [129 * 1024, 2**31, 2**62])
async def test_a_frame_that_is_too_large_is_refused_by_its_length_alone(system: System, size: int) -> None:
    async with nothing_is_left(system) as node, dialled(node) as raw:
        await greeted(raw, system)
        await raw.send(frame(TEXT, b"x" * 100, declared=size))
        assert await raw.closed_with() in CODES_OF_SIZE


async def test_a_message_without_end_is_refused(system: System) -> None:
    async with nothing_is_left(system) as node, dialled(node) as raw:
        await greeted(raw, system)
        await raw.send(frame(TEXT, b'{"t":"', fin=False))

        async def go_on() -> None:
            while True:
                await raw.send(frame(CONTINUATION, b"x" * 1000, fin=False))

        endless = asyncio.create_task(go_on())
        try:
            assert await raw.closed_with() in CODES_OF_SIZE
        finally:
            endless.cancel()


async def test_empty_fragments_without_end_are_refused(system: System) -> None:
    async with nothing_is_left(system) as node, dialled(node) as raw:
        await greeted(raw, system)
        await raw.send(frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 10_000)
        assert await raw.closed_with() in CODES_OF_SIZE


async def test_a_hundred_thousand_pings_cost_pongs_and_nothing_else(system: System) -> None:
    async with nothing_is_left(system) as node, dialled(node) as raw:
        await greeted(raw, system)
        before = await asyncio.to_thread(metric, node, "process_resident_memory_bytes")

        async def ping() -> None:
            for _ in range(PINGS // 1000):
                await raw.send(frame(PING, b"are you there") * 1000)
            await raw.send(frame(TEXT, b'{"t":"ping","n":7}'))

        pinging = asyncio.create_task(ping())
        pongs = 0
        async with asyncio.timeout(60):
            while (got := await raw.receive(60)).opcode == PONG:
                pongs += 1
        await pinging
        assert msgspec.json.decode(got.payload) == {"t": "pong", "n": 7}
        assert 0 < pongs <= PINGS
        after = await asyncio.to_thread(metric, node, "process_resident_memory_bytes")
        assert after < before + 32 * 2**20


@pytest.mark.rest
async def test_who_never_says_hello_is_closed(system: System) -> None:
    async with nothing_is_left(system) as node, dialled(node) as raw:
        await raw.send(frame(PING, b"only this"))
        assert await raw.closed_with(HELLO_S + 30) == 4401


@pytest.mark.timeout(120)
async def test_two_hundred_handshakes_byte_by_byte_keep_nobody_out(system: System) -> None:
    async with nothing_is_left(system) as node:
        wanted = request(node)
        slow = [await asyncio.open_connection("127.0.0.1", node.port) for _ in range(SLOW)]
        try:
            for byte in range(10):
                for _, writer in slow:
                    writer.write(wanted[byte : byte + 1])
            for _ in range(5):
                async with system.visitor().running() as other:
                    assert (await other.send("in between"))["seq"] > 0
        finally:
            for _, writer in slow:
                writer.transport.abort()
