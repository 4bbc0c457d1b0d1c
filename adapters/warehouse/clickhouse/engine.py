"""The only door to ClickHouse: one writer and a few readers, each a client in a thread of its own.

The event loop never calls the engine. Clients aren't shared between threads: chDB holds one lock a
client, so two threads on one client wait for each other (warehouse.md, section 1).
"""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar
from xml.sax.saxutils import escape

import clickhouse_connect
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as ClickHouseError

from adapters.warehouse.clickhouse import server
from adapters.warehouse.clickhouse.reach import Reach
from adapters.warehouse.clickhouse.server import AwayError
from adapters.warehouse.settings import SECTION, Target, Warehouse
from backbone import private
from backbone.errors import InvalidInputError, SettingError, UnavailableError
from backbone.settings import variable

T = TypeVar("T")

_log = structlog.get_logger("warehouse.engine")

READ_LIMITS = {
    "max_execution_time": 10,
    "max_memory_usage": 1_000_000_000,
    "max_rows_to_read": 50_000_000,
    "max_result_rows": 10_000,
    "result_overflow_mode": "throw",
    "max_threads": 2,
    "do_not_merge_across_partitions_select_final": 1,
}
"""What one reading query may cost (warehouse.md, section 6)."""

NO_ROOM = frozenset({243})
"""ClickHouse's number for a disk that is full."""

TOO_WIDE = frozenset({158, 159, 241, 396})
"""Engine errors that mean: too many rows, too long, too much memory, too large a result."""

_CONFIG = """<clickhouse>
  <max_server_memory_usage>{memory_bytes}</max_server_memory_usage>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <tables_loader_background_pool_size>2</tables_loader_background_pool_size>
  <backups><allowed_path>{backup_dir}/</allowed_path></backups>
</clickhouse>
"""


class LockedError(UnavailableError):
    """Another process has the embedded engine's directory open."""

    code = "warehouse.locked"


class Engine:
    """An open engine. `write` runs on the writer, one call after another; `read` on one of the readers.

    Both take a function of a client that runs in a thread; both raise what it raises, engine errors
    turned into UnavailableError or, for a query that asks too much, InvalidInputError. Whether a server can be used is
    in `reach`; questions to one that can't are refused at once.
    """

    def __init__(self, target: Target, settings: Warehouse) -> None:
        """Takes the directory of an embedded engine. Raises LockedError if another process has it."""
        self.target = target
        self._held = _hold(Path(target.path), settings) if target.path else None
        self._server = "" if target.path else server.place(target.dsn)
        if self._server:
            server.quiet()
        self.reach = Reach(f"ClickHouse at {self._server} hasn't answered yet." if self._server else None)
        self._waits = server.waits(settings)
        self.questions = 0
        """How many there were: who sees no more of them knows that nobody asks."""
        self._own = threading.local()
        self._clients: list[Client] = []
        self._writer = ThreadPoolExecutor(1, "warehouse-writer")
        self._readers = ThreadPoolExecutor(settings.readers, "warehouse-reader")
        self._prober = ThreadPoolExecutor(1, "warehouse-prober")

    async def write(self, work: Callable[[Client], T]) -> T:
        """Runs `work` on the writer."""
        return await self._run(self._writer, self._open_writer, work, None)

    async def read(self, work: Callable[[Client], T], deadline: float | None = None) -> T:
        """Runs `work` on a reader. Raises UnavailableError if `deadline` (monotonic seconds) passed before it began."""
        return await self._run(self._readers, self._open_reader, work, deadline)

    async def probe(self, work: Callable[[Client], T]) -> T:
        """Runs `work` on a client that waits for seconds only. Raises AwayError if the server can't be used."""
        return await self._run(self._prober, self._open_prober, work, None)

    def close(self) -> None:
        """Waits for what runs, then closes every client. Call it outside the event loop."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._prober.shutdown()
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._held:
            tempfile.tempdir = self._held.scratch_before
            self._held.lock.close()

    async def _run(
        self,
        pool: ThreadPoolExecutor,
        open_client: Callable[[], Client],
        work: Callable[[Client], T],
        deadline: float | None,
    ) -> T:
        def call() -> T:
            if deadline is not None and time.monotonic() > deadline:
                raise UnavailableError("warehouse.late", "The answer would have come too late; ask again.")
            if pool is self._readers and self.reach.problem:
                raise AwayError(self.reach.problem)
            try:
                return work(self._own_client(open_client))
            except ClickHouseError as failed:
                raise self._refusal(failed, pool) from failed

        self.questions += pool is self._readers
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    def _own_client(self, open_client: Callable[[], Client]) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = open_client()
            self._clients.append(client)
        return client

    def _refusal(self, failed: ClickHouseError, pool: ThreadPoolExecutor) -> UnavailableError | InvalidInputError:
        """What a failure means to whoever called."""
        if not self._server:
            return _ours(failed)
        if server.is_away(failed):
            away = AwayError(server.sentence(failed, self._server))
            self.reach.lost(away.message)
            return away
        if failed.code in server.NO_TABLES and pool is not self._writer:
            return AwayError(f"ClickHouse at {self._server} has no tables of this version yet.")
        ours = _ours(failed)
        # What a load or a probe is refused is nobody's question: it is tried again.
        is_answer = pool is self._readers or isinstance(ours, NoRoomError)
        return ours if is_answer else AwayError(server.sentence(failed, self._server))

    def _connect(self, answer_s: int) -> Client:
        if self._held is None:
            client = clickhouse_connect.get_client(dsn=self.target.dsn, database="default", **server.options(answer_s))
            if problem := server.too_old(str(client.server_version), self._server):
                client.close()
                self.reach.lost(problem)
                raise AwayError(problem)
            return client
        try:
            return clickhouse_connect.get_client(
                interface="chdb", path=self.target.path, chdb_options={"config-file": str(self._held.config)}
            )
        except ClickHouseError as failed:
            raise UnavailableError("warehouse.engine_unavailable", f"ClickHouse can't be opened: {failed}") from failed

    def _open_writer(self) -> Client:
        client = self._connect(self._waits.load_s)
        database = self.target.database
        # Asked first: who may not create databases may still have been given this one.
        if not rows(client, "SELECT 1 FROM system.databases WHERE name = {name:String}", {"name": database}):
            client.command(f"CREATE DATABASE IF NOT EXISTS {quoted(database)}")
        client.database = database
        return client

    def _open_prober(self) -> Client:
        client = self._connect(self._waits.probe_s)
        client.database = self.target.database
        return client

    def _open_reader(self) -> Client:
        client = self._connect(self._waits.question_s)
        client.database = self.target.database
        for name, value in READ_LIMITS.items():
            client.set_client_setting(name, value)
        # Last, since nothing can be set after it.
        client.set_client_setting("readonly", 1)
        return client


class NoRoomError(UnavailableError):
    """ClickHouse found no room on its disk."""

    code = "warehouse.full"

    def __init__(self, message: str) -> None:
        super().__init__("warehouse.full", message, retry_after_ms=5000)


def load_library(target: Target) -> None:
    """Loads the embedded engine's library, without opening anything: most of what opening takes.

    Raises SettingError if it isn't installed.
    """
    if not target.path:
        return
    try:
        importlib.import_module("chdb")
    except ModuleNotFoundError as missing:
        name = variable(SECTION, "dsn")
        raise SettingError(
            message=f"{name} names an embedded engine, which isn't installed: pip install 'trunkline[embedded]'.",
            field=name,
        ) from missing


def rows(client: Client, sql: str, parameters: dict[str, Any], **how: Any) -> list[tuple[Any, ...]]:
    """The rows of one query with bound parameters."""
    return [tuple(row) for row in client.query(sql, parameters=parameters, **how).result_rows]


def quoted(name: str) -> str:
    """An identifier in back quotes."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _ours(failed: ClickHouseError) -> UnavailableError | InvalidInputError:
    if failed.code in TOO_WIDE:
        return InvalidInputError("warehouse.too_wide", "That asks for too much at once; narrow the range.")
    if failed.code in NO_ROOM or "No space left" in str(failed):
        return NoRoomError(message=f"ClickHouse has no room: {server.brief(failed)}")
    return UnavailableError("warehouse.query_failed", f"ClickHouse refused: {str(failed)[:500]}")


class _Held(NamedTuple):
    """An embedded engine's directory, ours while `lock` is open."""

    lock: IO[bytes]
    config: Path
    scratch_before: str | None


def _hold(path: Path, settings: Warehouse) -> _Held:
    """Locks the directory, writes the engine's config file and empties its scratch folder."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if private.close_to_others(path):
            _log.warning("warehouse.folder_closed", path=str(path), mode="0700")
    except private.OpenFolderError as error:
        raise SettingError(message=f"TRUNKLINE_WAREHOUSE_DSN: {error}", field="dsn") from error
    lock = (path / "trunkline.lock").open("wb")
    try:
        # chDB locks too, but what it says then doesn't tell a locked directory from a broken one.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise LockedError(message=f"{path} is open in another process; an embedded engine allows one.") from None
    scratch = path / "inserts"
    # chDB takes each insert from a temporary file. Kept beside the data: the system's own folder may be
    # memory, and what a killed process left behind is swept here on the next start.
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    scratch_before, tempfile.tempdir = tempfile.tempdir, str(scratch)
    config = path / "trunkline.xml"
    config.write_text(
        _CONFIG.format(
            memory_bytes=settings.memory_bytes,
            backup_dir=escape(settings.backup_dir or str(path.parent / "backup")),
        ),
        encoding="utf-8",
    )
    return _Held(lock, config, scratch_before)
