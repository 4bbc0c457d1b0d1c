"""What a provider tells of our messages: taken, delivered, read, refused; before or after we know its id of them."""

from __future__ import annotations

from typing import Final

from adapters.channels.kit import state
from adapters.channels.kit.incoming.records import Records
from adapters.channels.kit.shared import Room
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account
from backbone.accounts.stores import Early, Ref
from backbone.channel import Message, Peer, Receipt
from backbone.clock import utc_ms
from backbone.ids import derived_event_id, provider_event_id
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError, RevisionError

EARLY_LIFE_S: Final = 86_400


class Receipts:
    """Takes them in, for all accounts of one channel."""

    def __init__(self, room: Room, records: Records) -> None:
        self._room = room
        self._records = records
        self._bucket = stores.channels(room.link)

    async def take(self, account: Account, receipt: Receipt) -> None:
        """Tells in the conversation what became of a message, or of all up to now."""
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
        await self._records.publish_in(
            tenant,
            ref.conv,
            ev.DeliveryUpdated(
                id=derived_event_id(ref.event, f"delivery.{ref.part}.{receipt.status}.{receipt.code}"),
                tenant=tenant,
                channel=self._room.channel.name,
                conv=ref.conv,
                at=utc_ms(),
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

    async def take_echo(self, account: Account, message: Message) -> bool:
        """Whether a message from our side is one that we sent: then it settles that."""
        for ref in (message.ref, message.key, message.context.get("key", "")):
            kept = await self._bucket.get(stores.ref_key(account.tenant, account.id, ref)) if ref else None
            if kept and isinstance(kept.value, Ref):
                await self.take(account, Receipt(key=message.key, ref=ref, status="sent"))
                return True
        return False

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
        conv = await self._records.open_conversation(account, peer)
        last = await self._room.log.last(subjects.any_channel(account.tenant, conv)) if conv else None
        if last is not None:
            mark = ev.ReadMarked(
                id=provider_event_id(channel, account.id, receipt.key),
                tenant=account.tenant,
                channel=channel,
                conv=conv,
                at=utc_ms(),
                by=ev.Actor("visitor", await self._records.contact_of(account, peer)),
                reader="visitor",
                read=last.seq,
                delivered=last.seq,
            )
            # The same once more would mean what was said since then, too.
            await self._records.publish_once(account, receipt.key, mark)
