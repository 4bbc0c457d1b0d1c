"""Any request to any route, by anybody, of any size up to the limits: never a 500, and the node is ready behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from node import app
from node.rest import table
from tests.bench.memory import rss_kb
from tests.harness.processes import PLAIN, Process
from tests.harness.system import INBOX, LIN, System
from trunkline import rest

AT_ONCE: Final = 8
ROUTES: Final = [
    *(route.path for route in table.ROUTES),
    *re.findall(r'Route\(\s*"([^"]+)"', Path(app.__file__).read_text()),
    "/healthz",
    "/readyz",
    "/metrics",
]
"""Every path that the node serves, as its tables have it."""

METHODS: Final = ("GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "NONSENSE")
SIZES: Final = tuple(2**n for n in range(21))
"""Up to a MiB, each twice the one before."""

PIECES: Final = (
    "",
    "0",
    "-1",
    "00000000000000000001",
    "9" * 5000,
    "1e400",
    "..",
    "%2e%2e%2f",
    "%00",
    "%ff",
    "a.b",
    "*",
    ">",
    "$KV.directory.>",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "小王",
    "\u202e",
    "web",
    "main",
    "lin",
    "00" + "a" * 26,
    "00000000-0000-4000-8000-000000000000",
    "null",
    "[]",
    "{}",
)
FAULTS: Final = ("was never retrieved", "request.crashed", "task.failed", "Traceback")


class Fuzz:
    """Makes requests by chance."""

    def __init__(self, chance: random.Random, node: Process, token: str, cookie: str) -> None:
        self._chance = chance
        self._node = node
        self._who = ("", f"Authorization: Bearer {token}\r\n", f"Cookie: {cookie}\r\n")

    def next(self) -> bytes:
        """The next request, as bytes."""
        chance = self._chance
        path = "/".join(
            self._piece() if part.startswith("{") or chance.random() < 0.02 else part
            for part in chance.choice(ROUTES).split("/")
        )
        query = "&".join(
            f"{chance.choice(('limit', 'after', 'before', 'view', 'q', 'tz', 'name', 'remote', 'x'))}={self._piece()}"
            for _ in range(chance.choice((0, 0, 1, 2, 40)))
        )
        body = self._body()
        lines = [f"{chance.choice(METHODS)} {_printable(path)}{'?' if query else ''}{_printable(query)} HTTP/1.1"]
        lines.append(f"Host: 127.0.0.1:{self._node.port}")
        if chance.random() < 0.8:
            lines.append(f"Origin: {self._node.http}")
        if chance.random() < 0.8:
            lines.append("Content-Type: application/json")
        more = chance.choice((0, 0, 0, 1, 5, 120))
        lines += [f"X-{chance.randrange(200)}: {_printable(self._piece())[:3000]}" for _ in range(more)]
        lines.append(f"Content-Length: {len(body) if chance.random() < 0.98 else chance.choice(('x', '-1', 10**12))}")
        head = "\r\n".join(lines) + "\r\n" + self._chance.choice(self._who)
        return head.encode("utf-8", "replace") + b"\r\n" + body

    def _piece(self) -> str:
        chance = self._chance
        return chance.choice(PIECES) if chance.random() < 0.9 else "a" * chance.choice(SIZES[:13])

    def _body(self) -> bytes:
        chance = self._chance
        kind = chance.random()
        if kind < 0.3:
            return b""
        if kind < 0.4:
            return chance.randbytes(chance.choice(SIZES))
        if kind < 0.5:
            return b"[" * chance.choice(SIZES[:18])
        return json.dumps(self._value(3)).encode()

    def _value(self, depth: int) -> Any:
        chance = self._chance
        if depth and chance.random() < 0.6:
            names = ("id", "inbox", "token", "email", "password", "name", "channel", "settings", "text", "revision")
            return {chance.choice(names): self._value(depth - 1) for _ in range(chance.randrange(6))}
        if depth and chance.random() < 0.2:
            return [self._value(depth - 1) for _ in range(chance.randrange(5))]
        return chance.choice(
            (None, True, 0, -1, 2**63, 1e308, "\ud800", self._piece(), "x" * chance.choice(SIZES[:18]))
        )


def _printable(text: str) -> str:
    """What may stand in a line of a head; the rest by percent."""
    return "".join(c if 0x21 <= ord(c) < 0x7F else f"%{ord(c) % 256:02x}" for c in text)


@pytest.mark.timeout(120)
def test_some_hundred_requests(tmp_path: Path) -> None:
    _ask_nonsense(tmp_path, 4.0, 20261128)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_minute_of_requests(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
    _ask_nonsense(tmp_path, 60.0, seed)


def _ask_nonsense(folder: Path, seconds: float, seed: int) -> None:
    system = System(folder)
    system.module = PLAIN
    system.more = {"TRUNKLINE_NODE_VISITORS_RATE": "60000", "TRUNKLINE_NODE_ACTOR_REQUESTS": "600000"}
    try:
        system.start(nodes=1, adapters=("routing",))
        system.add_agents(LIN)
        node = system.nodes[0]
        answered, peak = asyncio.run(_all(system, seconds, seed))
        said = [line for line in node.log.read_text(errors="replace").splitlines() if any(w in line for w in FAULTS)]
        sys.stderr.write(f"\nSEED={seed}: {dict(sorted(answered.items()))}, memory at most {peak / 1024:.0f} MiB\n")
        assert node.process is not None
        assert node.process.poll() is None
        assert node.ready()[0] == 200
        assert said == []
        assert not answered[500]
        assert answered.total() > 100
        assert {200, 401, 404, 422} <= set(answered), "hardly anything was asked that a route looks at"
    finally:
        system.end()


async def _all(system: System, seconds: float, seed: int) -> tuple[Counter[int], int]:
    node = system.nodes[0]
    token, _ = await asyncio.to_thread(rest.become_visitor, node.http, INBOX)
    cookie = (await asyncio.to_thread(rest.sign_in, node.http, LIN.email, LIN.password)).cookie
    answered: Counter[int] = Counter()
    until, peak = time.monotonic() + seconds, 0

    async def one(n: int) -> None:
        nonlocal peak
        fuzz = Fuzz(random.Random(f"{seed}.{n}"), node, token, cookie)
        while time.monotonic() < until:
            answered[await _ask(node, fuzz.next())] += 1
            peak = max(peak, rss_kb(node.pid))

    await asyncio.gather(*(one(n) for n in range(AT_ONCE)))
    return answered, peak


async def _ask(node: Process, sent: bytes) -> int:
    """The status; 0 where the node closed the connection first, which it may for what isn't HTTP."""
    line = b""
    with contextlib.suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        try:
            writer.write(sent)
            writer.write_eof()
            async with asyncio.timeout(20):
                line = await reader.readline()
        finally:
            writer.close()
    return int(line.split()[1]) if line.startswith(b"HTTP/") else 0
