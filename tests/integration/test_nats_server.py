"""The server that everything stands on, as nats.conf configures it."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import nats as nats_py
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

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
    with socket.create_connection(("127.0.0.1", nats.port), timeout=30) as link, link.makefile("rwb") as lines:
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


async def test_doctor_may_ask_how_the_server_syncs_and_nothing_else(nats: NatsServer) -> None:
    """Its user sees neither the log nor who connects, and the log's own user doesn't see the server's inside."""
    question = "$SYS.REQ.SERVER.PING.JSZ"
    async with _connected(nats) as link:
        await link.jetstream().add_stream(name="KEPT", subjects=["kept"])
        with pytest.raises(NatsError):
            await link.request(question, b"{}", timeout=1)
    assert (nats.folder / "nats" / "jetstream" / "$G" / "streams" / "KEPT").is_dir(), "the account of older stores"
    refused: list[str] = []

    async def on_error(error: Exception) -> None:
        refused.append(str(error).lower())

    async with _connected(nats, "trunkline-doctor", on_error) as doctor:
        answer = json.loads((await doctor.request(question, b'{"config":true}', timeout=30)).data)
        assert answer["data"]["config"]["sync_interval"] == 10_000_000
        for subject in ("$SYS.>", "kept", ">"):
            await doctor.subscribe(subject)
        for subject in ("kept", "$JS.API.INFO", "$SYS.REQ.SERVER.PING.CONNZ"):
            await doctor.publish(subject, b"")
        await doctor.flush()
        async with asyncio.timeout(30):
            while len(refused) < 6:
                await asyncio.sleep(0.02)
    assert all("permissions violation" in each for each in refused)


@asynccontextmanager
async def _connected(
    nats: NatsServer, user: str = "", on_error: Callable[[Exception], Awaitable[None]] | None = None
) -> AsyncIterator[Client]:
    link = await nats_py.connect(nats.url, user=user or nats.user, password=nats.password, error_cb=on_error)
    yield link
    await link.close()
    # nats-py returns before uvloop has let go of the socket; a loop that is closed meanwhile complains.
    await asyncio.sleep(0.05)
