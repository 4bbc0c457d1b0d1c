"""One client's view of one conversation."""

from __future__ import annotations

from typing import Final, Protocol

from backbone.access import EVERYTHING, Scope
from node.protocol import frames as f
from node.rooms.room import Room

BUFFERED_MOST: Final = 1024 * 1024
"""Bytes of live events of one conversation that wait for the end of its replay."""


class Client(Protocol):
    """Where what a view passes on goes."""

    id: str

    def push(self, frame: bytes) -> None:
        """Sends a frame that is ready to be sent."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Ends the connection."""
        ...


class View:
    """One client's view of one conversation: buffers while replaying, then passes on what follows."""

    __slots__ = ("_buffer", "_client", "_held", "is_visitor", "room", "scope", "seq", "session")

    def __init__(self, client: Client, room: Room, *, is_visitor: bool, scope: Scope = EVERYTHING) -> None:
        self.session = client.id
        self.is_visitor = is_visitor
        self.scope = scope
        self.room = room
        self.seq = 0
        self._buffer: list[tuple[int, bytes]] | None = None
        self._held = 0
        self._client = client

    def push(self, frame: bytes, seq: int) -> None:
        """An event of the conversation, in order."""
        if self._buffer is not None:
            self._buffer.append((seq, frame))
            self._held += len(frame)
            if self._held > BUFFERED_MOST:
                self._client.close(f.TOO_SLOW, "too much came in during a replay; resume with your watermark")
        elif seq > self.seq:
            self.seq = seq
            self._client.push(frame)

    def push_signal(self, frame: bytes) -> None:
        """Something unstored; worth nothing later."""
        if self._buffer is None:
            self._client.push(frame)

    def begin_again(self, frame: bytes) -> None:
        """Tells the client to forget the conversation and to `sub` anew."""
        self.room.viewers.discard(self)
        self._client.push(frame)

    def begin(self) -> None:
        """A replay starts: hold what comes live."""
        self._buffer = []
        self._held = 0

    def release(self, upto: int) -> None:
        """The replay was sent up to `upto`: pass on what came meanwhile and go live."""
        self.seq = upto
        held, self._buffer = self._buffer, None
        for seq, frame in held or ():
            self.push(frame, seq)
