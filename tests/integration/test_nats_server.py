"""The server that everything stands on, as nats.conf configures it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats as nats_py
from nats.aio.client import Client

from tests.harness.nats import NatsServer


def test_large_requests_pass_and_strangers_do_not(nats: NatsServer) -> None:
    """`max_payload` lets a provider's callback through; without the password nobody is let in."""
    info, answer = _greeting(nats, nats.password)
    assert info["max_payload"] == 2 * 1024 * 1024
    assert answer == "PONG"
    _, answer = _greeting(nats, "wrong")
    assert answer == "-ERR 'Authorization Violation'"


def _greeting(nats: NatsServer, password: str) -> tuple[dict[str, Any], str]:
    """What the server says of itself, and its answer to who we say we are."""
    with socket.create_connection(("127.0.0.1", nats.port), timeout=5) as link, link.makefile("rwb") as lines:
        info = json.loads(lines.readline().removeprefix(b"INFO "))
        me = {"user": nats.user, "pass": password, "verbose": False, "pedantic": False}
        lines.write(b"CONNECT " + json.dumps(me).encode() + b"\r\nPING\r\n")
        lines.flush()
        return info, lines.readline().decode().strip()


async def test_a_killed_server_comes_back_with_what_it_had_acknowledged(nats: NatsServer) -> None:
    """`kill -9` loses no acknowledged message, and the port stays."""
    async with _connected(nats) as link:
        await link.jetstream().add_stream(name="KEPT", subjects=["kept"])
        ack = await link.jetstream().publish("kept", "你好".encode())
    port = nats.port
    nats.kill()
    nats.start()
    assert nats.port == port
    async with _connected(nats) as link:
        assert (await link.jetstream().get_msg("KEPT", ack.seq)).data == "你好".encode()


@asynccontextmanager
async def _connected(nats: NatsServer) -> AsyncIterator[Client]:
    link = await nats_py.connect(nats.url, user=nats.user, password=nats.password)
    yield link
    await link.close()
    # nats-py returns before uvloop has let go of the socket; a loop that is closed meanwhile complains.
    await asyncio.sleep(0.05)
