"""A bounded queue of frames to one client. Full: the socket is closed with 4408 and resumes; nothing is
ever dropped in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from node.frames import TOO_SLOW

type_of_send = Callable[[str], Awaitable[None]]


class Outbox:
    """Frames in order; `run` writes them. `close` ends it after what is queued, with a code."""

    __slots__ = ("_bytes", "_frames", "_most_bytes", "_wake", "close_code", "close_reason", "high_water")

    def __init__(self, most_bytes: int) -> None:
        self._frames: list[str] = []
        self._bytes = 0
        self._most_bytes = most_bytes
        self._wake = asyncio.Event()
        self.close_code = 0
        self.close_reason = ""
        self.high_water = 0

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is taken."""
        return self.close_code != 0

    def push(self, frame: str) -> None:
        """Queues a frame; over the bound everything queued is dropped and the socket closed as too slow."""
        if self.close_code:
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        if self._bytes > self.high_water:
            self.high_water = self._bytes
            if self._bytes > self._most_bytes:
                self._frames.clear()
                self.close(TOO_SLOW, "too slow a reader; resume with your watermark")
                return
        if not self._wake.is_set():
            self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """Ends the outbox once what is queued has been written; the first code stands."""
        if not self.close_code:
            self.close_code = code
            self.close_reason = reason
        self._wake.set()

    async def run(self, send: type_of_send) -> None:
        """Writes until closed; returns when the close code should go out."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._frames:
                burst, self._frames = self._frames, []
                for frame in burst:
                    await send(frame)
                    self._bytes -= len(frame)
            if self.close_code:
                return
