"""What a provider tells of our messages: taken, delivered, read, refused; before or after we know its id of them."""

from __future__ import annotations

from typing import Final

from adapters.channels.kit import state
from adapters.channels.kit.incoming.records import Records
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import REFUSED
from backbone import events as ev
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Early, Ref
from backbone.channel import MediaGone, Message, Pause, Peer, Receipt, Retry, TokenExpired, WindowClosed
from backbone.clock import utc_ms
from backbone.ids import derived_event_id, provider_event_id
from backbone.nats.buckets import KeyExistsError, RevisionError

EARLY_LIFE_S: Final = 86_400


class Receipts:
    """Takes them in, for all accounts of one channel."""

    def __init__(self, room: Room, accounts: Accounts, records: Records) -> None:
        self._room = room
        self._accounts = accounts
        self._records = records
        self._bucket = stores.channels(room.link)

    async def take(self, account: Account, receipt: Receipt) -> None:
        """Tells in the conversation what became of a message, or of all up to one."""
        if receipt.upto and receipt.peer is not None:
            await self._marked(account, receipt, receipt.peer)
            return
        found = await self._message_of(account, receipt)
        if found is None:
            return
        named, ref = found
        if isinstance(receipt.fault, Pause):
            await self._accounts.pause(account, receipt.fault.reason)
        error = _error(receipt)
        is_waiting = error is not None and not error.final
        what = f"delivery.{ref.part}.{receipt.status}.{receipt.code}"
        await self._records.publish_in(
            account.tenant,
            ref.conv,
            ev.DeliveryUpdated(
                # One sending is refused once, but the same message may be each time that it is sent.
                id=derived_event_id(ref.event, f"{what}.{named}" if is_waiting else what),
                tenant=account.tenant,
                channel=self._room.channel.name,
                conv=ref.conv,
                at=utc_ms(),
                by=ev.Actor("provider", self._room.channel.name),
                target=ref.event,
                part=ref.part,
                parts=ref.parts,
                state=receipt.status,
                provider=named,
                error=error,
            ),
        )

    async def _message_of(self, account: Account, receipt: Receipt) -> tuple[str, Ref] | None:
        """(how the provider names it, which part of which message it is); what comes too early is kept."""
        error = _error(receipt) or ev.ProviderError(code=receipt.code, text=receipt.reason, final=True)
        early = Early(status=receipt.status, code=error.code, reason=error.text, key=receipt.key, final=error.final)
        names = [name for name in (receipt.ref, receipt.sent_as) if name]
        if found := await self._first_known(account, names):
            return found
        # It may have overtaken the record of the sending: whoever comes second sees the other.
        for name in names:
            await self._keep_early(stores.early_key(account.tenant, account.id, name), early)
        return await self._first_known(account, names)

    async def _first_known(self, account: Account, names: list[str]) -> tuple[str, Ref] | None:
        for name in names:
            kept = await self._bucket.get(stores.ref_key(account.tenant, account.id, name))
            if kept and isinstance(kept.value, Ref):
                # The provider's own id is what an answer can quote.
                return names[0], kept.value
        return None

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

    async def _marked(self, account: Account, receipt: Receipt, peer: Peer) -> None:
        """The customer has had, or read, what was said up to a place; the same once more says nothing new."""
        channel = self._room.channel.name
        conv = await self._records.open_conversation(account, peer)
        seq = 0
        if receipt.ref and (found := await self._first_known(account, [receipt.ref])):
            conv = found[1].conv
            seq = await self._records.seq_of(account, conv, found[1].event)
        elif conv and not receipt.ref:
            seq = await self._records.last_before(account, conv, receipt.at)
        if seq:
            mark = ev.ReadMarked(
                id=provider_event_id(channel, account.id, receipt.key),
                tenant=account.tenant,
                channel=channel,
                conv=conv,
                at=utc_ms(),
                by=ev.Actor("visitor", await self._records.contact_of(account, peer)),
                reader="visitor",
                read=seq if receipt.status == "read" else 0,
                delivered=seq,
            )
            # The same once more would mean what was said since then, too.
            await self._records.publish_once(account, receipt.key, mark)


def _error(receipt: Receipt) -> ev.ProviderError | None:
    """Why a message failed; not for good where the channel knows the refusal as one that passes."""
    if receipt.status != "failed":
        return None
    match receipt.fault:
        case WindowClosed(reason=reason):
            return ev.ProviderError(code="channel.window_platform", text=reason)
        case Pause(reason=reason):
            return ev.ProviderError(code="channel.paused", text=reason[:500])
        case Retry() | TokenExpired() | MediaGone():
            return ev.ProviderError(code=REFUSED, text=receipt.reason[:500])
        case _:
            return ev.ProviderError(code=receipt.code, text=receipt.reason[:500], final=True)
