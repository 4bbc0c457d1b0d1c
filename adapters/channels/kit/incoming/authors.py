"""Names of who wrote in a group, where the platform tells only their ids."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final, NamedTuple

import structlog

from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone.accounts.accounts import Account
from backbone.channel import FaultError, Peer
from backbone.errors import TrunklineError
from backbone.events import Data

WITHIN_S: Final = 0.5
"""A callback waits so long for a name; the message is stored without it, and a later one has it."""

HURRY_S: Final = 10.0
"""Once a name didn't come in time, none is waited for: a callback with ten authors must be answered too."""

AT_ONCE: Final = 32

NAME_LIFE_S: Final = 86_400.0
FAILED_LIFE_S: Final = 60.0
KEPT: Final = 20_000

_log = structlog.get_logger("channels.authors")

Key = tuple[str, str, str]
"""Account, group and member, by their ids."""


class _Known(NamedTuple):
    name: str
    until: float


class Authors:
    """For all accounts of one channel."""

    def __init__(self, room: Room, kits: Kits) -> None:
        self._channel: Any = room.channel
        self._kits = kits
        self._known: OrderedDict[Key, _Known] = OrderedDict()
        self._asked: dict[Key, asyncio.Task[None]] = {}
        self._hurry: dict[str, float] = {}
        """Until when nothing is waited for, by account; the loop's clock."""

    async def named(self, account: Account, peer: Peer, data: Data) -> Data:
        """`data` with the name of its `author_id`, if it has one and the platform tells it in time."""
        author = data.get("author_id")
        if not author or data.get("author") or not hasattr(self._channel, "author"):
            return data
        name = await self._name(account, peer, str(author))
        return {**data, "author": name} if name else data

    async def _name(self, account: Account, peer: Peer, author: str) -> str:
        key, now = (account.id, peer.id, author), asyncio.get_running_loop().time()
        known = self._known.get(key)
        if known and now < known.until:
            return known.name
        if key not in self._asked and len(self._asked) < AT_ONCE:
            self._asked[key] = asyncio.create_task(self._ask(account, peer, author, key))
        if (task := self._asked.get(key)) and now >= self._hurry.get(account.id, 0):
            await asyncio.wait({task}, timeout=WITHIN_S)
            if not task.done():
                self._hurry[account.id] = now + HURRY_S
        known = self._known.get(key)
        return known.name if known else ""

    async def _ask(self, account: Account, peer: Peer, author: str, key: Key) -> None:
        name = ""
        try:
            name = await self._channel.author(peer, author, account.settings, self._kits.of(account))
        except (FaultError, TrunklineError) as error:
            _log.info("author.unknown", inbox=account.id, error=str(error)[:300])
        finally:
            self._asked.pop(key, None)
            until = asyncio.get_running_loop().time() + (NAME_LIFE_S if name else FAILED_LIFE_S)
            self._known[key] = _Known(name, until)
            self._known.move_to_end(key)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
