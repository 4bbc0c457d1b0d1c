"""The effects that events of a conversation have at its provider: messages are sent, changed and withdrawn, customers'
files fetched. What must wait long is returned as a `Wait`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any, Final

import msgspec
import structlog

from adapters.channels.kit import state
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.lanes.inbound_media import AccountIllError, TryAgainError, has_places, settle_media
from adapters.channels.kit.lanes.unfetched import Message, UnfetchedFiles
from adapters.channels.kit.outgoing import verdict
from adapters.channels.kit.outgoing.deliver import Deliverer, GaveUpError, Wait, out_key
from adapters.channels.kit.outgoing.verdict import FOR_EVER, GiveUp
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import events as ev
from backbone.accounts.accounts import Account, Accounts
from backbone.channel import Duplicate, FaultError, Out, Peer
from backbone.clock import utc_ms
from backbone.decide import parse_tolerant
from backbone.errors import TrunklineError
from backbone.nats.reader import Entry
from backbone.nats.worker import bury

REPLAY_MOST: Final = 20_000
ILL_AT_ONCE: Final = 8
"""Conversations of ill accounts that are told of it and parked at once: the others' go on beside them."""

_log = structlog.get_logger("channels.effects")


class Effects:
    """Has them for the conversations of stream `s`; whoever calls keeps each conversation's order."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits, deliverer: Deliverer, s: str) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits
        self._deliverer = deliverer
        self._s = s
        self._slots_of_ill = asyncio.Semaphore(ILL_AT_ONCE)
        self.unfetched = UnfetchedFiles(room, s)
        """Messages whose files couldn't be had yet."""

    def account(self, known: Conversation) -> Account | None:
        """The account of a conversation, None if there is none any more."""
        try:
            return self._accounts.find(known.head.tenant, known.head.inbox)
        except TrunklineError:
            return None

    async def settle_media(self, known: Conversation, event: ev.Event | ev.Envelope, seq: int) -> Wait | None:
        """Fetches the files of the customer's message at `seq`; while the account is ill, all waits for that.

        What the provider doesn't give for now is noted in `unfetched`, and the conversation goes on.
        """
        if not has_places(event) or (account := self.account(known)) is None:
            return None
        if account.ill:
            return Wait(FOR_EVER, "pause")
        message = Message(known.head.tenant, known.head.conv, seq)
        is_last = self.unfetched.is_over(message)
        try:
            await settle_media(self._room, account, self._kits, known, event, seq, is_last=is_last)
        except TryAgainError as error:
            _log.info("media.waits", tenant=message.tenant, conv=message.conv, seq=seq, error=str(error)[:300])
            await self.unfetched.put(known.head, seq)
        except AccountIllError as ill:
            await self._accounts.pause(account, str(ill))
            return Wait(FOR_EVER, "pause")
        else:
            await self.unfetched.remove(message)
        return None

    async def deliver(
        self, subject: str, known: Conversation, event: ev.MessageAdded, seq: int, tried: int = 0
    ) -> Wait | None:
        """Sends the message at `seq`, which was tried so often; what is given up becomes a dead letter."""
        account = self.account(known)
        if account is None:
            return Wait(FOR_EVER, "pause")
        if known.visited and await self._is_fetched(subject, known, event, seq):
            return None
        slots = self._slots_of_ill if account.ill else contextlib.nullcontext()
        try:
            async with slots:
                return await self._deliverer.deliver(account, self._kits.of(account), known, event, tried)
        except GaveUpError as error:
            entry = Entry(self._s, seq, event.at, subject, msgspec.json.encode(event))
            again = known.again.get(event.id)
            await bury(self._room.link, self._room.channel.name, entry, 1 + (again.times if again else 0), error)
            return None

    async def refused_later(self, known: Conversation, refusal: ev.DeliveryUpdated) -> Wait | None:
        """What follows once a platform refused what it had taken: the message waits for its next try, or it is told
        that none follows. None where a window or an account is what it waits for: sending it finds out.
        """
        account, times = self.account(known), known.refused[refusal.target]
        if account is None or refusal.error is None or refusal.error.code != state.REFUSED:
            return None
        left_s = self._room.settings.give_up_s - (utc_ms() - refusal.at) / 1000
        judged = verdict.refused_later(times, left_s, utc_ms())
        if isinstance(judged, GiveUp):
            await self._deliverer.outcomes.gave_up(known, refusal)
            return None
        return Wait(judged.until, judged.why, judged.tries)

    async def _is_fetched(self, subject: str, known: Conversation, event: ev.MessageAdded, seq: int) -> bool:
        """Whether the customer has got a message from a node; some seconds are left for that."""
        left_s = event.at / 1000 + self._room.settings.unseen_s - time.time()
        if seq > known.reached and left_s > 0:
            await asyncio.sleep(min(left_s, self._room.settings.unseen_s))
        if seq > known.reached:
            # The mark comes behind this message, for which it would wait in vain.
            for each in await self._room.log.replay_all(subject, known.seq, REPLAY_MOST):
                if isinstance(mark := parse_tolerant(each.raw), ev.ReadMarked):
                    state.note(known, mark)
        return seq <= known.reached

    async def change(self, known: Conversation, event: ev.MessageRecalled | ev.MessageEdited) -> None:
        """Withdraws or changes at the provider's what it has; where it doesn't, that is told in the conversation."""
        channel: Any = self._room.channel
        account = self.account(known)
        refs = state.refs_of(known, event.target)
        if account is None or not refs:
            return  # It didn't go out: by what it is by now, it goes or never does.
        is_recall = isinstance(event, ev.MessageRecalled)
        if not (channel.caps.recalls if is_recall else channel.caps.edits):
            await self._deliverer.outcomes.not_changed(known, event, "The channel lets nothing be changed.")
            return
        if not is_recall and len(refs) > 1:
            await self._deliverer.outcomes.not_changed(known, event, "It went out in several parts.")
            return
        if account.ill:
            await self._deliverer.outcomes.not_changed(known, event, account.ill)
            return
        doing = channel.recall if is_recall else channel.edit
        out = Out(
            event=event.id,
            key=out_key(event.id, 0),
            conv=known.head.conv,
            peer=Peer(state.peer_of(known)),
            text=getattr(event, "text", ""),
            context=known.context,
        )
        for ref in refs:
            try:
                await doing(ref, out, account.settings, self._kits.of(account))
            except FaultError as error:
                if isinstance(error.fault, Duplicate):
                    continue
                _log.warning("change.refused", tenant=known.head.tenant, conv=known.head.conv, error=str(error))
                await self._deliverer.outcomes.not_changed(known, event, verdict.in_words(error))
