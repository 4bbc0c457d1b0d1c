"""Strangers and insiders who try to stop a node: python -m tests.faults.attacks NAME PORT SECONDS [KEY=VALUE ...].

A process of its own, so that what an attack costs its maker isn't measured with what it costs others. Each ends by
itself, keeps to loopback, and says at its end how often it did what it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from backbone.ids import new_event_id
from trunkline.client import Client, RefusedError

MIB = 1024 * 1024
SILENT = 1005


class Attack:
    """One attack: where to, until when (monotonic), what it knows, and what it did."""

    def __init__(self, port: int, seconds: float, known: dict[str, str]) -> None:
        self.port = port
        self.until = time.monotonic() + seconds
        self.known = known
        self.did: Counter[str] = Counter()

    @property
    def goes_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self.until

    async def ask(self, head: str, body: bytes = b"", *, hold_s: float = 0) -> int:
        """One request on a connection of its own; the answer's status, 0 if there is none. Reads slowly if told to."""
        line = b""
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=64 * 1024)
            try:
                writer.write(f"{head}\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
                for start in range(0, len(body), 256 * 1024):
                    writer.write(body[start : start + 256 * 1024])
                    await writer.drain()
                async with asyncio.timeout(max(5.0, hold_s)):
                    line = await reader.readline()
                    while hold_s and self.goes_on and await reader.read(64 * 1024):
                        await asyncio.sleep(0.05)
            finally:
                writer.close()
        return int(line.split()[1]) if line else 0


async def callbacks(attack: Attack) -> None:
    """A callback of 1 MiB with a header of 1 MB, again and again."""
    body, long = b"x" * MIB, "y" * 1_000_000
    while attack.goes_on:
        head = f"POST /hooks/{(attack.did.total() % 2 and 'api') or 'web'}/web HTTP/1.1\r\nContent-Length: {len(body)}"
        more = f"\r\nX-Long: {long}" if attack.did.total() % 3 else ""
        attack.did[f"status {await attack.ask(head + more, body)}"] += 1
        await asyncio.sleep(0.05)


async def mentions(attack: Attack) -> None:
    """Notes of an agent that mention 50 with long names."""
    client = Client([f"ws://127.0.0.1:{attack.port}/ws"], cookie=attack.known["cookie"])
    async with client.running():
        while attack.goes_on:
            names = [f"{n}-{attack.did.total()}".ljust(64, "x")[:64] for n in range(50)]
            try:
                await client.send("look", attack.known["conv"], note=True, mentions=names)
                attack.did["stored"] += 1
            except RefusedError as refused:
                attack.did[refused.code] += 1
            await asyncio.sleep(0.05)


async def texts(attack: Attack) -> None:
    """16 KiB on which a pattern with a square would take seconds, from a visitor, as fast as one may write."""
    runs = ("http://", "> " * 8, "<" * 16, "[(" * 8, " \t" * 8, "@." * 8, "&#x" * 5, "--\n" * 5)
    client = Client([f"ws://127.0.0.1:{attack.port}/ws"], token=attack.known["token"])
    async with client.running():
        conv = str((await client.send("hello"))["conv"])
        while attack.goes_on:
            run = runs[attack.did.total() % len(runs)]
            try:
                await client.send((run * (16_000 // len(run)))[:16_000] + "!", conv)
                attack.did["stored"] += 1
            except RefusedError as refused:
                attack.did[refused.code] += 1
            await asyncio.sleep(0.02)


async def downloads(attack: Attack) -> None:
    """Eight slow readers of a file of 20 MiB, always."""

    async def one() -> None:
        while attack.goes_on:
            status = await attack.ask(f"GET {attack.known['path']} HTTP/1.1", hold_s=attack.until - time.monotonic())
            attack.did[f"status {status}"] += 1

    await asyncio.gather(*(one() for _ in range(8)))


async def uploads(attack: Attack) -> None:
    """20 MiB of a new visitor each time, beside 25 that come slowly."""
    content, tokens = os.urandom(20 * MIB), attack.known["tokens"].split(",")

    def head(token: str) -> str:
        return (
            f"POST /api/v1/files?name=a.bin HTTP/1.1\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(content)}"
        )

    async def slow(token: str) -> None:
        with contextlib.suppress(OSError):
            _reader, writer = await asyncio.open_connection("127.0.0.1", attack.port)
            writer.write(f"{head(token)}\r\nHost: a\r\n\r\n".encode() + content[: 12 * MIB])
            while attack.goes_on:
                writer.write(b"x" * 2048)
                await asyncio.sleep(1)
            writer.close()

    async def fast() -> None:
        while attack.goes_on:
            attack.did[f"status {await attack.ask(head(tokens[attack.did.total() % len(tokens)]), content)}"] += 1

    await asyncio.gather(*(slow(tokens[n % len(tokens)]) for n in range(25)), fast(), fast())


async def silence(attack: Attack) -> None:
    """1,005 connections that say nothing, or half a request."""

    async def one(n: int) -> None:
        while attack.goes_on:
            with contextlib.suppress(OSError, TimeoutError):
                reader, writer = await asyncio.open_connection("127.0.0.1", attack.port)
                attack.did["connected"] += 1
                if n % 2:
                    writer.write(b"GET / HTTP/1.1\r\nHost: he")
                async with asyncio.timeout(max(0.1, attack.until - time.monotonic())):
                    await reader.read()
                writer.close()
                attack.did["closed"] += 1
            await asyncio.sleep(0.2)

    await asyncio.gather(*(one(n) for n in range(SILENT)))


async def guesses(attack: Attack) -> None:
    """A hundred guesses of a password at once, always."""

    async def one(n: int) -> None:
        while attack.goes_on:
            body = json.dumps({"email": attack.known["email"], "password": f"guess {n} {new_event_id()}"}).encode()
            head = (
                f"POST /api/v1/session HTTP/1.1\r\nOrigin: http://127.0.0.1:{attack.port}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            )
            attack.did[f"status {await attack.ask(head, body)}"] += 1
            await asyncio.sleep(0.5)

    await asyncio.gather(*(one(n) for n in range(100)))


ATTACKS: dict[str, Callable[[Attack], Awaitable[None]]] = {
    attack.__name__: attack for attack in (callbacks, mentions, texts, downloads, uploads, silence, guesses)
}


def main() -> None:
    """The command line."""
    name, port, seconds, *known = sys.argv[1:]
    attack = Attack(int(port), float(seconds), dict(pair.split("=", 1) for pair in known))
    asyncio.run(ATTACKS[name](attack))  # type: ignore[arg-type]  # each is a coroutine function
    sys.stdout.write(json.dumps(attack.did) + "\n")


if __name__ == "__main__":
    main()
