"""Lineage: whether the log that a server serves is the one that was written last, known before anybody writes.

A log that was put back to an older copy (a restored folder, a lost disk) gives sequences out again that others have
seen; so an epoch must begin at its end before the first write (epochs.py). Nothing in a restored log tells that it is
one: its buckets went back with it. What can't go back is the process that serves it, whose id nats-server makes at each
start. Each stream names in its metadata the servers that are known to serve it as it was written last. On a connection
to another one nothing is written until that one is named too, by

* a witness: a process that had read every stream to its end and has compared (`Reader`), or reads on without a break;
* else, where no witness has spoken for `WAIT_S`, whoever may: it begins an epoch at the end of each stream.

An epoch that begins where nothing was lost costs nobody anything: all positions below its beginning still hold.
"""

from __future__ import annotations

import asyncio
import random
import time
import weakref
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from backbone.errors import ForbiddenError, TrunklineError
from backbone.nats import epochs, subjects
from backbone.nats.buckets import Bucket, KeyExistsError
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.nats.streams import EPOCH_KEY, SERVERS_KEY, chat_stream, names_of_log
from backbone.nats.wire.answers import ApiError

WAIT_S: Final = 1.5
LOOK_S: Final = 0.1
AGAIN_S: Final = 0.3
CLAIM_S: Final = 10
NOT_FOUND: Final = 404
SERVERS_MOST: Final = 16

_log = structlog.get_logger("backbone.nats.lineage")


class Held(Protocol):
    """What writes nothing while it is held, for whatever reasons: the log."""

    def hold(self, reason: str) -> None:
        """One reason more not to write."""
        ...

    def release(self, reason: str) -> None:
        """One reason less."""
        ...


class Lineage:
    """One process's knowledge of the log behind its connection. Make it before the connection opens."""

    def __init__(
        self, link: Link, streams: list[str], instance: str, *, may_begin: bool = False, is_first: bool = False
    ) -> None:
        """`streams`: two digits each. `is_first`: no process that could be a witness runs, so none is waited for."""
        self._link = link
        self._streams = streams
        self._instance = instance
        self._may_begin = may_begin
        self._wait_s = 0.0 if is_first else WAIT_S
        self._logs: weakref.WeakSet[Held] = weakref.WeakSet()
        self._witnesses: list[Callable[[], bool]] = []
        self._known = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        link.on_disconnect(self._lost)
        link.on_reconnect(self._look)

    @property
    def is_known(self) -> bool:
        """Whether the log behind the present connection is the one that was written last, or has its new epoch."""
        return self._known.is_set()

    def problem(self) -> str | None:
        """None once it is known; else a sentence, as readiness wants it."""
        return None if self.is_known else "It is being found out whether the log is the one that was written last."

    def guard(self, log: Held) -> None:
        """`log` writes nothing until it is known."""
        self._logs.add(log)
        if not self.is_known:
            log.hold("lineage")

    async def known(self) -> None:
        """Returns once it is known. Then what a stream says of its epochs is true until the connection is lost."""
        await self._known.wait()

    def add_witness(self, reads_on: Callable[[], bool]) -> Callable[[], None]:
        """`reads_on` says whether every stream has been read without a break up to now; the result takes it back."""
        self._witnesses.append(reads_on)
        return lambda: self._witnesses.remove(reads_on) if reads_on in self._witnesses else None

    async def run(self) -> None:
        """Finds it out for the first connection, and vouches for others' connections; returns at once after."""
        await self._link.is_open.wait()
        self._link.subscribe_raw(subjects.LINEAGE_ASK, self._asked)
        await self._look()

    async def vouch(self) -> None:
        """This process has compared: each stream holds what was read of it, or has its new epoch."""
        await self._name(self._link.server_id, begins=False)
        self._now_known()

    # --- inside ----------------------------------------------------------------------------

    def _lost(self) -> None:
        self._known.clear()
        for log in self._logs:
            log.hold("lineage")
        if self._looking:
            self._looking.cancel()

    def _now_known(self) -> None:
        self._known.set()
        for log in self._logs:
            log.release("lineage")

    async def _look(self) -> None:
        """Until it is known, or the connection is another one."""
        if self._looking:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._find_out(), name="lineage.look")
        await asyncio.wait({self._looking})

    async def _find_out(self) -> None:
        server = self._link.server_id
        deadline = time.monotonic() + self._wait_s
        self._wait_s = WAIT_S
        while not self.is_known:
            try:
                if not await self._unnamed(server):
                    self._now_known()
                elif time.monotonic() < deadline or not self._may_begin:
                    self._ask(server)
                    await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
                else:
                    await self._begin(server)
            except TrunklineError as error:
                _log.info("lineage.waiting", code=error.code, error=error.message)
                await asyncio.sleep(AGAIN_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter

    def _ask(self, server: str) -> None:
        self._link.publish_raw(subjects.LINEAGE_ASK, server.encode())

    def _asked(self, _subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        """Somebody is connected to a server that isn't named; we read on without a break, so it serves our log."""
        if self._may_begin and self.is_known and self._witnesses and all(reads_on() for reads_on in self._witnesses):
            asking = asyncio.get_running_loop().create_task(self._name_for(data.decode(errors="replace")))
            self._link.keep(asking)

    async def _name_for(self, server: str) -> None:
        try:
            await self._name(server, begins=False)
        except TrunklineError as error:
            _log.info("lineage.not_vouched", code=error.code, error=error.message)

    async def _unnamed(self, server: str) -> list[dict[str, Any]]:
        """STREAM.INFO of the streams that don't name `server`; those that aren't there yet are made with its name."""
        infos = await asyncio.gather(*(self._info(name) for name in await self._names()))
        return [info for info in infos if info and server not in _servers(info)]

    async def _names(self) -> list[str]:
        """All streams of the log, those that are closed for new conversations too."""
        try:
            return await names_of_log(self._link)
        except ForbiddenError:
            # The server's users are those of an earlier version.
            return [chat_stream(s) for s in self._streams]

    async def _info(self, name: str) -> dict[str, Any] | None:
        try:
            info: dict[str, Any] = await self._link.api(f"STREAM.INFO.{name}", {})
        except ApiError as refused:
            if refused.status_code != NOT_FOUND:
                raise
            return None
        return info

    async def _begin(self, server: str) -> None:
        """One process begins the epochs, the others see what it did: two would number the same event twice."""
        claims: Bucket[Holder] = Bucket(self._link, "leases", Holder)
        try:
            await claims.create(f"epochs.{server}", Holder(self._instance), CLAIM_S)
        except KeyExistsError:
            await asyncio.sleep(LOOK_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            return
        except ForbiddenError:
            # The server's users are those of an earlier version: alone is then only likely.
            _log.warning("lineage.not_alone", hint="see `trunkline nats users`")
        await self._name(server, begins=True)

    async def _name(self, server: str, *, begins: bool) -> None:
        for info in await self._unnamed(server):
            await _name(self._link, info, server, begins=begins)


async def put_back(link: Link) -> int:
    """Somebody says that the streams of the log were put back: an epoch begins at the end of each. Returns how many."""
    names = await names_of_log(link)
    for name in names:
        await _name(link, await link.api(f"STREAM.INFO.{name}", {}), link.server_id, begins=True)
    return len(names)


async def _name(link: Link, info: dict[str, Any], server: str, *, begins: bool) -> None:
    """Has a stream name `server`; with `begins` an epoch begins at its end."""
    state, config = epochs.state_of(info), info["config"]
    metadata = {**(config.get("metadata") or {}), SERVERS_KEY: named_with(_servers(info), server)}
    if begins:
        begun = epochs.after_rollback(state.epochs, state.last, int(time.time()))
        metadata[EPOCH_KEY] = epochs.render(begun)
        _log.info("lineage.epoch_begun", stream=config["name"], epoch=begun.now, at=state.last + 1)
    await link.api(f"STREAM.UPDATE.{config['name']}", {**config, "metadata": metadata})


def _servers(info: dict[str, Any]) -> list[str]:
    return str((info["config"].get("metadata") or {}).get(SERVERS_KEY, "")).split(",")


def named_with(servers: list[str], server: str) -> str:
    """`SERVERS_KEY` with one server more; the oldest are forgotten beyond `SERVERS_MOST`."""
    return ",".join([*(s for s in servers if s and s != server), server][-SERVERS_MOST:])
