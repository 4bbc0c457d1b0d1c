"""What a provider tells beside messages and receipts: permissions that end, customers who come, leave, withdraw and
change what they said, and kinds of events that this version doesn't know.
"""

from __future__ import annotations

from typing import Any, Final

import structlog

from adapters.channels.kit.incoming.records import Records
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Ref, Seen
from backbone.channel import FaultError, Signal
from backbone.clock import utc_ms
from backbone.ids import provider_event_id
from backbone.nats import subjects
from backbone.nats.wire.header import header_block
from backbone.nats.worker import DEAD_LETTERS

RAW_MOST: Final = 100_000

_log = structlog.get_logger("channels.signals")


class Signals:
    """Takes them in, for all accounts of one channel."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits, records: Records) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits
        self._records = records
        self._seen = stores.seen(room.link)
        self._bucket = stores.channels(room.link)

    async def take(self, account: Account, signal: Signal) -> None:
        """Does what a signal asks for."""
        match signal.name:
            case "unlinked" | "linked":
                await self._permission_moved(account, signal)
            case "unknown":
                await self._keep(account, signal)
            case "recall" | "edit":
                await self._changed(account, signal)
            case "enter" | "menu" | "blocked":
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
        if signal.name == "enter" and signal.data.get("code") and hasattr(channel, "welcome"):
            try:
                await channel.welcome(signal, account.settings, self._kits.of(account))
            except FaultError as error:
                # A greeting that doesn't go out must not hold up what customers say.
                _log.warning("welcome.failed", inbox=account.id, error=str(error)[:300])
        conv = await self._records.open_conversation(account, signal.peer)
        if not conv:
            return
        contact = await self._records.contact_of(account, signal.peer)
        await self._records.publish_once(
            account,
            signal.key,
            ev.MessageAdded(
                id=provider_event_id(channel.name, account.id, signal.key),
                tenant=account.tenant,
                channel=channel.name,
                conv=conv,
                at=utc_ms(),
                by=ev.Actor("visitor", contact, signal.peer.name),
                kind="event",
                text=signal.name,
                provider=ev.Provider(id=signal.key),
            ),
        )

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
        envelope: dict[str, Any] = {
            "id": provider_event_id(channel, account.id, signal.key),
            "tenant": account.tenant,
            "channel": channel,
            "conv": conv,
            "at": utc_ms(),
            "by": ev.Actor("visitor", await self._records.contact_of(account, signal.peer) if signal.peer else channel),
            "target": target,
        }
        if signal.name == "recall":
            await self._records.publish_once(account, signal.key, ev.MessageRecalled(**envelope))
        else:
            edited = ev.MessageEdited(**envelope, text=signal.data.get("text", ""))
            await self._records.publish_once(account, signal.key, edited)

    async def _keep(self, account: Account, signal: Signal) -> None:
        """What this version doesn't know is kept as it came, for one that does."""
        channel = self._room.channel.name
        await self._room.link.request_raw(
            subjects.dead(account.tenant, channel),
            signal.raw[:RAW_MOST],
            header_block(
                ("Nats-Msg-Id", f"{channel}:{account.id}:{provider_event_id(channel, account.id, signal.key)}"),
                ("Trunkline-Inbox", account.id),
                ("Trunkline-Reason", "a kind of event that this version doesn't know"),
            ),
        )
        DEAD_LETTERS.labels(channel).inc()
