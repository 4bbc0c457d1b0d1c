"""What comes in from a provider becomes events: each once, whatever is delivered again, in its conversation.

The provider's id is claimed in `seen` before a message is published: who finds a claim looks whether the message is
in the log after the place that the claim names, and publishes it only if it isn't.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec
import prometheus_client
from msgspec import Struct, structs

from adapters.channels.kit.incoming.authors import Authors
from adapters.channels.kit.incoming.inbound_files import InboundFiles
from adapters.channels.kit.incoming.receipts import Receipts
from adapters.channels.kit.incoming.records import Records
from adapters.channels.kit.incoming.signals import Signals
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone import events as ev
from backbone import opening
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Seen
from backbone.acks import WrongSequenceError
from backbone.channel import Event, Message, Pull, Receipt, Signal
from backbone.clock import utc_ms
from backbone.events.data import bounded
from backbone.ids import provider_event_id
from backbone.locks import NamedLocks
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError
from backbone.opening import Placed

PLACES_KEPT: Final = 50_000

_received = prometheus_client.Counter(
    "trunkline_channel_received_total", "What providers delivered, by kind.", ["channel", "inbox", "kind"]
)


class Bell(Struct):
    """The provider says that something is there to be fetched."""

    stream: str
    hint: str = ""


class Receiver:
    """Stores what comes in, for all accounts of one channel."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits) -> None:
        self._room = room
        self._accounts = accounts
        self._records = Records(room)
        self._files = InboundFiles(room)
        self._authors = Authors(room, kits)
        self._receipts = Receipts(room, accounts, self._records)
        self._signals = Signals(room, accounts, kits, self._records, self._files, self._authors)
        self._seen = stores.seen(room.link)
        self._places: OrderedDict[tuple[str, str, str], Placed] = OrderedDict()
        """Where a contact's last message went: the next goes there without a look, if nothing came between."""

        self._order: NamedLocks[tuple[str, str]] = NamedLocks()

    async def take(self, account: Account, events: Sequence[Event]) -> list[Placed]:
        """Stores events in their order; returns where messages are. Raises TrunklineError without a log."""
        placed: list[Placed] = []
        for event in events:
            _received.labels(self._room.channel.name, account.id, type(event).__name__.lower()).inc()
            if isinstance(event, Message):
                self._accounts.pulses.beat(account.tenant, account.id, "in")
                placed.append(await self._message(account, event))
            elif isinstance(event, Receipt):
                await self._receipts.take(account, event)
            elif isinstance(event, Signal):
                await self._signals.take(account, event)
            elif isinstance(event, Pull):
                # Whoever reads the stream is told, whichever replica took the callback.
                bell = msgspec.json.encode(Bell(stream=event.stream, hint=event.hint))
                self._room.link.publish_raw(subjects.bell(self._room.channel.name, account.tenant, account.id), bell)
        return placed

    async def _message(self, account: Account, message: Message) -> Placed:
        if message.echo and await self._receipts.take_echo(account, message):
            return Placed("", 0, 0, duplicate=True)
        async with self._order.hold((account.id, message.peer.id)):
            return await self._store(account, message)

    async def _store(self, account: Account, message: Message) -> Placed:
        attributes = await self._authors.named(account, message.peer, message.attributes)
        tenant, channel = account.tenant, self._room.channel.name
        contact = await self._records.contact_of(account, message.peer)
        event_id = provider_event_id(channel, account.id, message.key)
        now_ms = utc_ms()
        whole = opening.Message(
            id=event_id,
            tenant=tenant,
            inbox=account.inbox,
            contact=contact,
            contact_name=message.peer.name,
            source=ev.Source(),
            by=ev.Actor("agent", channel, "") if message.echo else ev.Actor("visitor", contact, message.peer.name),
            at=now_ms,
            kind=message.kind,
            text=message.text,
            attachments=await self._files.of(account, message),
            reply_to=await self._records.event_of(account, message.reply_to),
            peer=message.peer.id,
            thread=message.thread,
            subject=message.subject,
            html=await self._files.html(account, message),
            automatic=message.automatic,
            provider=ev.Provider(id=message.ref or message.key, at=message.at, context=message.context),
            data=bounded(attributes),
        )
        seen_key = stores.seen_key(tenant, channel, account.id, message.key)
        place_key = (account.id, contact, message.thread)
        placed = await self._beside_the_last(whole, seen_key, self._places.pop(place_key, None))
        if placed is None:
            came = {} if message.echo else await self._records.how_they_came(account, contact)
            whole = structs.replace(whole, data=bounded({**came, **whole.data})) if came else whole
            placed = await opening.place(
                self._room.link,
                self._room.log,
                self._room.streams,
                whole,
                lambda c, s: self._records.claim(whole, seen_key, c, s),
            )
            if came:
                await self._records.forget_how_they_came(account, contact)
        if placed.seq and not placed.duplicate:
            self._places[place_key] = placed
            if len(self._places) > PLACES_KEPT:
                self._places.popitem(last=False)
        if message.ref and message.ref != message.key:
            await self._records.point(account, message.ref, placed, event_id)
        return placed

    async def _beside_the_last(self, whole: opening.Message, seen_key: str, last: Placed | None) -> Placed | None:
        """Stores behind the contact's last message, if nothing came between; None if that must be looked at."""
        if last is None:
            return None
        subject = subjects.chat(whole.tenant, whole.inbox.channel, last.conv)
        try:
            await self._seen.create(seen_key, Seen(conv=last.conv, after=last.seq))
            stored = await self._room.log.publish(
                subject, opening.added(whole, whole.inbox.channel, last.conv), last.seq
            )
        except (KeyExistsError, WrongSequenceError):
            return None
        return Placed(last.conv, stored.seq, whole.at, stored.duplicate)
