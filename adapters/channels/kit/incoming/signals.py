"""What a provider tells beside messages and receipts: permissions that end, customers who come, leave, withdraw and
change what they said, and kinds of events that this version doesn't know.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import prometheus_client
import structlog

from adapters.channels.kit.incoming.authors import Authors
from adapters.channels.kit.incoming.inbound_files import InboundFiles
from adapters.channels.kit.incoming.records import Records
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import moved_to
from backbone import events as ev
from backbone import opening
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Ref, Seen
from backbone.channel import FaultError, Peer, Signal
from backbone.clock import utc_ms
from backbone.events.data import bounded
from backbone.ids import conversation_id, derived_event_id, provider_event_id
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError
from backbone.nats.wire.header import header_block
from backbone.nats.worker import DEAD_LETTERS

RAW_MOST: Final = 100_000
KEPT_MOST: Final = 10_000
OURS: Final = frozenset({"code", "ref", "text"})
"""Names of a signal's data that the kit itself acts on; they aren't told."""

_log = structlog.get_logger("channels.signals")
_happened = prometheus_client.Counter(
    "trunkline_channel_happened_total",
    "What providers told beside messages and receipts.",
    ["channel", "inbox", "name"],
)


class Signals:
    """Takes them in, for all accounts of one channel."""

    def __init__(  # noqa: PLR0917 - what a process has
        self, room: Room, accounts: Accounts, kits: Kits, records: Records, files: InboundFiles, authors: Authors
    ) -> None:
        self._room = room
        self._authors = authors
        self._accounts = accounts
        self._kits = kits
        self._records = records
        self._files = files
        self._seen = stores.seen(room.link)
        self._bucket = stores.channels(room.link)
        self._kept: set[str] = set()
        """Unknown kinds that an example of was kept of; of all accounts."""

    async def take(self, account: Account, signal: Signal) -> None:
        """Does what a signal asks for."""
        _happened.labels(self._room.channel.name, account.id, signal.name).inc()
        match signal.name:
            case "unlinked" | "linked":
                await self._permission_moved(account, signal)
            case "unknown":
                await self._keep(account, signal)
            case "recall" | "edit":
                await self._changed(account, signal)
            case "enter" | "menu" | "blocked" | "moved":
                await self._happened(account, signal)
            case "ignored":
                pass

    async def _permission_moved(self, account: Account, signal: Signal) -> None:
        """The account's owner ended our permission or gave it; what was taken in once changes nothing again."""
        key = stores.seen_key(account.tenant, self._room.channel.name, account.id, signal.key)
        if await self._seen.get(key) is not None:
            return
        if signal.name == "unlinked":
            await self._accounts.pause(account, signal.data.get("reason", "the platform ended the permission"))
        else:
            await self._accounts.repaired(account)
        await self._seen.put(key, Seen(conv="", after=0))

    async def _happened(self, account: Account, signal: Signal) -> None:
        """What the customer did is told in their conversation, if they have one: it may open a window."""
        if signal.peer is None:
            return
        channel: Any = self._room.channel
        if self._has_welcome(signal):
            try:
                await channel.welcome(signal, account.settings, self._kits.of(account))
            except FaultError as error:
                # A greeting that doesn't go out must not hold up what customers say.
                _log.warning("welcome.failed", inbox=account.id, error=str(error)[:300])
        message = await self._told(account, signal, signal.peer)
        if self._is_asking(account, signal):
            await self._ask(account, signal, message)
        elif conv := await self._records.open_conversation(account, signal.peer):
            await self._records.publish_once(account, signal.key, opening.added(message, channel.name, conv))
        elif message.data:
            await self._records.came(account, message.contact, message.data)

    async def _told(self, account: Account, signal: Signal, peer: Peer) -> opening.Message:
        channel, contact = self._room.channel.name, await self._records.contact_of(account, peer)
        data = {name: value for name, value in signal.data.items() if name not in OURS}
        return opening.Message(
            id=provider_event_id(channel, account.id, signal.key),
            tenant=account.tenant,
            inbox=account.inbox,
            contact=contact,
            contact_name=peer.name,
            source=ev.Source(),
            by=ev.Actor("visitor", contact, peer.name),
            at=utc_ms(),
            kind="event",
            text=signal.name,
            attachments=[],
            peer=peer.id,
            provider=ev.Provider(id=signal.key, at=signal.at, context=moved_to(peer) if signal.name == "moved" else {}),
            data=bounded(await self._authors.named(account, peer, {**data})),
        )

    def _is_asking(self, account: Account, signal: Signal) -> bool:
        """Whether somebody must look, though nothing was said."""
        match account.inbox.opens_on:
            case "asked":
                return signal.asks
            case "entered":
                return signal.name in {"enter", "menu"}
            case _:
                return False

    async def _ask(self, account: Account, signal: Signal, message: opening.Message) -> None:
        """Tells it in the customer's conversation, or in a new one that greets them."""
        seen_key = stores.seen_key(account.tenant, self._room.channel.name, account.id, signal.key)
        placed = await opening.place(
            self._room.link,
            self._room.log,
            self._room.streams,
            message,
            lambda conv, seq: self._records.claim(message, seen_key, conv, seq),
        )
        inbox = account.inbox
        own = conversation_id(account.tenant, inbox.id, message.contact, message.id, self._room.streams)
        if placed.conv == own and inbox.greeting and not self._has_welcome(signal):
            greeting = ev.MessageAdded(
                id=derived_event_id(message.id, "greeting"),
                tenant=account.tenant,
                channel=self._room.channel.name,
                conv=placed.conv,
                at=utc_ms(),
                by=ev.Actor("system", "greeting", inbox.name),
                text=inbox.greeting,
                automatic=True,
            )
            await self._records.publish_in(account.tenant, placed.conv, greeting)

    def _has_welcome(self, signal: Signal) -> bool:
        """Whether the platform's own way to greet was open."""
        return signal.name == "enter" and bool(signal.data.get("code")) and hasattr(self._room.channel, "welcome")

    async def _changed(self, account: Account, signal: Signal) -> None:
        """The customer withdrew or changed a message of theirs."""
        ref = signal.data.get("ref", "")
        channel = self._room.channel.name
        target = await self._records.event_of(account, ref)
        kept = await self._seen.get(stores.seen_key(account.tenant, channel, account.id, ref))
        pointed = await self._bucket.get(stores.ref_key(account.tenant, account.id, ref))
        conv = kept.value.conv if kept else pointed.value.conv if pointed and isinstance(pointed.value, Ref) else ""
        if not conv:
            return
        contact = await self._records.contact_of(account, signal.peer) if signal.peer else channel
        envelope: dict[str, Any] = {
            "id": provider_event_id(channel, account.id, signal.key),
            "tenant": account.tenant,
            "channel": channel,
            "conv": conv,
            "at": utc_ms(),
            "by": ev.Actor("agent", channel) if signal.echo else ev.Actor("visitor", contact),
            "target": target,
        }
        if signal.name == "recall":
            await self._records.publish_once(account, signal.key, ev.MessageRecalled(**envelope))
        else:
            files = await self._files.stored(account, signal.media)
            if files and await self._records.has_files(account, conv, target, files):
                files = []
            edited = ev.MessageEdited(**envelope, text=signal.data.get("text", ""), attachments=files)
            await self._records.publish_once(account, signal.key, edited)

    async def _keep(self, account: Account, signal: Signal) -> None:
        """What this version doesn't know is kept as it came, for one that does; of a kind that has a name one a day."""
        channel, kind = self._room.channel.name, signal.data.get("event", "")
        today = dt.datetime.now(dt.UTC).date().isoformat()
        once = f"unknown:{kind}:{today}" if kind else signal.key
        if kind and not await self._is_first(account, once):
            return
        await self._room.link.request_raw(
            subjects.dead(account.tenant, channel),
            signal.raw[:RAW_MOST],
            header_block(
                ("Nats-Msg-Id", f"{channel}:{account.id}:{provider_event_id(channel, account.id, once)}"),
                ("Trunkline-Inbox", account.id),
                ("Trunkline-Reason", "a kind of event that this version doesn't know"),
            ),
        )
        DEAD_LETTERS.labels(channel).inc()

    async def _is_first(self, account: Account, once: str) -> bool:
        """Whether nobody has kept such a one; a crash between this and keeping it costs one example of it."""
        name = f"{account.tenant}.{account.id}.{once}"
        if name in self._kept:
            return False
        if len(self._kept) >= KEPT_MOST:
            self._kept.clear()
        self._kept.add(name)
        key = stores.seen_key(account.tenant, self._room.channel.name, account.id, once)
        try:
            await self._seen.create(key, Seen(conv="", after=0))
        except KeyExistsError:
            return False
        return True
