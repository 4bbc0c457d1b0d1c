"""What became of our messages, written into the log: part by part, once each, and what receipts tell meanwhile."""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final, NamedTuple

from msgspec import structs

from adapters.channels.kit import state
from adapters.channels.kit.outgoing.parts import Part
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import contacts
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account
from backbone.accounts.stores import Early, Ref
from backbone.channel import Peer
from backbone.clock import utc_ms
from backbone.decide import parse_tolerant
from backbone.errors import TrunklineError
from backbone.ids import derived_event_id
from backbone.nats import subjects

RECORD_TRIES: Final = 8
LOOK_S: Final = 0.5


class Try(NamedTuple):
    """One part on its way."""

    account: Account
    known: Conversation
    event: ev.MessageAdded
    part: Part
    number: int
    parts: int
    tried: int = 0
    """How often before the conversation was parked."""


class Outcomes:
    """Writes them, for all accounts of one channel."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._bucket = stores.channels(room.link)

    async def record(
        self, one: Try, outcome: Any, *, provider: str = "", code: str = "", text: str = "", is_final: bool = True
    ) -> None:
        """Writes an outcome, again for a while if the log is away; the same one twice is stored once."""
        known, event = one.known, one.event
        updated = ev.DeliveryUpdated(
            id=derived_event_id(event.id, f"delivery.{one.number}.{outcome}.{code}"),
            tenant=known.head.tenant,
            channel=known.head.channel,
            conv=known.head.conv,
            at=utc_ms(),
            by=ev.Actor("provider", self._room.channel.name),
            target=event.id,
            part=one.number,
            parts=one.parts,
            state=outcome,
            provider=provider,
            error=ev.ProviderError(code=code, text=text[:500], final=is_final) if code else None,
        )
        for attempt in range(RECORD_TRIES):
            try:
                await self._room.log.publish(self._subject(known), updated)
                break
            except TrunklineError:
                if attempt == RECORD_TRIES - 1:
                    raise
                await asyncio.sleep(random.uniform(0.1, min(5.0, 0.2 * 2**attempt)))  # noqa: S311 - jitter
        state.note(known, updated)

    async def not_changed(self, known: Conversation, change: ev.MessageEdited | ev.MessageRecalled, why: str) -> None:
        """The customer still has a message as it was: told of the change itself, once, with the reason in words."""
        updated = ev.DeliveryUpdated(
            id=derived_event_id(change.id, "refused"),
            tenant=known.head.tenant,
            channel=known.head.channel,
            conv=known.head.conv,
            at=utc_ms(),
            by=ev.Actor("provider", self._room.channel.name),
            target=change.id,
            state="failed",
            error=ev.ProviderError(code="channel.not_changed", text=why[:500], final=True),
        )
        await self._room.log.publish(self._subject(known), updated)

    async def gave_up(self, known: Conversation, refusal: ev.DeliveryUpdated) -> None:
        """A message that the platform took and refused too often has failed."""
        failed = structs.replace(
            refusal,
            id=derived_event_id(refusal.target, f"delivery.{refusal.part}.failed.channel.gave_up"),
            at=utc_ms(),
            by=ev.Actor("provider", self._room.channel.name),
            provider="",
            error=ev.ProviderError(
                code="channel.gave_up", text=refusal.error.text if refusal.error else "", final=True
            ),
        )
        await self._room.log.publish(self._subject(known), failed)
        state.note(known, failed)

    async def followed(self, one: Try, to: str) -> None:
        """The customer is called `to` by now: told in the conversation, and whoever writes under it is the same."""
        head, old = one.known.head, state.peer_of(one.known)
        await contacts.identify(self._room.link, head.tenant, head.inbox, to, {}, (old,))
        moved = ev.MessageAdded(
            id=derived_event_id(head.conv, f"moved.{to}"),
            tenant=head.tenant,
            channel=head.channel,
            conv=head.conv,
            at=utc_ms(),
            by=ev.Actor("visitor", head.contact.id, head.contact.name),
            kind="event",
            text="moved",
            provider=ev.Provider(id=f"moved:{to}", context=state.moved_to(Peer(to))),
            data={"from": old, "to": to},
        )
        await self._room.log.publish(self._subject(one.known), moved)
        one.known.context = {**one.known.context, **state.moved_to(Peer(to))}

    async def is_told(self, one: Try) -> bool:
        """Whether the log comes to hold an outcome of the part; waits where the provider may send one."""
        subject = self._subject(one.known)
        deadline = asyncio.get_running_loop().time() + (self._room.settings.settle_s if self.has_receipts() else 0)
        while True:
            for each in await self._room.log.replay_all(subject, one.known.seq, 10_000):
                event = parse_tolerant(each.raw)
                if isinstance(event, ev.DeliveryUpdated):
                    state.note(one.known, event)
            if state.part_is_settled(one.known, one.event.id, one.number):
                return True
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(LOOK_S)

    async def point(self, one: Try, ref: str) -> None:
        """A receipt that names `ref` means this part."""
        record = Ref(conv=one.known.head.conv, event=one.event.id, part=one.number, parts=one.parts)
        await self._bucket.put(stores.ref_key(one.account.tenant, one.account.id, ref), record, stores.REF_LIFE_S)

    async def late_receipt(self, one: Try, ref: str) -> None:
        """A receipt may have come before its id was known here."""
        kept = await self._bucket.get(stores.early_key(one.account.tenant, one.account.id, ref))
        if kept and isinstance(kept.value, Early):
            await self.record(
                one,
                kept.value.status,
                provider=ref,
                code=kept.value.code,
                text=kept.value.reason,
                is_final=kept.value.final,
            )

    def has_receipts(self) -> bool:
        """Whether the provider tells of our messages by itself."""
        caps = self._room.channel.caps
        return caps.echoes or bool(caps.receipts)

    def _subject(self, known: Conversation) -> str:
        head = known.head
        return subjects.chat(head.tenant, head.channel, head.conv)
