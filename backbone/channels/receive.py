"""What comes in from a provider becomes events: each once, whatever is delivered again, in its conversation.

The provider's id is claimed in `seen` before a message is published: who finds a claim looks whether the message is
in the log after the place that the claim names, and publishes it only if it isn't (log-and-protocol.md, "Facts").
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import prometheus_client
import structlog
from msgspec import Struct, structs

from backbone import contacts, opening, subjects
from backbone import events as ev
from backbone.buckets import KeyExistsError, RevisionError
from backbone.channel import Event, FaultError, Media, Message, Peer, Pull, Receipt, Signal
from backbone.channels import state, stores
from backbone.channels.accounts import Account, Accounts
from backbone.channels.kits import Kits
from backbone.channels.room import Room
from backbone.channels.stores import Early, Ref, Seen
from backbone.errors import TrunklineError
from backbone.ids import derived_event_id, provider_event_id
from backbone.link import header_block
from backbone.locks import NamedLocks
from backbone.log import WrongSequenceError
from backbone.opening import Placed

PEERS_KEPT: Final = 50_000
PLACES_KEPT: Final = 50_000
EARLY_LIFE_S: Final = 86_400
LOOK_BACK: Final = 5_000
RAW_MOST: Final = 100_000

_log = structlog.get_logger("channels.receive")
_received = prometheus_client.Counter(
    "trunkline_channel_received_total", "What providers delivered, by kind.", ["channel", "inbox", "kind"]
)

type_of_peer = tuple[str, str]


class Bell(Struct):
    """The provider says that something is there to be fetched."""

    stream: str
    hint: str = ""


class Receiver:
    """Stores what comes in, for all accounts of one channel."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits
        self._seen = stores.seen(room.link)
        self._bucket = stores.channels(room.link)
        self._contacts: OrderedDict[type_of_peer, str] = OrderedDict()
        self._places: OrderedDict[tuple[str, str, str], Placed] = OrderedDict()
        """Where a contact's last message went: the next goes there without a look, if nothing came between."""

        self._order: NamedLocks[type_of_peer] = NamedLocks()

    async def take(self, account: Account, events: Sequence[Event]) -> list[Placed]:
        """Stores events in their order; returns where messages are. Raises TrunklineError without a log."""
        placed: list[Placed] = []
        for event in events:
            _received.labels(self._room.channel.name, account.id, type(event).__name__.lower()).inc()
            if isinstance(event, Message):
                self._accounts.pulses.beat(account.tenant, account.id, "in")
                placed.append(await self._message(account, event))
            elif isinstance(event, Receipt):
                await self._receipt(account, event)
            elif isinstance(event, Signal):
                await self._signal(account, event)
            elif isinstance(event, Pull):
                # Whoever reads the stream is told, whichever replica took the callback.
                bell = msgspec.json.encode(Bell(stream=event.stream, hint=event.hint))
                self._room.link.publish_raw(subjects.bell(self._room.channel.name, account.tenant, account.id), bell)
        return placed

    # --- messages --------------------------------------------------------------------------

    async def _message(self, account: Account, message: Message) -> Placed:
        if message.echo and await self._is_own_echo(account, message):
            return Placed("", 0, 0, duplicate=True)
        async with self._order.hold((account.id, message.peer.id)):
            return await self._store(account, message)

    async def _store(self, account: Account, message: Message) -> Placed:
        tenant, channel = account.tenant, self._room.channel.name
        contact = await self._contact_of(account, message.peer)
        event_id = provider_event_id(channel, account.id, message.key)
        now_ms = time.time_ns() // 1_000_000
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
            attachments=await self._attachments(account, message),
            reply_to=await self._event_of(account, message.reply_to),
            peer=message.peer.id,
            thread=message.thread,
            subject=message.subject,
            html=await self._html(account, message),
            automatic=message.automatic,
            provider=ev.Provider(id=message.ref or message.key, at=message.at, context=message.context),
            attributes=message.attributes,
        )
        seen_key = stores.seen_key(tenant, channel, account.id, message.key)
        place_key = (account.id, contact, message.thread)
        placed = await self._beside_the_last(whole, seen_key, self._places.pop(place_key, None))
        if placed is None:
            placed = await opening.place(
                self._room.link,
                self._room.log,
                self._room.streams,
                whole,
                lambda c, s: self._claim(whole, seen_key, c, s),
            )
        if placed.seq and not placed.duplicate:
            self._places[place_key] = placed
            if len(self._places) > PLACES_KEPT:
                self._places.popitem(last=False)
        if message.ref and message.ref != message.key:
            await self._point(account, message.ref, placed, event_id)
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

    async def _claim(self, whole: opening.Message, seen_key: str, conv: str, after: int) -> Placed | None:
        """Claims a provider's id for a place; where it was claimed before, the message itself if it is there."""
        try:
            await self._seen.create(seen_key, Seen(conv=conv, after=after))
        except KeyExistsError:
            kept = await self._seen.get(seen_key)
            if kept is None:
                return None
            last = await self._room.log.last(subjects.any_channel(whole.tenant, kept.value.conv))
            if last is None:
                return None
            return await opening.find_in(self._room.log, last.subject, kept.value.conv, whole.id, kept.value.after)
        return None

    async def _contact_of(self, account: Account, peer: Peer) -> str:
        key = (account.id, peer.id)
        contact = self._contacts.get(key)
        if contact is None:
            vouched = {kind: value for kind, value in peer.alias.items() if kind in peer.verified}
            contact = await contacts.identify(self._room.link, account.tenant, account.id, peer.id, vouched)
            self._contacts[key] = contact
            if len(self._contacts) > PEERS_KEPT:
                self._contacts.popitem(last=False)
        return contact

    async def _attachments(self, account: Account, message: Message) -> list[ev.Attachment]:
        found = [await self._attachment(account, each) for each in message.media]
        if message.kind == "unsupported" and message.raw:
            raw = message.raw[: self._room.settings.file_bytes]
            found.append(await self._saved(account, raw, "original.xml" if raw.startswith(b"<") else "original.json"))
        return found

    async def _attachment(self, account: Account, media: Media) -> ev.Attachment:
        """A file that came along is stored; for one that the provider holds a place is kept."""
        if media.content:
            try:
                saved = await self._saved(account, media.content, media.name or media.kind)
            except TrunklineError as refused:
                if refused.status >= 500:
                    raise
                return ev.Attachment(
                    file="", name=f"{media.name or media.kind} ({refused.message})", mime=media.mime, bytes=0
                )
            return structs.replace(saved, cid=media.cid)
        mime = media.mime or {"image": "image/*", "audio": "audio/*", "video": "video/*"}.get(media.kind, "")
        return ev.Attachment(file="", name=media.name or media.kind, mime=mime, bytes=media.size, ref=media.ref)

    async def _html(self, account: Account, message: Message) -> str:
        return (await self._saved(account, message.html.encode(), "mail.html")).file if message.html else ""

    async def _saved(self, account: Account, content: bytes, name: str) -> ev.Attachment:
        return await self._room.files.save(account.tenant, f"channel:{account.id}", content, name)

    # --- receipts and signals --------------------------------------------------------------

    async def _receipt(self, account: Account, receipt: Receipt) -> None:
        if receipt.upto and receipt.peer is not None:
            await self._read_up_to_now(account, receipt, receipt.peer)
            return
        tenant = account.tenant
        early = Early(status=receipt.status, code=receipt.code, reason=receipt.reason, key=receipt.key)
        ref_key = stores.ref_key(tenant, account.id, receipt.ref)
        kept = await self._bucket.get(ref_key)
        if kept is None:
            # It may have overtaken the record of the sending: whoever comes second sees the other.
            await self._keep_early(stores.early_key(tenant, account.id, receipt.ref), early)
            kept = await self._bucket.get(ref_key)
        if kept is None or not isinstance(kept.value, Ref):
            return
        ref = kept.value
        await self._publish_in(
            tenant,
            ref.conv,
            ev.DeliveryUpdated(
                id=derived_event_id(ref.event, f"delivery.{ref.part}.{receipt.status}.{receipt.code}"),
                tenant=tenant,
                channel=self._room.channel.name,
                conv=ref.conv,
                at=time.time_ns() // 1_000_000,
                by=ev.Actor("provider", self._room.channel.name),
                target=ref.event,
                part=ref.part,
                parts=ref.parts,
                state=receipt.status,
                provider=receipt.ref,
                error=ev.ProviderError(code=receipt.code, text=receipt.reason[:500], final=True)
                if receipt.status == "failed"
                else None,
            ),
        )

    async def _keep_early(self, key: str, early: Early) -> None:
        """Several may come too early, in any order: the furthest is kept."""
        while True:
            kept = await self._bucket.get(key)
            try:
                if kept is None:
                    await self._bucket.create(key, early, EARLY_LIFE_S)
                elif isinstance(kept.value, Early) and state.RANK[early.status] > state.RANK[kept.value.status]:
                    await self._bucket.update(key, early, kept.revision, EARLY_LIFE_S)
            except (KeyExistsError, RevisionError):
                continue
            return

    async def _read_up_to_now(self, account: Account, receipt: Receipt, peer: Peer) -> None:
        channel = self._room.channel.name
        conv = await self._open_conversation(account, peer)
        last = await self._room.log.last(subjects.any_channel(account.tenant, conv)) if conv else None
        if last is not None:
            mark = ev.ReadMarked(
                id=provider_event_id(channel, account.id, receipt.key),
                tenant=account.tenant,
                channel=channel,
                conv=conv,
                at=time.time_ns() // 1_000_000,
                by=ev.Actor("visitor", await self._contact_of(account, peer)),
                reader="visitor",
                read=last.seq,
                delivered=last.seq,
            )
            # The same once more would mean what was said since then, too.
            await self._publish_once(account, receipt.key, mark)

    async def _signal(self, account: Account, signal: Signal) -> None:
        match signal.name:
            case "unlinked" | "linked":
                await self._permission_moved(account, signal)
            case "unknown":
                await self._keep(account, signal)
            case "recall" | "edit":
                await self._changed(account, signal)
            case "enter" | "menu" | "blocked":
                await self._happened(account, signal)
            case _:
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
        conv = await self._open_conversation(account, signal.peer)
        if not conv:
            return
        contact = await self._contact_of(account, signal.peer)
        await self._publish_once(
            account,
            signal.key,
            ev.MessageAdded(
                id=provider_event_id(channel.name, account.id, signal.key),
                tenant=account.tenant,
                channel=channel.name,
                conv=conv,
                at=time.time_ns() // 1_000_000,
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
        target = await self._event_of(account, ref)
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
            "at": time.time_ns() // 1_000_000,
            "by": ev.Actor("visitor", await self._contact_of(account, signal.peer) if signal.peer else channel),
            "target": target,
        }
        if signal.name == "recall":
            await self._publish_once(account, signal.key, ev.MessageRecalled(**envelope))
        else:
            edited = ev.MessageEdited(**envelope, text=signal.data.get("text", ""))
            await self._publish_once(account, signal.key, edited)

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

    # --- finding ---------------------------------------------------------------------------

    async def _is_own_echo(self, account: Account, message: Message) -> bool:
        """Whether a message from our side is one that we sent: then it settles that."""
        for ref in (message.ref, message.key, message.context.get("key", "")):
            kept = await self._bucket.get(stores.ref_key(account.tenant, account.id, ref)) if ref else None
            if kept and isinstance(kept.value, Ref):
                await self._receipt(account, Receipt(key=message.key, ref=ref, status="sent"))
                return True
        return False

    async def _event_of(self, account: Account, ref: str) -> str:
        """Our id of what a provider calls `ref`; empty for none."""
        if not ref:
            return ""
        kept = await self._bucket.get(stores.ref_key(account.tenant, account.id, ref))
        if kept and isinstance(kept.value, Ref):
            return kept.value.event
        return provider_event_id(self._room.channel.name, account.id, ref)

    async def _point(self, account: Account, ref: str, placed: Placed, event_id: str) -> None:
        record = Ref(conv=placed.conv, event=event_id, part=0, parts=1)
        await self._bucket.put(stores.ref_key(account.tenant, account.id, ref), record, stores.REF_LIFE_S)

    async def _open_conversation(self, account: Account, peer: Peer) -> str:
        contact = await self._contact_of(account, peer)
        kept = await contacts.contacts(self._room.link).get(contacts.open_key(account.tenant, account.id, contact))
        return kept.value.conv if kept and isinstance(kept.value, contacts.OpenConversation) else ""

    async def _publish_once(self, account: Account, key: str, event: ev.Event) -> None:
        """Stores what a provider told under an id of its own, which is claimed: once, however late it comes again."""
        seen_key = stores.seen_key(account.tenant, self._room.channel.name, account.id, key)
        last = await self._room.log.last(subjects.any_channel(account.tenant, event.conv))
        if last is None:
            return
        try:
            await self._seen.create(seen_key, Seen(conv=event.conv, after=last.seq))
        except KeyExistsError:
            kept = await self._seen.get(seen_key)
            claimed = kept.value if kept else Seen(conv=event.conv, after=0)
            there = await self._room.log.last(subjects.any_channel(account.tenant, claimed.conv))
            if there and await opening.find_in(self._room.log, there.subject, claimed.conv, event.id, claimed.after):
                return
        await self._room.log.publish(last.subject, event)

    async def _publish_in(self, tenant: str, conv: str, event: ev.Event) -> None:
        last = await self._room.log.last(subjects.any_channel(tenant, conv))
        if last is None:
            return
        recent = await self._room.log.replay_all(last.subject, max(0, last.seq - LOOK_BACK), LOOK_BACK)
        if any(event.id.encode() in each.raw for each in recent):
            return
        await self._room.log.publish(last.subject, event)
