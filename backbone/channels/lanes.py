"""Which streams of a channel this replica works on: each leased (`lane.<channel>.<s>`), a fair share each.

A replica is counted by a lease of its own (`member.<channel>.<instance>`) for as long as it renews that: a lease that
runs out tells nobody. Who holds more than its share when another comes lets the rest go, one stream at a time, after
finishing what it had begun.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import structlog

from backbone.buckets import Bucket, Change
from backbone.channels.lane import Lane
from backbone.channels.room import Room
from backbone.leases import Holder, Lease

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

    @property
    def held(self) -> dict[str, Lane]:
        """Lanes that this replica works on, by stream."""
        return self._held

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
        mine = Lease(room.link, self._key("member", room.instance), room.instance, room.settings.lane_s)
        await mine.take()
        watch = leases.watch(self._member, self._key("member", "*"))
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look())
                holding = [group.create_task(self._hold(s), name=f"lane.{room.channel.name}.{s}") for s in room.streams]
                await asyncio.wait(holding)
                looking.cancel()
        finally:
            await watch.close()
            await mine.release()

    def leave(self) -> None:
        """Takes no further lane and lets those held go once they are done with what they began."""
        self._is_leaving = True
        self._stir()

    async def _hold(self, s: str) -> None:
        """Works on a stream whenever there is room for it in our share and nobody else does."""
        room = self._room
        while not self._is_leaving:
            if len(self._held) >= self.share:
                await self._until_moved()
                continue
            lease = Lease(room.link, self._key("lane", s), room.instance, room.settings.lane_s)
            taking = asyncio.create_task(lease.take())
            while not taking.done() and not self._must_yield():
                moved = asyncio.create_task(self._until_moved())
                await asyncio.wait({taking, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
            if not taking.done() or self._must_yield():
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)
                await lease.release()
                continue
            await taking
            try:
                await self._work(s, lease)
            finally:
                await lease.release()
                self._stir()

    async def _work(self, s: str, lease: Lease) -> None:
        lane = self._held[s] = self._make(s)
        self._stir()
        working = asyncio.create_task(lane.run())
        lost = asyncio.create_task(lease.lost.wait())
        try:
            while not working.done() and not lost.done() and not self._is_over(s):
                moved = asyncio.create_task(self._until_moved())
                await asyncio.wait({working, lost, moved}, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
            if not lost.done():
                await lane.leave()
        finally:
            del self._held[s]
            for task in (working, lost):
                task.cancel()
            results = await asyncio.gather(working, return_exceptions=True)
        if isinstance(results[0], Exception):
            _log.error("lane.failed", channel=self._room.channel.name, stream=s, exc_info=results[0])
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

    async def _until_moved(self) -> None:
        await self._moved.wait()

    def _key(self, *parts: str) -> str:
        return f"{parts[0]}.{self._room.channel.name}.{parts[1]}"
