"""What the generator says: to the product, and to what it is measured against.

Once a conversation is open, product and prototype are spoken to alike: `send` frames of the same bytes, `ok` and `ev`
frames in answer.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from backbone.ids import conversation_id, new_contact_id, new_event_id
from backbone.signing import Signer
from tests.bench.loadgen.poller import Connection, Poller, Script
from tests.bench.loadgen.wire import handshake, text_frame
from tests.bench.population import INBOX, STREAMS, TENANT, TEXT, contact_of, conversation_of

SOURCES = 200
"""Addresses of 127.0.0.0/8 that sockets come from: each has 28,000 ports."""


class Target(Struct, frozen=True, kw_only=True):
    """Who is spoken to: addresses of the nodes, and what a client of the product needs to be let in."""

    kind: Literal["product", "prototype", "echo"]
    nodes: list[tuple[str, int]]
    secret: str = ""
    cookie: str = ""

    @property
    def heartbeat_s(self) -> float:
        """Silence after which a client pings (docs/protocol.md); the others know no pings."""
        return 20.0 if self.kind == "product" else 0.0


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
        self._signer = Signer(target.secret) if target.secret else None
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
            conv = conversation_id(TENANT, INBOX, "somebody", new_event_id(), STREAMS)
        else:
            yield from self._hello(visitor, new_contact_id())
            say(visitor, {"t": "send", "id": new_event_id(), "conv": None, "text": TEXT})
            conv = str((yield from answer(visitor, b'{"t":"ok"'))["conv"])
        viewers: list[Connection] = []
        yield from self.viewer(place + 1, conv, viewers)
        pairs.append(Pair(conv, visitor, viewers[0]))

    def viewer(self, node: int, conv: str, viewers: list[Connection]) -> Script:
        """An agent's socket that views a conversation; puts it into `viewers`."""
        viewer = self.connect(node, is_agent=True)
        yield viewer
        if self._signer is not None:
            yield from self._hello(viewer, "")
        yield from subscribe(viewer, conv)
        viewers.append(viewer)

    def person(self, number: int) -> Script:
        """Somebody of the population with their conversation attached. At an echo: a socket that was answered once."""
        connection = self.connect(number)
        yield connection
        if self._target.kind == "echo":
            connection.send(text_frame(b"?"))
            yield connection
            return
        if self._signer is not None:
            yield from self._hello(connection, contact_of(number))
        yield from subscribe(connection, conversation_of(number))

    def hello(self, contact: str) -> bytes:
        """The frame that says who it is: a contact, or with none the agent whose cookie came along."""
        assert self._signer is not None
        token = self._signer.visitor_token(TENANT, INBOX, contact) if contact else ""
        return frame_of({"t": "hello", "token": token, "client": "bench", "locale": "zh-CN"})

    def _hello(self, connection: Connection, contact: str) -> Generator[Connection, bytes, Any]:
        connection.send(self.hello(contact))
        return (yield from answer(connection, b'{"t":"welcome"'))


def subscribe(
    connection: Connection, conv: str, after: tuple[int, int] | None = None, limit: int = 50
) -> Generator[Connection, bytes, Any]:
    """Attaches a conversation; returns the `evs` that answers."""
    say(connection, {"t": "sub", "conv": conv, "after": after, "limit": limit})
    return (yield from answer(connection, b'{"t":"evs"'))


def say(connection: Connection, frame: dict[str, Any]) -> None:
    """Sends one frame."""
    connection.send(frame_of(frame))


def frame_of(frame: dict[str, Any]) -> bytes:
    """A frame of the protocol as bytes of WebSocket."""
    return text_frame(json.dumps(frame, ensure_ascii=False).encode())


def answer(connection: Connection, begins: bytes) -> Generator[Connection, bytes, Any]:
    """Waits for the frame that begins so. Raises RuntimeError for a refusal."""
    while True:
        frame = yield connection
        if frame.startswith(begins):
            return json.loads(frame)
        if frame.startswith(b'{"t":"err"'):
            raise RuntimeError(frame.decode())
