"""What providers name, in our words: contacts, conversations and events by the ids that a provider has for them, and
what it tells of them stored once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.channels.kit.shared import Room
from backbone import contacts, opening
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account
from backbone.accounts.stores import Ref, Seen, Value
from backbone.channel import Peer
from backbone.decide import naming, parse_tolerant
from backbone.ids import provider_event_id
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError
from backbone.opening import Placed

PEERS_KEPT: Final = 50_000
LOOK_BACK: Final = 5_000
CAME_LIFE_S: Final = 86_400


class Records:
    """For all accounts of one channel."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._seen = stores.seen(room.link)
        self._bucket = stores.channels(room.link)
        self._contacts: OrderedDict[tuple[str, ...], str] = OrderedDict()

    async def contact_of(self, account: Account, peer: Peer) -> str:
        """The contact that a peer is; made when it is first met."""
        key = (account.id, *sorted({peer.id, *peer.also}))
        contact = self._contacts.get(key)
        if contact is None:
            vouched = {kind: value for kind, value in peer.alias.items() if kind in peer.verified}
            contact = await contacts.identify(self._room.link, account.tenant, account.id, peer.id, vouched, peer.also)
            self._contacts[key] = contact
            if len(self._contacts) > PEERS_KEPT:
                self._contacts.popitem(last=False)
        return contact

    async def event_of(self, account: Account, ref: str) -> str:
        """Our id of what a provider calls `ref`; empty for none."""
        if not ref:
            return ""
        kept = await self._bucket.get(stores.ref_key(account.tenant, account.id, ref))
        if kept and isinstance(kept.value, Ref):
            return kept.value.event
        return provider_event_id(self._room.channel.name, account.id, ref)

    async def point(self, account: Account, ref: str, placed: Placed, event_id: str) -> None:
        """Remembers by what id a provider names a message of a customer's beside the one that it came under."""
        record = Ref(conv=placed.conv, event=event_id, part=0, parts=1)
        await self._bucket.put(stores.ref_key(account.tenant, account.id, ref), record, stores.REF_LIFE_S)

    async def came(self, account: Account, contact: str, how: ev.Data) -> None:
        """Remembers for a day how somebody came who has said nothing yet: it goes with their first message."""
        kept = Value(value=msgspec.json.encode(how).decode())
        await self._bucket.put(stores.came_key(account.tenant, account.id, contact), kept, CAME_LIFE_S)

    async def how_they_came(self, account: Account, contact: str) -> ev.Data:
        """How somebody came who has no conversation yet; empty where nothing told of it."""
        kept = await self._bucket.get(stores.came_key(account.tenant, account.id, contact))
        if kept is None or not isinstance(kept.value, Value):
            return {}
        return msgspec.json.decode(kept.value.value, type=ev.Data)

    async def forget_how_they_came(self, account: Account, contact: str) -> None:
        """It's told with a message by now."""
        await self._bucket.delete(stores.came_key(account.tenant, account.id, contact), marker_s=60)

    async def open_conversation(self, account: Account, peer: Peer) -> str:
        """The conversation that a peer has open in this inbox; empty for none."""
        contact = await self.contact_of(account, peer)
        kept = await contacts.contacts(self._room.link).get(contacts.open_key(account.tenant, account.id, contact))
        return kept.value.conv if kept and isinstance(kept.value, contacts.OpenConversation) else ""

    async def claim(self, whole: opening.Message, seen_key: str, conv: str, after: int) -> Placed | None:
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

    async def seq_of(self, account: Account, conv: str, event_id: str) -> int:
        """The place of an event in its conversation, 0 if it isn't there."""
        last = await self._room.log.last(subjects.any_channel(account.tenant, conv))
        placed = await opening.find_in(self._room.log, last.subject, conv, event_id, 0) if last else None
        return placed.seq if placed else 0

    async def last_before(self, account: Account, conv: str, at_ms: int) -> int:
        """The place of the newest message that was said by `at_ms` (UTC; 0: by now), 0 if there is none."""
        last = await self._room.log.last(subjects.any_channel(account.tenant, conv))
        if last is None or not at_ms:
            return last.seq if last else 0
        events = await self._room.log.replay_all(last.subject, 0, opening.LOOK_BACK)
        said = ((each.seq, parse_tolerant(each.raw)) for each in reversed(events))
        return next((seq for seq, one in said if isinstance(one, ev.MessageAdded) and one.at <= at_ms), 0)

    async def has_files(self, account: Account, conv: str, message: str, files: Sequence[ev.Attachment]) -> bool:
        """Whether a message came with these very files, by the fingerprints that the provider gives them."""
        wanted = [each.fingerprint for each in files]
        last = await self._room.log.last(subjects.any_channel(account.tenant, conv))
        if last is None or not all(wanted):
            return False
        found: list[str] = []
        for _, event in naming(message, await self._room.log.replay_all(last.subject, 0, opening.LOOK_BACK)):
            if isinstance(event, ev.MessageAdded | ev.MessageEdited) and event.attachments:
                is_it = event.id == message or (isinstance(event, ev.MessageEdited) and event.target == message)
                found = [one.fingerprint for one in event.attachments] if is_it else found
        return found == wanted

    async def publish_once(self, account: Account, key: str, event: ev.Event) -> None:
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

    async def publish_in(self, tenant: str, conv: str, event: ev.Event) -> None:
        """Stores an event whose id is derived from what it tells, unless it is among the last of its stream."""
        last = await self._room.log.last(subjects.any_channel(tenant, conv))
        if last is None:
            return
        recent = await self._room.log.replay_all(last.subject, max(0, last.seq - LOOK_BACK), LOOK_BACK)
        if any(event.id.encode() in each.raw for each in recent):
            return
        await self._room.log.publish(last.subject, event)
