"""One stream of one channel: its conversations in parallel, each in order. What must wait long is parked, so that it
holds no place that others need; when it is due it is taken up from the log.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from adapters.channels.kit import state
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.lanes.courtesies import Courtesies
from adapters.channels.kit.lanes.effects import Effects
from adapters.channels.kit.lanes.parking import Parking
from adapters.channels.kit.lanes.unfetched import Message
from adapters.channels.kit.outgoing.deliver import Deliverer, Wait
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import events as ev
from backbone.accounts.accounts import Accounts
from backbone.clock import utc_ms
from backbone.decide import parse_tolerant
from backbone.errors import TrunklineError
from backbone.locks import NamedLocks
from backbone.nats import subjects
from backbone.nats.reader import Entry
from backbone.nats.worker import Policy, Worker

MOST_KEPT: Final = 20_000
LEAVE_WITHIN_S: Final = 8.0
TURN_S: Final = 0.2
REPLAY_MOST: Final = 20_000
VISITED_PLACES: Final = 5
FETCHES_AT_ONCE: Final = 16
"""Of files that couldn't be had before."""

AGAIN: Final = state.AGAIN.encode()
TYPING: Final = b"typing"

_log = structlog.get_logger("channels.lane")


class Lane:
    """Sends what our side says in the conversations of stream `s`, while its lease is held."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits, deliverer: Deliverer, s: str) -> None:
        self._room = room
        self._accounts = accounts
        self._s = s
        self._effects = Effects(room, accounts, kits, deliverer, s)
        self._courtesies = Courtesies(room, kits)
        self._known: OrderedDict[str, Conversation] = OrderedDict()
        self._locks: NamedLocks[str] = NamedLocks()
        self._parking = Parking(room, s, deliverer.unsent)
        self._resuming: set[str] = set()
        self._fetching: set[Message] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        # Where each message is given time to be fetched, most places are held by those that only wait.
        places = room.settings.concurrency * (VISITED_PLACES if room.channel.caps.visited else 1)
        self.worker = Worker(
            room.link,
            adapter=room.channel.name,
            durable=f"channel-{room.channel.name}",
            s=s,
            filter_subject=subjects.channel_filter(s, room.channel.name),
            handler=self._handle,
            policy=Policy(concurrency=places, most_waiting=max(1000, places)),
            passes_over=self._is_parked_with_its_account,
        )

    async def run(self) -> None:
        """Works until cancelled; then `leave` first."""
        await self._parking.load()
        await self._effects.unfetched.load()
        turning = asyncio.create_task(self._turn())
        sid = 0
        if hasattr(self._room.channel, "typing"):
            sid = self._room.link.subscribe_raw(subjects.typings(self._room.channel.name, self._s), self._typing)
        try:
            await self.worker.run()
        finally:
            if sid:
                self._room.link.unsubscribe_raw(sid)
            self._parking.let_go()
            await self._courtesies.stop()
            turning.cancel()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(turning, *self._tasks, return_exceptions=True)

    async def leave(self) -> None:
        """Finishes what has begun."""
        await self.worker.leave(LEAVE_WITHIN_S)

    # --- the log ---------------------------------------------------------------------------

    async def _handle(self, entry: Entry) -> None:
        chat = subjects.parse_chat(entry.subject)
        event = parse_tolerant(entry.raw)
        async with self._locks.hold(chat.conv):
            known = await self._load(entry.subject, entry.seq)
            state.apply(known, event, entry.seq)
            account = self._effects.account(known)
            if account is not None and not account.ill:
                self._courtesies.follow(account, known, event)
            parked = self._parking.of(chat.conv)
            if parked is None:
                await self._act(entry.subject, known, event, entry.seq)
                return
            if parked.why != "pause":
                # Only what goes out waits.
                await self._effects.settle_media(known, event, entry.seq)
            if parked.why == "window" and _is_heard(event):
                self._resume_soon(chat.conv)
            elif parked.why == "window" and state.is_ours(event) and event.parts:
                # A template is what may be said while the rest waits.
                await self._effects.deliver(entry.subject, known, event, entry.seq)
            elif (state.is_again(event) or state.is_refused_later(event, known)) and (
                first := min(known.pending.values(), default=entry.seq)
            ) < parked.first:
                await self._parking.put(known.head, first, Wait(parked.until, parked.why))

    def _typing(self, subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        """An agent types in a conversation of this lane. One that isn't known here yet will be by the answer."""
        *_, tenant, conv = subject.decode().split(".")
        known = self._known.get(subjects.chat(tenant, self._room.channel.name, conv))
        account = self._effects.account(known) if known else None
        if known is not None and account is not None and not account.ill:
            self._courtesies.typing(account, known, is_typing=data == TYPING)

    def _is_parked_with_its_account(self, subject: str, raw: bytes) -> bool:
        """Whether an event belongs to a conversation that waits for an ill account: it is read when that is repaired.

        Thousands of them must cost next to nothing, so that they hold up nobody else.
        """
        chat = subjects.parse_chat(subject)
        parked = self._parking.of(chat.conv)
        if parked is None or parked.why != "pause" or chat.conv in self._resuming or AGAIN in raw:
            return False
        self._known.pop(subject, None)
        return True

    async def _load(self, subject: str, seq: int) -> Conversation:
        """The conversation as its log has it: all of it when it is first met, so that what was sent is known."""
        known = self._known.get(subject)
        if known is None:
            chat = subjects.parse_chat(subject)
            known = state.begin(chat.tenant, chat.channel, chat.conv, visited=self._room.channel.caps.visited)
            for each in await self._room.log.replay_all(subject, 0, REPLAY_MOST):
                state.apply(known, parse_tolerant(each.raw), each.seq)
            known.inherited = set(known.pending)
            self._known[subject] = known
            while len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        elif seq > known.seq:
            self._known.move_to_end(subject)
        return known

    async def _act(self, subject: str, known: Conversation, event: ev.Event | ev.Envelope, seq: int) -> None:
        """Does what an event asks of the provider; parks the conversation if that must wait."""
        if wait := await self._effects.settle_media(known, event, seq):
            await self._parking.put(known.head, seq, wait)
        elif state.is_ours(event):
            # What a lane before this one left unsent comes again later than what is new: it goes out first.
            first = min(known.pending.values(), default=seq)
            if first < seq:
                await self._catch_up(subject, first, seq)
            elif not state.is_settled(known, event.id) and (
                wait := await self._effects.deliver(subject, known, event, seq)
            ):
                await self._parking.put(known.head, seq, wait)
        elif state.is_refused_later(event, known):
            if wait := await self._effects.refused_later(known, event):
                await self._parking.put(known.head, known.pending[event.target], wait)
            elif known.pending:
                await self._catch_up(subject, min(known.pending.values()), seq)
        elif state.is_again(event) and known.pending:
            await self._catch_up(subject, min(known.pending.values()), seq)
        elif state.is_change(event):
            await self._effects.change(known, event)

    # --- waiting ---------------------------------------------------------------------------

    async def _turn(self) -> None:
        """Takes up what is due, and what waited for an account that is well: whenever and by whom that was repaired."""
        while True:
            await asyncio.sleep(TURN_S)
            now_ms = utc_ms()
            well = {(account.tenant, account.id) for account in self._accounts.all() if not account.ill}
            for conv in self._parking.due(now_ms, well):
                self._resume_soon(conv)
            for message in self._effects.unfetched.due(now_ms, well):
                self._fetch_soon(message)

    def _resume_soon(self, conv: str) -> None:
        if conv in self._resuming:
            return
        self._resuming.add(conv)
        self._begin(self._resume(conv))

    def _fetch_soon(self, message: Message) -> None:
        if message not in self._fetching and len(self._fetching) < FETCHES_AT_ONCE:
            self._fetching.add(message)
            self._begin(self._fetch(message))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume(self, conv: str) -> None:
        """Takes a conversation up from the first event that isn't settled."""
        try:
            async with self._locks.hold(conv):
                parked = self._parking.of(conv)
                if parked is None:
                    return
                last = await self._room.log.last(subjects.any_channel(self._parking.tenant(conv), conv))
                if last is not None:
                    await self._catch_up(last.subject, parked.first, last.seq, parked.tries)
                    if self._parking.of(conv) is not parked:
                        return
                await self._parking.remove(conv)
        except TrunklineError as error:
            _log.warning("resume.failed", conv=conv, error=str(error))
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        finally:
            self._resuming.discard(conv)

    async def _fetch(self, message: Message) -> None:
        """Tries again to have the files of a message, beside what is said meanwhile."""
        subject = subjects.chat(message.tenant, self._room.channel.name, message.conv)
        try:
            async with self._locks.hold(message.conv):
                known = await self._load(subject, 0)
            page, _ = await self._room.log.replay(subject, message.seq - 1, 1)
            if page and page[0].seq == message.seq:
                await self._effects.settle_media(known, parse_tolerant(page[0].raw), message.seq)
            else:
                await self._effects.unfetched.remove(message)
        except TrunklineError as error:
            _log.warning("fetch.failed", tenant=message.tenant, conv=message.conv, error=str(error))
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        finally:
            self._fetching.discard(message)

    async def _catch_up(self, subject: str, first: int, last: int, tried: int = 0) -> None:
        """Sends what isn't settled from `first` (`tried` so often) to `last`, in order; parks where it must wait."""
        known = await self._load(subject, 0)
        after = first - 1
        while after < last:
            page, _ = await self._room.log.replay(subject, after)
            if not page:
                return
            for each in page:
                event = parse_tolerant(each.raw)
                state.apply(known, event, each.seq)
                wait = await self._effects.settle_media(known, event, each.seq)
                if not wait and state.is_ours(event) and not state.is_settled(known, event.id):
                    wait = await self._effects.deliver(
                        subject, known, event, each.seq, tried if each.seq == first else 0
                    )
                if wait:
                    await self._parking.put(known.head, each.seq, wait)
                    return
                after = each.seq


def _is_heard(event: ev.Event | ev.Envelope) -> bool:
    return isinstance(event, ev.MessageAdded) and event.by.kind == "visitor"
