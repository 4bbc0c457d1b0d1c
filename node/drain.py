"""Leaving: take nobody new, tell each client to reconnect within a spread, wait for them, close the rest (1012)."""

from __future__ import annotations

import asyncio
from typing import Final

from backbone.serving.http import Serving
from node.context import Context
from node.protocol.frames import RESTART, Drain, encode

FAREWELL_S: Final = 1.0
"""Time for the presence keys of agents to be deleted; what is left ends by its time to live."""

LINGER_S: Final = 1.0
"""How long requests are answered on connections that were taken before."""


async def drain(context: Context, serving: Serving) -> None:
    """Asks every socket to go, and returns when they have, or the spread has passed.

    Until they go they are served: a client loses no more than the moment of its move.
    """
    lingering = asyncio.create_task(serving.leave(LINGER_S))
    spread_ms = context.settings.drain_spread_ms
    frame = encode(Drain(in_ms=spread_ms))
    for socket in list(context.sockets.values()):
        socket.push(frame)
    try:
        async with asyncio.timeout(spread_ms / 1000 + 0.2):
            while context.sockets:  # noqa: ASYNC110 - sockets leave one by one, by themselves
                await asyncio.sleep(0.05)
    except TimeoutError:
        for socket in list(context.sockets.values()):
            socket.close(RESTART, "the node is leaving")
        await asyncio.sleep(0.1)
    if context.farewells:
        await asyncio.wait(context.farewells, timeout=FAREWELL_S)
    await lingering
