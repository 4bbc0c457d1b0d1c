"""Who is attached to what: a room per conversation, made when first asked for, let go when idle.

After a lost connection, and once a minute as a guard, it asks the log for the last sequence of every room
and reads on where one is behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from backbone.conversation import Head, empty
from backbone.errors import NotFoundError, TrunklineError
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.epochs import Epochs, begin, stream_state
from backbone.nats.lineage import Lineage
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream
from node.metrics import RESYNCS
from node.protocol.frames import Resync, encode
from node.rooms.room import RolledBackError, Room

IDLE_S: Final = 20.0
HEADS_MOST: Final = 5000
"""Heads of rooms let go, about 1 KB each: who comes back reads on from there, not from the conversation's beginning."""

GUARD_S: Final = 60.0
EPOCHS_LIFE_S: Final = 300.0
CHECK_AGAIN_S: Final = 0.2

_log = structlog.get_logger("node.rooms.hub")


class Hub:
    """All rooms of a node."""

    def __init__(self, link: Link, log: Log, lineage: Lineage | None = None) -> None:
        self._link = link
        self._lineage = lineage
        self._log = log
        self._heads: Bucket[Head] = Bucket(link, "heads", Head)
        self._rooms: dict[str, Room] = {}
        self._every: weakref.WeakSet[Room] = weakref.WeakSet()
        """Those that are being opened, too."""

        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._closed: OrderedDict[str, Head] = OrderedDict()
        self._epochs: dict[str, tuple[float, Epochs]] = {}
        self._before: dict[str, int] = {}
        self._is_in_doubt = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_rollback: list[Callable[[], None]] = []
        link.on_disconnect(self._lost)
        link.on_reconnect(self._found)

    @property
    def rooms(self) -> int:
        """Conversations attached."""
        return len(self._rooms)

    @contextlib.asynccontextmanager
    async def visit(self, tenant: str, conv: str) -> AsyncIterator[Room]:
        """The room of a conversation, up to now, for as long as the block lasts.

        Raises NotFoundError `resource.not_found` where the tenant has no such conversation.
        """
        room = await self._room(tenant, conv)
        if not room.is_sure:
            room = await self._assured(tenant, conv, room)
        room.visits += 1
        try:
            yield room
        finally:
            room.visits -= 1
            room.idle_since = time.monotonic()

    def on_rollback(self, tell: Callable[[], None]) -> None:
        """`tell` is called when a stream turns out to end below what was seen of it."""
        self._on_rollback.append(tell)

    def present(self, tenant: str, conv: str) -> Room | None:
        """The room of a conversation if it is loaded and was in use lately; for work that awaits nothing."""
        room = self._rooms.get(f"{tenant}.{conv}")
        if room is None or not room.is_sure:
            return None
        room.idle_since = time.monotonic()
        return room

    async def epochs(self, conv: str, *, fresh: bool = False) -> Epochs:
        """The epochs of a conversation's stream, at most five minutes old."""
        s = subjects.stream_of(conv)
        known = self._epochs.get(s)
        now = time.monotonic()
        if known is None or fresh or now - known[0] > EPOCHS_LIFE_S:
            state = await stream_state(self._link, chat_stream(s))
            self._epochs[s] = known = (now, state.epochs)
        return known[1]

    async def run(self) -> None:
        """Lets idle rooms go and guards the others, until cancelled."""
        guarded_at = time.monotonic()
        while True:
            await asyncio.sleep(5)
            now = time.monotonic()
            self.let_idle_go(now)
            if now - guarded_at > GUARD_S:
                guarded_at = now
                await self.check_all()

    def let_idle_go(self, now: float) -> None:
        """Closes the rooms that nobody used for IDLE_S before `now`, of `time.monotonic()`."""
        for key, room in list(self._rooms.items()):
            if not room.in_use and now - room.idle_since > IDLE_S:
                room.close()
                del self._rooms[key]
                self._closed[key] = room.head
        while len(self._closed) > HEADS_MOST:
            self._closed.popitem(last=False)

    async def check_all(self) -> None:
        """Asks the log where every room's conversation is, and has those behind read on."""
        self._remember_epochs()
        await self._check_rooms()
        self._is_in_doubt = False

    async def _check_rooms(self) -> None:
        by_stream: dict[str, dict[str, Room]] = defaultdict(dict)
        for room in self._rooms.values():
            by_stream[subjects.parse_chat(room.subject).stream][room.subject] = room
        for stream, rooms in by_stream.items():
            # What comes in while the answer is on its way must not look like a log that went back.
            shown = {subject: room.seq for subject, room in rooms.items()}
            try:
                lasts = await self._log.last_of_many(stream, list(rooms))
            except TrunklineError as error:
                _log.warning("hub.check_failed", stream=stream, error=str(error))
                for room in rooms.values():
                    room.suspect()
                continue
            for subject, room in rooms.items():
                last = lasts.get(subject)
                if last is None or last.seq < shown[subject]:
                    await self._begin_again(room)
                elif last.seq > room.seq or not room.is_sure:
                    room.suspect()

    # --- a log that went back --------------------------------------------------------------

    def _lost(self) -> None:
        """The connection is gone. Nothing is written until it is known what log comes back."""
        self._log.hold("hub")
        self._remember_epochs()
        self._is_in_doubt = True
        self._closed.clear()
        for room in self._every:
            # Those that are being opened, too: they may have read the log before.
            room.doubt()
        for room in self._rooms.values():
            self._log.note(subjects.parse_chat(room.subject).stream, room.seq)

    async def _found(self) -> None:
        """The connection is back. Where a stream ends below what was seen of it, a new epoch begins there, before
        anything is written; then every room is looked at.
        """
        while self._link.is_usable:
            try:
                # Before a witness vouches, which may have read less than was seen here.
                for stream, seen in self._log.seen.items():
                    await self._begin_epoch(stream, seen)
                if self._lineage:
                    await self._lineage.known()
                # Those who attach now are told of epochs as they are. None is forgotten: at the next loss it must be
                # known which one was in force, or this node begins another after somebody else has.
                for stream in list(self._epochs):
                    state = await stream_state(self._link, chat_stream(stream))
                    self._epochs[stream] = (time.monotonic(), state.epochs)
            except TrunklineError as error:
                _log.warning("hub.check_failed", error=str(error))
                await asyncio.sleep(CHECK_AGAIN_S)
            else:
                self._log.release("hub")
                await self.check_all()
                return

    def _remember_epochs(self) -> None:
        """The epochs in force before the log may have gone back: of many rooms that find it out, one begins another."""
        if not self._is_in_doubt:
            self._before = {stream: known.now for stream, (_, known) in self._epochs.items()}

    async def _begin_epoch(self, stream: str, seen: int) -> Epochs:
        before = self._before.get(stream, 0)
        state = await begin(self._link, chat_stream(stream), before, seen, int(time.time()))
        self._epochs[stream] = (time.monotonic(), state.epochs)
        if state.last < seen:
            self._closed.clear()
            self._log.forget(stream, state.last)
            for tell in self._on_rollback:
                tell()
        return state.epochs

    def _rolled_back(self, room: Room) -> None:
        task = asyncio.create_task(self._begin_again(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin_again(self, room: Room) -> None:
        """The log seems no longer to hold what this room has shown: if so, everybody begins anew.

        Any replica answers a direct get, and one that lags behind is no restored log: the leader is asked.
        """
        conv, shown = room.head.conv, room.seq
        stream = subjects.parse_chat(room.subject).stream
        try:
            last = await self._log.at_leader(room.subject, shown)
            if last is not None and (room.seq != shown or room.holds(last)):
                room.suspect()
                return
            _log.error("room.rolled_back", conversation=conv, had_shown=shown)
            epochs = await self._begin_epoch(stream, shown)
        except TrunklineError as error:
            _log.warning("hub.check_failed", stream=stream, error=str(error))
            return
        room.close()
        if self._rooms.get(f"{room.head.tenant}.{conv}") is room:
            del self._rooms[f"{room.head.tenant}.{conv}"]
        frame = encode(Resync(conv=conv, epoch=epochs.now))
        RESYNCS.inc(len(room.viewers))
        for viewer in list(room.viewers):
            viewer.begin_again(frame)

    async def _assured(self, tenant: str, conv: str, room: Room) -> Room:
        """The room once the log was asked, or another in its place if the log went back.

        Raises RolledBackError where neither is to be had now.
        """
        # In use from now on, or it might be let go while it reads.
        room.visits += 1
        try:
            await room.load()
        except RolledBackError:
            pass
        else:
            return room
        finally:
            room.visits -= 1
        if self._rooms.get(f"{tenant}.{conv}") is room:
            await self._begin_again(room)
        other = await self._room(tenant, conv)
        if not other.is_sure:
            raise RolledBackError
        return other

    async def _room(self, tenant: str, conv: str) -> Room:
        key = f"{tenant}.{conv}"
        room = self._rooms.get(key)
        if room is not None:
            return room
        opening = self._opening.get(key)
        if opening is None:
            opening = asyncio.create_task(self._open(tenant, conv))
            self._opening[key] = opening
            opening.add_done_callback(lambda task: self._opened(key, task))
        room = await asyncio.shield(opening)
        return self._rooms.setdefault(key, room)

    def _opened(self, key: str, task: asyncio.Task[Room]) -> None:
        del self._opening[key]
        if not task.cancelled():
            # Whoever waits gets it raised; they may all have gone.
            task.exception()

    async def _open(self, tenant: str, conv: str) -> Room:
        head = self._closed.pop(f"{tenant}.{conv}", None) or await self._kept(tenant, conv)
        if head is None:
            last = await self._log.last(subjects.any_channel(tenant, conv))
            if last is None:
                raise NotFoundError("resource.not_found", "There is no such conversation.", field="conv")
            head = empty(tenant, subjects.parse_chat(last.subject).channel, conv)
        try:
            return await self._load(head)
        except RolledBackError:
            # The head was written before the log went back: what the log holds is what counts.
            last = await self._log.last(subjects.any_channel(tenant, conv))
            if last is None:
                raise NotFoundError("resource.not_found", "There is no such conversation.", field="conv") from None
            return await self._load(empty(tenant, head.channel, conv))

    async def _kept(self, tenant: str, conv: str) -> Head | None:
        kept = await self._heads.get(subjects.key(tenant, conv))
        return kept.value if kept is not None else None

    async def _load(self, head: Head) -> Room:
        room = Room(self._log, subjects.chat(head.tenant, head.channel, head.conv), head, self._rolled_back)
        self._every.add(room)
        try:
            await room.load()
            # Which epoch was in force must be known before the log can go back.
            await self.epochs(head.conv)
        except BaseException:
            room.close()
            raise
        room.idle_since = time.monotonic()
        return room
