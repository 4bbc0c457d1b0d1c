"""Leaving: tell each client to reconnect within a spread, wait for them, close the rest (1012)."""

from __future__ import annotations

import asyncio

from node.context import Context
from node.frames import RESTART, Drain, encode

FAREWELL_S = 1.0
"""Time for the presence keys of agents to be deleted; what is left ends by its time to live."""


async def drain(context: Context) -> None:
    """Asks every socket to go, and returns when they have, or the spread has passed."""
    spread_ms = context.settings.drain_spread_ms
    frame = encode(Drain(in_ms=spread_ms))
    for socket in list(context.sockets.values()):
        socket.connection.push(frame)
    try:
        async with asyncio.timeout(spread_ms / 1000 + 0.2):
            while context.sockets:  # noqa: ASYNC110 - sockets leave one by one, by themselves
                await asyncio.sleep(0.05)
    except TimeoutError:
        for socket in list(context.sockets.values()):
            socket.connection.close(RESTART, "the node is leaving")
        await asyncio.sleep(0.1)
    if context.farewells:
        await asyncio.wait(context.farewells, timeout=FAREWELL_S)
