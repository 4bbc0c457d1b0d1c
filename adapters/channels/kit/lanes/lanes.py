"""Which streams of a channel this replica works on: each leased (`lane.<channel>.<s>`), a fair share each.

A replica is counted by a lease of its own (`member.<channel>.<instance>`) for as long as it renews that: a lease that
runs out tells nobody. Who holds more than its share when another comes lets the rest go, one stream at a time, after
finishing what it had begun.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import structlog

from adapters.channels.kit.lanes.lane import Lane
from adapters.channels.kit.shared import Room
from backbone.nats.buckets import Bucket, Change
from backbone.nats.leases import Holder, Lease
from backbone.process.pace import Load
from backbone.until import cancel

_log = structlog.get_logger("channels.lanes")


class Lanes:
    """Holds lanes and lets them go. `make` makes the lane of a stream."""

    def __init__(self, room: Room, make: Callable[[str], Lane]) -> None:
        self._room = room
        self._make = make
        self._members: dict[str, float] = {}
        """The other replicas, and when each was last heard of (the loop's clock)."""

        self._held: dict[str, Lane] = {}
        self._moved = asyncio.Event()
        self._is_leaving = False
        self._done = 0
        """Events dealt with by lanes that were let go."""

    @property
    def held(self) -> dict[str, Lane]:
        """Lanes that this replica works on, by stream."""
        return self._held

    def load(self) -> Load:
        """Events that the lanes held here have before them, and how many this replica has dealt with."""
        workers = [lane.worker for lane in self._held.values()]
        return Load(sum(w.waiting + w.pending for w in workers), self._done + sum(w.done for w in workers))

    @property
    def share(self) -> int:
        """How many streams this replica may hold."""
        since = asyncio.get_running_loop().time() - self._room.settings.lane_s
        others = sum(heard > since for heard in self._members.values())
        return math.ceil(len(self._room.streams) / (others + 1))

    async def run(self) -> None:
        """Works until cancelled, or until `leave` has let everything go."""
        room = self._room
        leases: Bucket[Holder] = Bucket(room.link, "leases", Holder)
        watch = leases.watch(self._member, self._key("member", "*"))
        try:
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(self._be_counted()), group.create_task(self._look())]
                holding = [group.create_task(self._hold(s), name=f"lane.{room.channel.name}.{s}") for s in room.streams]
                await asyncio.wait(holding)
                for task in beside:
                    task.cancel()
        finally:
            await watch.close()

    def leave(self) -> None:
        """Takes no further lane and lets those held go once they are done with what they began."""
        self._is_leaving = True
        self._stir()

    async def _be_counted(self) -> None:
        """Holds our own lease for ever; where it is lost, since the log was away, another one."""
        room = self._room
        while True:
            mine = Lease(room.link, self._key("member", room.instance), room.instance, room.settings.lane_s)
            await mine.take()
            try:
                await mine.lost.wait()
            finally:
                await mine.release()

    async def _hold(self, s: str) -> None:
        """Works on a stream whenever there is room for it in our share and nobody else does."""
        room = self._room
        while not self._is_leaving:
            if len(self._held) >= self.share:
                await self._moved.wait()
                continue
            lease = Lease(room.link, self._key("lane", s), room.instance, room.settings.lane_s)
            try:
                if await self._take(lease):
                    await lease.while_held(self._work(s))
            finally:
                await lease.release()
                self._stir()

    async def _take(self, lease: Lease) -> bool:
        """Whether it is ours before there is no room for a further lane."""
        taking = asyncio.create_task(lease.take())
        try:
            while not taking.done() and not self._must_yield():
                await self._until_moved_or(taking)
            return taking.done() and taking.result() > 0 and not self._must_yield()
        finally:
            await cancel(taking)

    async def _work(self, s: str) -> None:
        """Runs a lane until it is one too many, and lets it finish what it began."""
        lane = self._held[s] = self._make(s)
        self._stir()
        working = asyncio.create_task(lane.run())
        try:
            while not working.done() and not self._is_over(s):
                await self._until_moved_or(working)
            await lane.leave()
        finally:
            self._done += lane.worker.done
            del self._held[s]
            await cancel(working)
        if not working.cancelled() and (error := working.exception()):
            _log.error("lane.failed", channel=self._room.channel.name, stream=s, exc_info=error)
            await asyncio.sleep(1.0)

    def _must_yield(self) -> bool:
        """Whether no further lane may be held."""
        return self._is_leaving or len(self._held) >= self.share

    def _is_over(self, s: str) -> bool:
        """Whether this lane is one too many: the highest go first."""
        return self._is_leaving or (len(self._held) > self.share and s == max(self._held))

    def _member(self, change: Change[Holder]) -> None:
        name = change.key.rsplit(".", 1)[-1]
        if change.value is None:
            self._members.pop(name, None)
        elif name != self._room.instance:
            is_new = name not in self._members
            self._members[name] = asyncio.get_running_loop().time()
            if not is_new:
                return
        self._stir()

    async def _look(self) -> None:
        """Notices who isn't heard of any more."""
        while True:
            await asyncio.sleep(self._room.settings.lane_s / 2)
            gone = asyncio.get_running_loop().time() - 10 * self._room.settings.lane_s
            self._members = {name: heard for name, heard in self._members.items() if heard > gone}
            self._stir()

    def _stir(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _until_moved_or(self, task: asyncio.Task[Any]) -> None:
        moved = asyncio.create_task(self._moved.wait())
        try:
            await asyncio.wait({task, moved}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()

    def _key(self, *parts: str) -> str:
        return f"{parts[0]}.{self._room.channel.name}.{parts[1]}"
