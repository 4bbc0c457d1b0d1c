"""A company's system for channel `api` that costs little: the simulator's own rules behind raw HTTP.

Signatures are checked and each id is taken once, as `tests/simulators/api` does; only the framework is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlsplit

from backbone.channel import Request
from tests.simulators.api import ApiSimulator, signature

CONNECTIONS = 64
"""To the node at once, each with one request on its way."""


class Company(ApiSimulator):
    """One account's system; `at` is when each text was taken (the monotonic clock)."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}
        self.is_refused = False

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Company]:
        """Answers on loopback for as long as the block lasts."""
        server = await asyncio.get_running_loop().create_server(lambda: _Answering(self), "127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    def answer(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body for one message of ours."""
        self.calls += 1
        if self.is_refused:
            return 410, b"{}"
        message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        if signature(self.secret, message_id, timestamp, body) not in headers["webhook-signature"].split():
            return 401, b"{}"
        said = json.loads(body)
        self.at.setdefault(said["text"], time.monotonic())
        return 200, bytes(self._take(message_id, said).body)


class _Answering(asyncio.Protocol):
    """One connection of the adapter's."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            headers = _headers(self._got[:end])
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._got) < whole:
                return
            status, answer = self._company.answer(headers, self._got[end + 4 : whole])
            self._got = self._got[whole:]
            head = f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(answer)}\r\n\r\n"
            self._transport.write(head.encode() + answer)


async def post_all(hook: str, lanes: Sequence[Sequence[Request]]) -> int:
    """Posts callbacks to a node: each lane's in order, lanes side by side. Returns how many weren't answered 2xx."""
    waiting = list(reversed(lanes))
    refused = await asyncio.gather(*(_post(hook, waiting) for _ in range(min(CONNECTIONS, len(lanes)))))
    return sum(refused)


async def _post(hook: str, waiting: list[Sequence[Request]]) -> int:
    where = urlsplit(hook)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    refused = 0
    try:
        while waiting:
            for request in waiting.pop():
                head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
                writer.write(
                    f"POST {where.path} HTTP/1.1\r\nhost: {where.netloc}\r\ncontent-length: {len(request.body)}\r\n"
                    f"{head}\r\n".encode()
                    + request.body
                )
                answered = await reader.readuntil(b"\r\n\r\n")
                length = int(_headers(answered[:-4]).get("content-length", "0"))
                await reader.readexactly(length)
                refused += not 200 <= int(answered[9:12]) < 300
    finally:
        writer.close()
    return refused


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.split(":", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, value in pairs}
