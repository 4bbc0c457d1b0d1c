"""Asked of a channel: a callback of its platform, handed over by the node that it came to."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from backbone.nats.rpc import Ask


class Hook(Struct, kw_only=True):
    """A callback as a node hands it over."""

    inbox: str
    method: str
    path: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""


class HookReply(Struct, kw_only=True):
    """What the node answers."""

    status: int
    body: bytes
    content_type: str


HOOK: Final = Ask("hook", Hook, HookReply)
