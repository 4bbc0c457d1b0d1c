"""What makes a platform's chat feel like one: the customer sees that somebody types and reads, the agent sees a name.

None of it is needed: it is done beside the messages, at most once each, and what a platform refuses is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from adapters.channels.kit import state
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import contacts
from backbone import events as ev
from backbone.accounts.accounts import Account
from backbone.channel import FaultError, Peer
from backbone.clock import utc_ms
from backbone.errors import TrunklineError
from backbone.ids import derived_event_id, key_hash
from backbone.nats import subjects

AT_ONCE: Final = 32
"""What comes while so many are under way is left out."""

TYPING_EVERY_S: Final = 4.0
"""A platform shows typing for five seconds or longer; agents' pages tell of it more often."""

_log = structlog.get_logger("channels.courtesies")


class Courtesies:
    """Those of one lane."""

    def __init__(self, room: Room, kits: Kits) -> None:
        self._room = room
        self._channel: Any = room.channel
        self._kits = kits
        self._tasks: set[asyncio.Task[None]] = set()
        self._typed: dict[str, float] = {}
        """When the platform was last told that an agent types, by conversation; the loop's clock."""

    async def stop(self) -> None:
        """Leaves what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def follow(self, account: Account, known: Conversation, event: ev.Event | ev.Envelope) -> None:
        """An event was stored just now."""
        if isinstance(event, ev.ReadMarked) and event.reader != "visitor" and hasattr(self._channel, "mark_read"):
            ref = next((ref for seq, ref in reversed(known.heard) if seq <= event.read), "")
            if ref:
                self._soon(lambda: self._channel.mark_read(ref, _peer(known), account.settings, self._kits.of(account)))
        if isinstance(event, ev.ConversationOpened) and _is_nameless(event) and hasattr(self._channel, "profile"):
            self._soon(lambda: self._introduce(account, known, event))

    def typing(self, account: Account, known: Conversation, *, is_typing: bool) -> None:
        """An agent types, or stopped."""
        conv, now = known.head.conv, asyncio.get_running_loop().time()
        told = self._typed.get(conv)
        if (told is not None and now - told < TYPING_EVERY_S) if is_typing else told is None:
            return
        self._typed = {one: at for one, at in self._typed.items() if now - at < TYPING_EVERY_S * 5 and one != conv}
        if is_typing:
            self._typed[conv] = now
        kit = self._kits.of(account)
        self._soon(lambda: self._channel.typing(_peer(known), account.settings, kit, is_typing=is_typing))

    async def _introduce(self, account: Account, known: Conversation, event: ev.ConversationOpened) -> None:
        """Asks the platform who the customer is; their name is shown, and what it vouches for makes them one person."""
        peer: Peer = await self._channel.profile(_peer(known), account.settings, self._kits.of(account))
        vouched = {kind: value for kind, value in peer.alias.items() if kind in peer.verified and value}
        if not peer.name and not vouched:
            return
        await contacts.link_aliases(self._room.link, account.tenant, event.contact, vouched, peer.name)
        linked = ev.ContactLinked(
            id=derived_event_id(event.id, "linked"),
            tenant=event.tenant,
            channel=event.channel,
            conv=event.conv,
            at=utc_ms(),
            by=ev.Actor("provider", self._room.channel.name),
            contact=event.contact,
            name=peer.name,
            identities={kind: key_hash(value) for kind, value in vouched.items()},
        )
        await self._room.log.publish(subjects.chat(event.tenant, event.channel, event.conv), linked)

    def _soon(self, do: Callable[[], Awaitable[None]]) -> None:
        if len(self._tasks) < AT_ONCE:
            task = asyncio.create_task(_quietly(do))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _quietly(do: Callable[[], Awaitable[None]]) -> None:
    try:
        await do()
    except FaultError as refused:
        _log.info("courtesy.refused", reason=str(refused)[:300])
    except TrunklineError as error:
        _log.warning("courtesy.failed", error=str(error))


def _is_nameless(event: ev.ConversationOpened) -> bool:
    return event.by.kind == "visitor" and not event.contact_name


def _peer(known: Conversation) -> Peer:
    return Peer(state.peer_of(known), known.head.contact.name)
