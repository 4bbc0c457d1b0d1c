"""A node of the prototype: `python -m tests.bench.baseline.node PORT` with the address of NATS in the environment.

Frames as the product's: `send` and `sub` in; `ok`, `evs` and `ev` out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec
import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.bench.baseline.link import ThinLink

UNACKNOWLEDGED_MOST: Final = 4096
FULL_WAIT_S: Final = 0.002
PENDING_BYTES: Final = 64 * 1024 * 1024
SEQUENCES: Final = re.compile(rb"Nats-Sequence: (\d+)\r\n(?:.*\r\n)*?Nats-Last-Sequence: (\d+)\r\n")
SEQ_IN_ACK: Final = re.compile(rb'"seq":(\d+)')

Push = Callable[[str], None]


class Send(Struct, tag_field="t", tag="send"):
    """A message."""

    id: str
    conv: str
    text: str


class Sub(Struct, tag_field="t", tag="sub"):
    """Show me this conversation."""

    conv: str


class By(Struct):
    kind: str
    id: str


class Event(Struct, tag_field="type", tag="message.added"):
    """What is stored: an envelope as large as the product's."""

    id: str
    v: int
    tenant: str
    channel: str
    conv: str
    at: int
    by: By
    text: str
    kind: str = "text"


VISITOR: Final = By("visitor", "c" + "a" * 26)
decode = msgspec.json.Decoder(Send | Sub).decode
encode = msgspec.json.Encoder().encode


class Node:
    """One link to NATS, the acknowledgements that are awaited, and who views what."""

    def __init__(self) -> None:
        self._link = ThinLink()
        self._inbox = b"_B.%b." % os.urandom(4).hex().encode()
        self._waiting: dict[bytes, PushOk] = {}
        self._viewers: dict[bytes, list[Push]] = {}
        self._number = 0

    async def open(self) -> None:
        """Connects."""
        environment = os.environ
        await self._link.connect(
            environment["TRUNKLINE_NATS_URL"],
            user=environment["TRUNKLINE_NATS_USER"],
            password=environment["TRUNKLINE_NATS_PASSWORD"],
            pending_size=PENDING_BYTES,
        )
        self._link.listen(self._inbox + b"*", self._acknowledged)

    async def serve(self, websocket: WebSocket) -> None:
        """One socket, until it leaves. ASGI's own calls: Starlette's checks of each message aren't part of the core."""
        await websocket.accept()
        waiting: list[str] = []
        wake = asyncio.Event()

        def push(frame: str) -> None:
            waiting.append(frame)
            wake.set()

        writer = asyncio.create_task(_write(websocket, waiting, wake))
        try:
            while True:
                message = await websocket._receive()
                if message["type"] != "websocket.receive":
                    return
                frame = decode(message["text"])
                if isinstance(frame, Send):
                    await self._publish(frame, push)
                else:
                    self._attach(frame.conv.encode(), push)
        finally:
            writer.cancel()

    async def _publish(self, frame: Send, push: Push) -> None:
        while len(self._waiting) > UNACKNOWLEDGED_MOST:
            await asyncio.sleep(FULL_WAIT_S)
        self._number += 1
        key = b"%d" % self._number
        self._waiting[key] = (push, frame.id)
        at = time.time_ns() // 1_000_000
        body = encode(Event(frame.id, 1, "main", "web", frame.conv, at, VISITOR, frame.text))
        header = b"NATS/1.0\r\nNats-Msg-Id: %b\r\n\r\n" % frame.id.encode()
        conv = frame.conv.encode()
        self._link.put(
            b"HPUB chat.%b.main.web.%b %b%b %d %d\r\n%b%b\r\n"
            % (conv[:2], conv, self._inbox, key, len(header), len(header) + len(body), header, body)
        )

    def _acknowledged(self, subject: bytes, _header: bytes, data: bytes) -> None:
        push, frame_id = self._waiting.pop(subject[len(self._inbox) :])
        found = SEQ_IN_ACK.search(data)
        if found:
            push(f'{{"t":"ok","id":"{frame_id}","seq":{found[1].decode()}}}')

    def _attach(self, conv: bytes, push: Push) -> None:
        viewers = self._viewers.get(conv)
        if viewers is None:
            viewers = self._viewers[conv] = []
            self._link.listen(b"live.%b.main.web.%b" % (conv[:2], conv), self._pushed)
        viewers.append(push)
        push('{"t":"evs"}')

    def _pushed(self, subject: bytes, header: bytes, data: bytes) -> None:
        conv = subject[subject.rindex(b".") + 1 :]
        found = SEQUENCES.search(header)
        assert found is not None
        frame = b'{"t":"ev","conv":"%b","seq":%b,"prev":%b,"event":%b}' % (conv, found[1], found[2], data)
        text = frame.decode()
        for push in self._viewers[conv]:
            push(text)


PushOk = tuple[Push, str]


async def _write(websocket: WebSocket, waiting: list[str], wake: asyncio.Event) -> None:
    while True:
        await wake.wait()
        wake.clear()
        while waiting:
            burst = waiting[:]
            waiting.clear()
            for frame in burst:
                await websocket._send({"type": "websocket.send", "text": frame})


def main() -> None:
    """Serves until it is ended."""
    node = Node()

    @contextlib.asynccontextmanager
    async def life(_app: Starlette) -> AsyncIterator[None]:
        await node.open()
        yield

    async def ready(_request: object) -> Response:
        return Response("{}", media_type="application/json")

    uvicorn.run(
        Starlette(routes=[WebSocketRoute("/ws", node.serve), Route("/readyz", ready)], lifespan=life),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="warning",
        access_log=False,
        backlog=4096,
    )


if __name__ == "__main__":
    main()
