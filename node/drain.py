"""Leaving: tell each client to reconnect within a spread, wait for them, close the rest (1012)."""

from __future__ import annotations

import asyncio

from node.context import Context
from node.frames import RESTART, Drain, encode


async def drain(context: Context) -> None:
    """Asks every socket to go, and returns when they have, or the spread has passed."""
    spread_ms = context.settings.drain_spread_ms
    frame = encode(Drain(in_ms=spread_ms))
    for socket in list(context.sockets.values()):
        socket.outbox.push(frame)
    try:
        async with asyncio.timeout(spread_ms / 1000 + 0.2):
            while context.sockets:  # noqa: ASYNC110 - sockets leave one by one, by themselves
                await asyncio.sleep(0.05)
    except TimeoutError:
        for socket in list(context.sockets.values()):
            socket.outbox.close(RESTART, "the node is leaving")
        await asyncio.sleep(0.1)
