"""Bounds on a node with small ones: each is told by name, and what is refused harms nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from backbone.ids import new_event_id
from node.socket import MOST_WAITING
from tests.harness.raw_http import dialling
from tests.harness.system import System
from trunkline import rest

pytestmark = pytest.mark.anyio

ELSEWHERE = "203.0.113.9"
BURST = 4
REQUESTS = 8
AGAIN_S = 20
"""Until somebody who used up what may be done at once may do one thing more: longer than a test of it takes."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One node that allows little."""
    system = System(tmp_path_factory.mktemp("small"))
    system.more = {
        "TRUNKLINE_NODE_ACTOR_SOCKETS": "2",
        "TRUNKLINE_NODE_ADDRESS_SOCKETS": "3",
        "TRUNKLINE_NODE_HANDSHAKES": "4",
        "TRUNKLINE_NODE_HELLO_S": "2",
        "TRUNKLINE_NODE_VISITOR_RATE": str(1 / AGAIN_S),
        "TRUNKLINE_NODE_VISITOR_BURST": str(BURST),
        "TRUNKLINE_NODE_READ_RATE": str(1 / AGAIN_S),
        "TRUNKLINE_NODE_READ_BURST": "2",
        "TRUNKLINE_NODE_UNACKNOWLEDGED": "1",
        "TRUNKLINE_NODE_WAIT_S": "0.3",
        "TRUNKLINE_NODE_VISITORS_RATE": "6000",
        "TRUNKLINE_NODE_REQUESTS": str(REQUESTS),
    }
    try:
        yield system.start()
    finally:
        system.end()


@contextlib.asynccontextmanager
async def socket_of(system: System, token: str = "", address: str = "") -> AsyncIterator[ClientConnection]:
    """A socket; with a token it has said hello, with an address it comes from there through a proxy."""
    async with connect(
        system.nodes[0].ws,
        subprotocols=[Subprotocol("trunkline.v1")],
        additional_headers={"X-Forwarded-For": address} if address else None,
        compression=None,
        ping_interval=None,
    ) as socket:
        if token:
            # One that is refused at once may be closed before we have said anything.
            with contextlib.suppress(ConnectionClosed):
                await socket.send(json.dumps({"t": "hello", "token": token}))
        yield socket


async def answer(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(30):
        frame: dict[str, Any] = json.loads(await socket.recv())
    return frame


async def closed(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code or 0, socket.close_reason or ""


def visitor(system: System) -> str:
    return rest.become_visitor(system.nodes[0].http, "web")[0]


def message(conv: str | None = None) -> str:
    return json.dumps({"t": "send", "id": new_event_id(), "conv": conv, "text": "hi"})


async def test_sockets_of_one_person(small: System) -> None:
    token = visitor(small)
    async with socket_of(small, token) as first, socket_of(small, token) as second:
        assert [(await answer(s))["t"] for s in (first, second)] == ["welcome", "welcome"]
        async with socket_of(small, token) as third:
            code, reason = await closed(third)
            assert (code, reason.split(":")[0]) == (4429, "limit.sockets")
        async with socket_of(small, visitor(small)) as somebody_else:
            assert (await answer(somebody_else))["t"] == "welcome"
    async with socket_of(small, token) as again:
        assert (await answer(again))["t"] == "welcome"


async def test_sockets_of_one_address_and_none_of_the_proxy_itself(small: System) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            one = await stack.enter_async_context(socket_of(small, visitor(small), ELSEWHERE))
            assert (await answer(one))["t"] == "welcome"
        async with socket_of(small, visitor(small), ELSEWHERE) as fourth:
            assert (await closed(fourth))[0] == 4429
        for _ in range(4):
            one = await stack.enter_async_context(socket_of(small, visitor(small)))
            assert (await answer(one))["t"] == "welcome"
    async with socket_of(small, visitor(small), ELSEWHERE) as again:
        assert (await answer(again))["t"] == "welcome"


async def test_sockets_that_say_nothing(small: System) -> None:
    token = visitor(small)
    async with contextlib.AsyncExitStack() as stack:
        # All at once: the first ones must still be there when one more comes.
        silent = await asyncio.gather(*(stack.enter_async_context(socket_of(small)) for _ in range(4)))
        async with socket_of(small, token) as one_more:
            assert (await closed(one_more))[0] == 4429
        assert [(await closed(s))[0] for s in silent] == [4401] * 4
    async with socket_of(small, visitor(small)) as again:
        assert (await answer(again))["t"] == "welcome"


async def test_messages_of_one_person_over_two_sockets(small: System) -> None:
    token = visitor(small)
    async with socket_of(small, token) as first, socket_of(small, token) as second:
        assert [(await answer(s))["t"] for s in (first, second)] == ["welcome", "welcome"]
        answers = []
        for number in range(BURST + 2):
            socket = (first, second)[number % 2]
            await socket.send(message())
            # The other socket's messages are told by `opened`.
            while (told := await answer(socket))["t"] == "opened":
                pass
            answers.append(told)
    assert [a["t"] for a in answers] == ["ok"] * BURST + ["err"] * 2
    assert {a["code"] for a in answers[BURST:]} == {"limit.rate"}
    assert all(0 < a["retry_after_ms"] <= AGAIN_S * 1000 + 1 for a in answers[BURST:])


async def test_reading_too_often(small: System) -> None:
    async with socket_of(small, visitor(small)) as socket:
        await answer(socket)
        await socket.send(message())
        conv = (await answer(socket))["conv"]
        told = []
        for _ in range(4):
            await socket.send(json.dumps({"t": "sub", "conv": conv}))
            # The message may come live, where the node hadn't heard of it at the first question.
            while (heard := await answer(socket))["t"] == "ev":
                pass
            told.append(heard)
    assert [t["t"] for t in told] == ["evs", "evs", "err", "err"]
    assert (told[2]["code"], told[2]["conv"]) == ("limit.rate", conv)


async def test_a_log_that_stands_still_makes_clients_wait_and_then_refuses(small: System) -> None:
    async with socket_of(small, visitor(small)) as first, socket_of(small, visitor(small)) as second:
        convs = []
        for socket in (first, second):
            await answer(socket)
            await socket.send(message())
            convs.append((await answer(socket))["conv"])
            await attach(socket, convs[-1])
        assert small.nats.process
        await hold(small.nats.process.pid)
        try:
            began = asyncio.get_running_loop().time()
            await first.send(message(convs[0]))
            # Answered in order: the write is on its way.
            await first.send(json.dumps({"t": "ping", "n": 1}))
            assert (await answer(first))["t"] == "pong"
            for _ in range(2):
                await second.send(message(convs[1]))
            await second.send(json.dumps({"t": "ping", "n": 7}))
            told = [await answer(second) for _ in range(3)]
            waited_s = asyncio.get_running_loop().time() - began
        finally:
            os.kill(small.nats.process.pid, signal.SIGCONT)
        assert [(t["t"], t.get("code"), t.get("n")) for t in told] == [
            ("err", "log.busy", None),
            ("err", "log.busy", None),
            ("pong", None, 7),
        ]
        assert all(t["retry_after_ms"] for t in told[:2])
        assert waited_s > 2 * 0.3
        assert {(await answer(first))["t"] for _ in range(2)} == {"ok", "ev"}
        await second.send(message(convs[1]))
        assert {(await answer(second))["t"] for _ in range(2)} == {"ok", "ev"}


@pytest.mark.rest
async def test_a_socket_that_the_node_itself_does_not_read_is_not_silent(tmp_path: Path) -> None:
    many, wait_s, silent_s = 46, 0.1, 1.0
    system = System(tmp_path)
    system.more = {
        "TRUNKLINE_NODE_UNACKNOWLEDGED": "1",
        "TRUNKLINE_NODE_WAIT_S": str(wait_s),
        "TRUNKLINE_NODE_SILENT_S": str(silent_s),
        "TRUNKLINE_NODE_VISITOR_RATE": "1000",
        "TRUNKLINE_NODE_VISITOR_BURST": "1000",
    }
    assert (many - MOST_WAITING) * wait_s > silent_s
    try:
        system.start()
        async with socket_of(system, visitor(system)) as socket:
            await answer(socket)
            await socket.send(message())
            conv = (await answer(socket))["conv"]
            await attach(socket, conv)
            assert system.nats.process
            await hold(system.nats.process.pid)
            try:
                for _ in range(many):
                    await socket.send(message(conv))
                pinging = asyncio.create_task(ping_every(socket, silent_s / 4))
                told = [(await answer(socket)).get("code") for _ in range(MOST_WAITING)]
                pinging.cancel()
            finally:
                os.kill(system.nats.process.pid, signal.SIGCONT)
            assert set(told) == {"log.busy"}
    finally:
        system.end()


async def attach(socket: ClientConnection, conv: str) -> None:
    """Attached and with its only message seen, so that nothing but the next write itself needs the log."""
    await socket.send(json.dumps({"t": "sub", "conv": conv}))
    seen = [await answer(socket)]
    assert seen[0]["t"] == "evs"
    while "message.added" not in json.dumps(seen):
        seen.append(await answer(socket))


async def hold(pid: int) -> None:
    """SIGSTOP, and until no thread of the process runs any more."""
    os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(30):
        while states(pid) != {"T"}:
            await asyncio.sleep(0.01)


def states(pid: int) -> set[str]:
    """Of all threads, as proc(5) letters them."""
    return {task.read_text().rsplit(") ", 1)[1][0] for task in Path(f"/proc/{pid}/task").glob("*/stat")}


async def ping_every(socket: ClientConnection, seconds: float) -> None:
    """As a client does that has nothing else to say."""
    while True:
        await socket.send('{"t":"ping","n":1}')
        await asyncio.sleep(seconds)


async def test_health_has_a_port_of_its_own_that_a_flood_of_requests_does_not_reach(small: System) -> None:
    node, token = small.nodes[0], visitor(small)
    head = f"POST /api/v1/visitors HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nOrigin: {node.http}\r\n"
    head += f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    async with dialling(node.port) as dial:
        for _ in range(REQUESTS):
            await dial(head.encode())
        async with asyncio.timeout(10):
            while (await asyncio.to_thread(node.ready))[0] != 503:
                await asyncio.sleep(0.02)
        for path in ("healthz", "readyz"):
            assert (await asyncio.to_thread(rest.call, "GET", f"{node.health}/{path}")).status == 200
    async with asyncio.timeout(10):
        while (await asyncio.to_thread(node.ready))[0] != 200:
            await asyncio.sleep(0.02)
