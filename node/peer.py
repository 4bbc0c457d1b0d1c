"""A client that is connected, as commands, rooms and the node's tending know it: what it can be told and asked."""

from __future__ import annotations

from typing import Protocol

from backbone.access import Who
from node.rooms.view import View


class Peer(Protocol):
    """`node.socket.Socket` is the only one; its protocol is nobody else's concern."""

    id: str
    views: dict[str, View]

    @property
    def who(self) -> Who | None:
        """Who it is, once `hello` was accepted."""
        ...

    @property
    def conversations(self) -> set[str]:
        """Those that it is attached to, by id."""
        ...

    def is_of(self, tenant: str, actor: str) -> bool:
        """Whether it is one of this agent or contact."""
        ...

    def push(self, frame: bytes) -> None:
        """Sends a frame that is ready to be sent."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Ends the connection."""
        ...

    def check_silence(self, now: float, hello_s: float, silent_s: float) -> None:
        """Closes one that never said hello, or nothing for too long; `now`: monotonic."""
        ...

    def check_proof(self, wall: float) -> None:
        """Closes one whose session, or token, has come to its end; `wall`: Unix seconds."""
        ...

    async def prove_again(self) -> None:
        """The agent's record or session changed: goes on as what they are now, or is closed."""
        ...

    async def say_here(self) -> None:
        """Keeps the presence key of an agent alive."""
        ...
