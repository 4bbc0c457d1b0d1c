"""One stream of one channel: its conversations in parallel, each in order. What must wait long is parked, so that it
holds no place that others need; when it is due it is taken up from the log (channels.md, "Order").
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import OrderedDict
from typing import Any, Final

import msgspec
import prometheus_client
import structlog

from backbone import events as ev
from backbone import subjects
from backbone.channel import FaultError, Out, Peer
from backbone.channels import state, stores
from backbone.channels.accounts import Account, Accounts
from backbone.channels.courtesies import Courtesies
from backbone.channels.deliver import FOR_EVER, Deliverer, GaveUpError, Wait, out_key
from backbone.channels.inbound_media import AccountIllError, TryAgainError, has_places, settle_media
from backbone.channels.kits import Kits
from backbone.channels.room import Room
from backbone.channels.state import Conversation
from backbone.channels.stores import Parked
from backbone.decide import parse_tolerant
from backbone.errors import TrunklineError
from backbone.reader import Entry
from backbone.worker import Policy, Worker, bury

MOST_KEPT: Final = 20_000
LEAVE_WITHIN_S: Final = 8.0
TURN_S: Final = 0.2
REPLAY_MOST: Final = 20_000
VISITED_PLACES: Final = 5
ILL_AT_ONCE: Final = 8
"""Conversations of ill accounts that are told of it and parked at once: the others' go on beside them."""

AGAIN: Final = state.AGAIN.encode()
TYPING: Final = b"typing"

_log = structlog.get_logger("channels.lane")
_parked = prometheus_client.Gauge(
    "trunkline_channel_parked", "Conversations that wait for an account, a window or a time.", ["channel", "stream"]
)


class Lane:
    """Sends what our side says in the conversations of stream `s`, while its lease is held."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits, deliverer: Deliverer, s: str) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits
        self._deliverer = deliverer
        self._s = s
        self._known: OrderedDict[str, Conversation] = OrderedDict()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._parked: dict[str, tuple[str, Parked]] = {}
        """By conversation: the tenant, and since when and until when it waits."""

        self._resuming: set[str] = set()
        self._courtesies = Courtesies(room, kits)
        self._slots_of_ill = asyncio.Semaphore(ILL_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._bucket = stores.channels(room.link)
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
        for kept in await self._bucket.all("*.parked.*"):
            tenant, _, conv = kept.key.split(".", 2)
            if conv[:2] == self._s and isinstance(kept.value, Parked):
                self._parked[conv] = (tenant, kept.value)
        turning = asyncio.create_task(self._turn())
        sid = 0
        if hasattr(self._room.channel, "typing"):
            sid = self._room.link.subscribe_raw(subjects.typings(self._room.channel.name, self._s), self._typing)
        try:
            await self.worker.run()
        finally:
            if sid:
                self._room.link.unsubscribe_raw(sid)
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
        async with _Held(self._locks, chat.conv):
            known = await self._load(entry.subject, entry.seq)
            state.apply(known, event, entry.seq)
            account = self._account(known)
            if account is not None and not account.ill:
                self._courtesies.follow(account, known, event)
            parked = self._parked.get(chat.conv)
            if parked is None:
                await self._act(entry.subject, known, event, entry.seq)
                return
            if parked[1].why != "pause":
                # Only what goes out waits.
                await self._settle_media(known, event)
            if parked[1].why == "window" and _is_heard(event):
                self._resume_soon(chat.conv)
            elif parked[1].why == "window" and state.is_ours(event) and event.parts:
                # A template is what may be said while the rest waits.
                await self._deliver(entry.subject, known, event, entry.seq)
            elif state.is_again(event) and (first := min(known.pending.values(), default=entry.seq)) < parked[1].first:
                await self._park(known, first, Wait(parked[1].until, parked[1].why))

    def _typing(self, subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        """An agent types in a conversation of this lane. One that isn't known here yet will be by the answer."""
        *_, tenant, conv = subject.decode().split(".")
        known = self._known.get(subjects.chat(tenant, self._room.channel.name, conv))
        account = self._account(known) if known else None
        if known is not None and account is not None and not account.ill:
            self._courtesies.typing(account, known, is_typing=data == TYPING)

    def _is_parked_with_its_account(self, subject: str, raw: bytes) -> bool:
        """Whether an event belongs to a conversation that waits for an ill account: it is read when that is repaired.

        Thousands of them must cost next to nothing, so that they hold up nobody else.
        """
        chat = subjects.parse_chat(subject)
        kept = self._parked.get(chat.conv)
        if kept is None or kept[1].why != "pause" or chat.conv in self._resuming or AGAIN in raw:
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
        if wait := await self._settle_media(known, event):
            await self._park(known, seq, wait)
        elif state.is_ours(event):
            # What a lane before this one left unsent comes again later than what is new: it goes out first.
            first = min(known.pending.values(), default=seq)
            if first < seq:
                await self._catch_up(subject, first, seq)
            elif not state.is_settled(known, event.id) and (wait := await self._deliver(subject, known, event, seq)):
                await self._park(known, seq, wait)
        elif state.is_again(event) and known.pending:
            await self._catch_up(subject, min(known.pending.values()), seq)
        elif isinstance(event, ev.MessageRecalled | ev.MessageEdited) and event.by.kind == "agent" and not event.note:
            await self._change(known, event)

    async def _settle_media(self, known: Conversation, event: ev.Event | ev.Envelope) -> Wait | None:
        """Fetches the files of a customer's message; they wait with everything else while the account is ill."""
        if not has_places(event) or (account := self._account(known)) is None:
            return None
        if account.ill:
            return Wait(FOR_EVER, "pause")
        try:
            await settle_media(self._room, account, self._kits, known, event)
        except AccountIllError as ill:
            await self._accounts.pause(account, str(ill))
            return Wait(FOR_EVER, "pause")
        return None

    async def _deliver(
        self, subject: str, known: Conversation, event: ev.MessageAdded, seq: int, tried: int = 0
    ) -> Wait | None:
        account = self._account(known)
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

    async def _change(self, known: Conversation, event: ev.MessageRecalled | ev.MessageEdited) -> None:
        """Withdraws or changes at the provider's what it has, where it can."""
        channel: Any = self._room.channel
        account = self._account(known)
        ref = known.provider_ids.get(event.target, "")
        can = channel.caps.recalls if isinstance(event, ev.MessageRecalled) else channel.caps.edits
        if account is None or account.ill or not ref or not can:
            return
        out = Out(
            event=event.id,
            key=out_key(event.id, 0),
            conv=known.head.conv,
            peer=Peer(known.head.peer),
            text=getattr(event, "text", ""),
            context=known.context,
        )
        doing = channel.recall if isinstance(event, ev.MessageRecalled) else channel.edit
        try:
            await doing(ref, out, account.settings, self._kits.of(account))
        except FaultError as error:
            _log.warning("change.refused", tenant=known.head.tenant, conv=known.head.conv, error=str(error))

    def _account(self, known: Conversation) -> Account | None:
        try:
            return self._accounts.find(known.head.tenant, known.head.inbox)
        except TrunklineError:
            return None

    # --- waiting ---------------------------------------------------------------------------

    async def _park(self, known: Conversation, seq: int, wait: Wait) -> None:
        conv, tenant = known.head.conv, known.head.tenant
        before = self._parked.get(conv)
        since = before[1].since if before else time.time_ns() // 1_000_000
        parked = Parked(
            first=seq, since=since, until=wait.until, why=wait.why, inbox=known.head.inbox, tries=wait.tries
        )
        await self._bucket.put(stores.parked_key(tenant, conv), parked)
        self._parked[conv] = (tenant, parked)
        _parked.labels(self._room.channel.name, self._s).set(len(self._parked))

    async def _turn(self) -> None:
        """Takes up what is due, and what waited for an account that is well: whenever and by whom that was repaired."""
        while True:
            await asyncio.sleep(TURN_S)
            now_ms = time.time_ns() // 1_000_000
            well = {(account.tenant, account.id) for account in self._accounts.all() if not account.ill}
            for conv, (tenant, parked) in list(self._parked.items()):
                if parked.until <= now_ms or (parked.why == "pause" and (tenant, parked.inbox) in well):
                    self._resume_soon(conv)

    def _resume_soon(self, conv: str) -> None:
        if conv in self._resuming:
            return
        self._resuming.add(conv)
        task = asyncio.create_task(self._resume(conv))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resume(self, conv: str) -> None:
        """Takes a conversation up from the first event that isn't settled."""
        try:
            async with _Held(self._locks, conv):
                tenant, parked = self._parked[conv]
                last = await self._room.log.last(subjects.any_channel(tenant, conv))
                if last is not None:
                    await self._catch_up(last.subject, parked.first, last.seq, parked.tries)
                    if self._parked.get(conv, ("", None))[1] is not parked:
                        return
                await self._bucket.delete(stores.parked_key(tenant, conv), marker_s=60)
                self._parked.pop(conv, None)
                _parked.labels(self._room.channel.name, self._s).set(len(self._parked))
        except (TrunklineError, TryAgainError) as error:
            _log.warning("resume.failed", conv=conv, error=str(error))
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        finally:
            self._resuming.discard(conv)

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
                wait = await self._settle_media(known, event)
                if not wait and state.is_ours(event) and not state.is_settled(known, event.id):
                    wait = await self._deliver(subject, known, event, each.seq, tried if each.seq == first else 0)
                if wait:
                    await self._park(known, each.seq, wait)
                    return
                after = each.seq


class _Held:
    """A lock by name, which is forgotten once nobody wants it."""

    def __init__(self, locks: dict[str, tuple[asyncio.Lock, int]], name: str) -> None:
        self._locks = locks
        self._name = name
        lock, count = locks.get(name, (None, 0))
        self._lock = lock or asyncio.Lock()
        locks[name] = (self._lock, count + 1)

    async def __aenter__(self) -> None:
        try:
            await self._lock.acquire()
        except BaseException:
            self._forget()
            raise

    async def __aexit__(self, *_exc: object) -> None:
        self._lock.release()
        self._forget()

    def _forget(self) -> None:
        lock, count = self._locks[self._name]
        if count == 1:
            del self._locks[self._name]
        else:
            self._locks[self._name] = (lock, count - 1)


def _is_heard(event: ev.Event | ev.Envelope) -> bool:
    return isinstance(event, ev.MessageAdded) and event.by.kind == "visitor"
