"""The example of an app: it signs in by a token of the company's server, comes back, and sleeps in the background."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from adapters.channels.app import identity
from adapters.channels.app.settings import Account
from backbone.errors import NotAuthenticatedError
from tests.harness.waiting import until

FOLDER = Path(__file__).parents[4] / "docs" / "examples" / "app"
SECRET = "a secret of the company's server"
ACCOUNT = Account(tenant="shop", secret=SECRET)
CONV = "03" + "a" * 26


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    """app.py, with the path and the module that it brings along for as long as the tests last."""
    before = list(sys.path)
    try:
        yield _loaded("app")
    finally:
        sys.path[:] = before
        sys.modules.pop("client", None)


server = _loaded("server")


class Node:
    """As much of a node as an app meets: it signs in by the account's rules and keeps one conversation."""

    def __init__(self) -> None:
        self.base = ""
        self.signed_in: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.refused = 0
        self.heard: list[str] = []
        self.marks: list[tuple[int, int]] = []
        self.devices: list[tuple[str, str, str, dict[str, Any]]] = []
        self.events: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.closes: list[int | None] = []
        self.turns_away = 0
        """How many sockets are closed with 4401 in place of a welcome."""

        self.drops = 0
        """How many messages meet a broken connection in place of an answer."""

    async def visitors(self, request: web.Request) -> web.Response:
        """The sign-in."""
        body = await request.json()
        self.asked.append(body)
        try:
            peer = identity.verify(body["identity"], ACCOUNT, time.time())
        except NotAuthenticatedError as error:
            self.refused += 1
            return web.json_response({"code": error.code}, status=401)
        self.signed_in.append(peer.id)
        return web.json_response({"token": f"visitor-{len(self.signed_in)}", "contact": "c"})

    async def device(self, request: web.Request) -> web.Response:
        """A device comes or goes."""
        body = await request.json() if request.can_read_body else {}
        whose = request.headers["Authorization"].removeprefix("Bearer ")
        self.devices.append((request.method, request.match_info["token"], whose, body))
        return web.Response(status=204)

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """One socket of the wire protocol."""
        socket = web.WebSocketResponse(protocols=["trunkline.v1"])
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT and not await self.answer(socket, json.loads(frame.data)):
                break
        self.closes.append(socket.close_code)
        return socket

    async def answer(self, socket: web.WebSocketResponse, frame: dict[str, Any]) -> bool:
        """Answers a frame; False if the socket is over."""
        if frame["t"] == "hello" and self.turns_away:
            self.turns_away -= 1
            await socket.close(code=4401)
            return False
        if frame["t"] == "hello":
            opened = CONV if self.events else None
            await socket.send_json({"t": "welcome", "heartbeat_s": 20, "open": opened})
        elif frame["t"] == "sub":
            after = frame["after"][1] if frame["after"] else 0
            rows = [[n, n - 1, e] for n, e in enumerate(self.events, 1) if n > after]
            upto = len(self.events)
            await socket.send_json({"t": "evs", "conv": CONV, "epoch": 1, "events": rows, "upto": upto, "more": False})
        elif frame["t"] == "mark":
            self.marks.append((frame.get("delivered", 0), frame.get("read", 0)))
        elif frame["t"] == "send":
            if frame["id"] not in [e["id"] for e in self.events]:
                self.heard.append(frame["text"])
                self.events.append(
                    {"type": "message.added", "id": frame["id"], "text": frame["text"], "by": {"kind": "visitor"}}
                )
            if self.drops:
                self.drops -= 1
                assert socket._req is not None
                assert socket._req.transport is not None
                socket._req.transport.abort()
                return False
            await socket.send_json({"t": "ok", "id": frame["id"], "conv": CONV, "seq": len(self.events), "at": 1})
        return True


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A node on loopback."""
    node = Node()
    app = web.Application()
    device = "/api/v1/visitors/devices/{token}"
    app.add_routes([web.post("/api/v1/visitors", node.visitors), web.get("/ws", node.socket)])
    app.add_routes([web.put(device, node.device), web.delete(device, node.device)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    node.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield node
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running(example: ModuleType, node: Node, identity_of: Callable[[], str], **more: Any) -> AsyncIterator[Any]:
    """The app, with what it shows in `seen`."""
    seen: list[str] = []
    app = example.App("app", [node.base], identity_of, lambda event: seen.append(event["text"]), **more)
    app.seen = seen
    task = asyncio.create_task(app.run())
    try:
        yield app
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def fresh() -> str:
    """A token of the company's server."""
    token: str = server.sign("li", "shop", SECRET, name="Li")
    return token


def test_the_server_signs_what_the_inbox_takes() -> None:
    peer = identity.verify(fresh(), ACCOUNT, time.time())
    assert (peer.id, peer.name) == ("li", "Li")
    assert server.LIFE_S <= identity.LIFE_S


def test_the_app_is_under_150_lines() -> None:
    assert len((FOLDER / "app.py").read_text().splitlines()) < 150


async def test_the_app_signs_in_and_writes(example: ModuleType, node: Node) -> None:
    async with running(example, node, fresh, anonymous="visitor-0") as app:
        await app.send("hello")
        await until(lambda: app.seen == ["hello"])
    assert node.signed_in == ["li"]
    assert (node.asked[0]["inbox"], node.asked[0]["token"]) == ("app", "visitor-0")


async def test_the_app_registers_its_device_and_says_how_far_it_came(example: ModuleType, node: Node) -> None:
    device = {"service": "fcm", "token": "abc:def/ghi"}
    async with running(example, node, fresh, device=device) as app:
        await app.send("hello")
        await until(lambda: node.marks)
        assert node.marks[0] == (1, 1)
        token = app.token
    await asyncio.to_thread(app.register, node.base, token, "DELETE")
    assert node.devices == [
        ("PUT", "abc:def/ghi", "visitor-1", {"service": "fcm"}),
        ("DELETE", "abc:def/ghi", "visitor-1", {}),
    ]


async def test_a_token_that_has_just_ended_is_fetched_anew(example: ModuleType, node: Node) -> None:
    tokens = [server.sign("li", "shop", SECRET, exp=1, iat=0), fresh()]
    async with running(example, node, lambda: tokens.pop(0)) as app:
        await app.send("hello")
        await until(lambda: node.heard == ["hello"])
    assert (node.refused, node.signed_in) == (1, ["li"])


async def test_who_is_turned_away_signs_in_again_and_loses_nothing(example: ModuleType, node: Node) -> None:
    node.turns_away = 1
    async with running(example, node, fresh) as app:
        await app.send("hello")
        await until(lambda: node.heard == ["hello"])
    assert node.signed_in == ["li", "li"]


async def test_a_broken_connection_loses_and_doubles_nothing(example: ModuleType, node: Node) -> None:
    async with running(example, node, fresh) as app:
        await app.send("one")
        await until(lambda: app.seen == ["one"])
        node.drops = 1
        await app.send("two")
        await until(lambda: app.seen == ["one", "two"])
        await until(lambda: not app.unsent)
    assert node.heard == ["one", "two"]
    assert node.signed_in == ["li"]


async def test_in_the_background_it_closes_cleanly_and_in_front_it_is_there_at_once(
    example: ModuleType, node: Node
) -> None:
    async with running(example, node, fresh) as app:
        await app.send("one")
        await until(lambda: app.seen == ["one"])
        app.to_background()
        await until(lambda: node.closes == [1000])
        node.events.append({"type": "message.added", "id": "x", "text": "meanwhile", "by": {"kind": "agent"}})
        app.to_foreground()
        await until(lambda: app.seen == ["one", "meanwhile"])
    assert len(node.sockets) == 2


async def test_a_network_that_is_back_ends_the_waiting(
    example: ModuleType, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example.random, "uniform", lambda _low, _high: 1000.0)
    calls = 0

    def away_at_first() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("no network")
        return fresh()

    async with running(example, node, away_at_first) as app:
        await until(lambda: calls == 1)
        await app.send("hello")
        async with asyncio.timeout(20):
            while not node.heard:
                app.network_up()
                await asyncio.sleep(0.01)
    assert node.heard == ["hello"]
