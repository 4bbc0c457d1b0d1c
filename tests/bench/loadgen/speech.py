"""What the generator says to open a conversation: to the product, and to the prototype it is measured against.

Once open, both are spoken to alike: `send` frames of the same bytes, `ok` and `ev` frames in answer.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator
from typing import Any, NamedTuple

from msgspec import Struct

from backbone.ids import conversation_id, new_contact_id, new_event_id
from backbone.signing import Signer
from tests.bench.loadgen.poller import Connection, Poller, Script
from tests.bench.loadgen.wire import handshake, text_frame

STREAMS = [f"{n:02d}" for n in range(8)]
TEXT = "你好，我的订单什么时候到" * 3 + "？"
SOURCES = 200
"""Addresses of 127.0.0.0/8 that sockets come from: each has 28,000 ports."""


class Target(Struct, frozen=True, kw_only=True):
    """Who is spoken to: addresses of the nodes, and what a client needs to be let in (nothing at the prototype)."""

    nodes: list[tuple[str, int]]
    secret: str = ""
    cookie: str = ""
    tenant: str = ""
    inbox: str = ""

    @property
    def is_product(self) -> bool:
        """Whether clients say `hello` there."""
        return bool(self.secret)

    @property
    def heartbeat_s(self) -> float:
        """Silence after which a client pings; the prototype knows no pings."""
        return 17.0 if self.is_product else 0.0


class Pair(NamedTuple):
    """A conversation: who writes it on one node, and who views it on the next."""

    conv: str
    visitor: Connection
    viewer: Connection


class Speaker:
    """Connects clients of a target."""

    def __init__(self, poller: Poller, target: Target) -> None:
        self._poller = poller
        self._target = target
        self._signer = Signer(target.secret) if target.is_product else None
        self._numbers = itertools.count()

    def connect(self, node: int, *, is_agent: bool = False) -> Connection:
        """A socket to one of the nodes, opening."""
        host, port = self._target.nodes[node % len(self._target.nodes)]
        headers = {"Sec-WebSocket-Protocol": "trunkline.v1", "Origin": f"http://{host}:{port}"}
        if is_agent and self._target.cookie:
            headers["Cookie"] = self._target.cookie
        local = f"127.0.1.{1 + next(self._numbers) % SOURCES}"
        return self._poller.connect((host, port), handshake("/ws", f"{host}:{port}", headers), local)

    def pair(self, place: int, pairs: list[Pair]) -> Script:
        """Opens a conversation, with a viewer on the next node; puts it into `pairs`."""
        visitor = self.connect(place)
        yield visitor
        if self._signer is None:
            conv = conversation_id("bench", "web", new_event_id(), STREAMS)
        else:
            yield from self._hello(visitor, self._new_token())
            conv = yield from self.first_message(visitor)
        viewer = self.connect(place + 1, is_agent=True)
        yield viewer
        if self._signer is not None:
            yield from self._hello(viewer, "")
        yield from subscribe(viewer, conv)
        pairs.append(Pair(conv, visitor, viewer))

    def first_message(self, visitor: Connection) -> Generator[Connection, bytes, str]:
        """A visitor's first message opens a conversation; its id is what this returns."""
        say(visitor, {"t": "send", "id": new_event_id(), "conv": None, "text": TEXT})
        ok = yield from _answer(visitor, b'{"t":"ok"')
        return str(ok["conv"])

    def _new_token(self) -> str:
        assert self._signer is not None
        return self._signer.visitor_token(self._target.tenant, self._target.inbox, new_contact_id())

    def _hello(self, connection: Connection, token: str) -> Generator[Connection, bytes, Any]:
        say(connection, {"t": "hello", "token": token, "client": "bench", "locale": "zh-CN"})
        return (yield from _answer(connection, b'{"t":"welcome"'))


def subscribe(
    connection: Connection, conv: str, after: tuple[int, int] | None = None
) -> Generator[Connection, bytes, Any]:
    """Attaches a conversation; returns the `evs` that answers."""
    say(connection, {"t": "sub", "conv": conv, "after": after, "limit": 50})
    return (yield from _answer(connection, b'{"t":"evs"'))


def say(connection: Connection, frame: dict[str, Any]) -> None:
    """Sends one frame."""
    connection.send(text_frame(json.dumps(frame, ensure_ascii=False).encode()))


def _answer(connection: Connection, begins: bytes) -> Generator[Connection, bytes, Any]:
    """Waits for the frame that begins so. Raises RuntimeError for a refusal."""
    while True:
        frame: Any = yield connection
        if frame.startswith(begins):
            return json.loads(frame)
        if frame.startswith(b'{"t":"err"'):
            raise RuntimeError(frame.decode())
