"""What providers name, in our words: contacts, conversations and events by the ids that a provider has for them, and
what it tells of them stored once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from adapters.channels.kit.shared import Room
from backbone import contacts, opening
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account
from backbone.accounts.stores import Ref, Seen
from backbone.channel import Peer
from backbone.ids import provider_event_id
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError
from backbone.opening import Placed

PEERS_KEPT: Final = 50_000
LOOK_BACK: Final = 5_000


class Records:
    """For all accounts of one channel."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._seen = stores.seen(room.link)
        self._bucket = stores.channels(room.link)
        self._contacts: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def contact_of(self, account: Account, peer: Peer) -> str:
        """The contact that a peer is; made when it is first met."""
        key = (account.id, peer.id)
        contact = self._contacts.get(key)
        if contact is None:
            vouched = {kind: value for kind, value in peer.alias.items() if kind in peer.verified}
            contact = await contacts.identify(self._room.link, account.tenant, account.id, peer.id, vouched)
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

    async def open_conversation(self, account: Account, peer: Peer) -> str:
        """The conversation that a peer has open in this inbox; empty for none."""
        contact = await self.contact_of(account, peer)
        kept = await contacts.contacts(self._room.link).get(contacts.open_key(account.tenant, account.id, contact))
        return kept.value.conv if kept and isinstance(kept.value, contacts.OpenConversation) else ""

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
