"""Channels that fetch: one replica a stream of an account, by lease `poll.<inbox>.<stream>`; its cursor is stored
after the log has everything before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from typing import Any, Final

import msgspec
import structlog

from adapters.channels.kit.incoming.receive import Bell, Receiver
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone import failpoints
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Cursor
from backbone.channel import FaultError, Page, Pause
from backbone.errors import TrunklineError
from backbone.ids import key_hash
from backbone.nats import subjects
from backbone.nats.leases import Lease

BACKOFF_MOST_S: Final = 60.0
LEASE_S: Final = 15
FAILING_TRIES: Final = 3
FAILING_S: Final = 15.0
"""A stream that failed 3 times in a row, or twice in so long, is told of: within a minute also where each try takes its
time. One that runs for `WELL_S` is well again, which is longer than a server's silence is borne (60 s).
"""

WELL_S: Final = 70.0
REASON_MOST: Final = 300

_log = structlog.get_logger("channels.fetching")


class Fetching:
    """Runs `fetch` or `listen` of every account of one channel."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits, receiver: Receiver) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits
        self._receiver = receiver
        self._bucket = stores.channels(room.link)
        self._running: dict[tuple[str, str], tuple[asyncio.Task[None], Any]] = {}
        """By account and stream, each with the settings that it began with."""

        self._tasks: set[asyncio.Task[None]] = set()
        """Those that run, and those that were told to end and still give back what they hold."""

        self._rung: dict[str, asyncio.Event] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the channel fetches at all."""
        return hasattr(self._room.channel, "fetch") or hasattr(self._room.channel, "listen")

    async def run(self) -> None:
        """Works until cancelled; accounts come and go."""
        bells = self._room.link.subscribe_raw(subjects.bells(self._room.channel.name), self._rung_for)
        moved = asyncio.Event()
        self._accounts.changed.append(lambda _account: moved.set())
        try:
            while True:
                self._begin_and_end()
                moved.clear()
                await moved.wait()
        finally:
            self._room.link.unsubscribe_raw(bells)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin_and_end(self) -> None:
        wanted = {
            (account.id, stream): account
            for account in self._accounts.all()
            if account.settings is not None
            for stream in self._streams(account)
        }
        for key, (task, settings) in list(self._running.items()):
            # Another mailbox or password counts at once, not once a connection has broken.
            if key not in wanted or wanted[key].settings != settings:
                self._running.pop(key)
                task.cancel()
        for key, account in wanted.items():
            if key not in self._running:
                task = asyncio.create_task(self._stream(account, key[1]), name=f"fetch.{key[0]}")
                self._running[key] = (task, account.settings)
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _streams(self, account: Account) -> tuple[str, ...]:
        channel: Any = self._room.channel
        named: tuple[str, ...] = tuple(channel.streams(account.settings)) if hasattr(channel, "streams") else ()
        return named or channel.caps.streams

    async def _stream(self, account: Account, stream: str) -> None:
        """One stream for ever: alone, from its cursor, again with backoff."""
        failures = 0
        first_at = 0.0
        while True:
            why = ""
            began_at = 0.0
            lease = Lease(self._room.link, f"poll.{account.id}.{key_hash(stream)[:16]}", self._room.instance, LEASE_S)
            try:
                await lease.take()
                began_at = time.monotonic()
                await lease.while_held(self._work(account, stream))
                failures = 0
            except FaultError as error:
                why = error.answer or str(error)
                if isinstance(error.fault, Pause):
                    why = ""
                    await self._accounts.pause(account, error.fault.reason)
                _log.warning("fetch.failed", inbox=account.id, stream=stream, error=str(error)[:REASON_MOST])
            except TrunklineError as error:
                # The log's or a bucket's: nothing is wrong with the account.
                _log.warning("fetch.failed", inbox=account.id, stream=stream, error=str(error)[:REASON_MOST])
            except Exception as error:  # noqa: BLE001 - somebody else's code: logged, and begun anew
                why = f"{type(error).__name__}: {error}"
                _log.exception("fetch.broke", inbox=account.id, stream=stream)
            finally:
                await lease.release()
            now = time.monotonic()
            if began_at and now - began_at > WELL_S:
                failures = 0
            first_at = first_at if failures else now
            failures += 1
            if why and (failures >= FAILING_TRIES or (failures > 1 and now - first_at > FAILING_S)):
                await self._tell(account, why[:REASON_MOST])
            await asyncio.sleep(random.uniform(0.2, min(BACKOFF_MOST_S, 0.5 * 2 ** min(failures, 10))))  # noqa: S311 - jitter

    async def _work(self, account: Account, stream: str) -> None:
        well = asyncio.create_task(self._well_later(account))
        try:
            await (self._listen if hasattr(self._room.channel, "listen") else self._fetch)(account, stream)
        finally:
            well.cancel()

    async def _well_later(self, account: Account) -> None:
        await asyncio.sleep(WELL_S)
        await self._tell(account, "")

    async def _tell(self, account: Account, why: str) -> None:
        """Says in the account's health that nothing can be fetched, or that it can again."""
        try:
            await self._accounts.fails_to_fetch(account, why)
        except TrunklineError as error:
            _log.warning("fetch.untold", inbox=account.id, error=str(error)[:REASON_MOST])

    async def _listen(self, account: Account, stream: str) -> None:
        channel: Any = self._room.channel
        cursor = await self._cursor(account, stream)
        async with contextlib.aclosing(
            channel.listen(account.settings, stream, cursor, self._kits.of(account))
        ) as pages:
            async for page in pages:
                await self._store(account, stream, page, cursor)
                cursor = page.cursor or cursor

    async def _fetch(self, account: Account, stream: str) -> None:
        channel: Any = self._room.channel
        rung = self._rung.setdefault(account.id, asyncio.Event())
        cursor = await self._cursor(account, stream)
        while True:
            if account.ill:
                # Looked at now and then: a fetch that succeeds is the repair.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(account.well.wait(), self._room.settings.check_s)
            rung.clear()
            hint = account.bell.pop(stream, "")
            page: Page = await channel.fetch(account.settings, stream, cursor, hint, self._kits.of(account))
            await self._accounts.repaired(account)
            await self._store(account, stream, page, cursor)
            cursor = page.cursor or cursor
            if not page.more and not rung.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), channel.caps.poll_s or None)

    async def _store(self, account: Account, stream: str, page: Page, before: str) -> None:
        await self._receiver.take(account, page.events)
        if failpoints.ARMED:
            failpoints.reach("channel.before_cursor")
        if page.cursor and page.cursor != before:
            key = stores.cursor_key(account.tenant, account.id, stream)
            await self._bucket.put(key, Cursor(cursor=page.cursor))

    async def _cursor(self, account: Account, stream: str) -> str:
        kept = await self._bucket.get(stores.cursor_key(account.tenant, account.id, stream))
        return kept.value.cursor if kept and isinstance(kept.value, Cursor) else ""

    def _rung_for(self, subject: bytes, _reply: bytes, _header: bytes | None, data: bytes) -> None:
        bell = msgspec.json.decode(data, type=Bell)
        try:
            account = self._accounts.find(*subjects.account_of_bell(subject.decode()))
        except TrunklineError:
            return
        account.bell[bell.stream] = bell.hint
        self._rung.setdefault(account.id, asyncio.Event()).set()
