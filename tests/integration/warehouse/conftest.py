"""A real chDB for the tests of the warehouse: one directory a test run, a database of its own for each test or file."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse import migrations
from adapters.warehouse.clickhouse.engine import Engine, rows
from adapters.warehouse.settings import Target, Warehouse
from backbone.nats import streams
from backbone.nats.link import Link
from tests.harness.clickhouse import ClickHouse
from tests.harness.nats import NatsServer, emptied, running_nats

STREAMS = ["00", "01", "02"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ChDB opens one path a process."""
    return tmp_path_factory.mktemp("chdb")


@pytest.fixture
def settings() -> Warehouse:
    """Small loads, so that a test has several."""
    return Warehouse(load_events=50, load_ms=20, lease_s=2)


@pytest.fixture(scope="package")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A server that nobody harms."""
    started = ClickHouse(tmp_path_factory.mktemp("clickhouse")).start()
    yield started
    started.kill()


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.rest)])
def where(request: pytest.FixtureRequest) -> Target:
    """The engine, embedded or a server, and a database of the test, or of its file where that says SHARES_TABLES."""
    is_shared = getattr(request.module, "SHARES_TABLES", False)
    database = f"test_{Path(request.module.__file__).stem}" if is_shared else f"test_{next(_numbers)}"
    if request.param == "server":
        return Target(request.getfixturevalue("running_server").dsn, "", database)
    directory = request.getfixturevalue("directory")
    return Target(f"chdb://{directory}", str(directory), database)


@pytest.fixture
def engine(where: Target, settings: Warehouse) -> Iterator[Engine]:
    """An open engine without tables."""
    opened = Engine(where, settings)
    opened.reach.problem = None  # nobody watches a server here
    yield opened
    opened.close()


@pytest.fixture
async def tables(engine: Engine) -> Engine:
    """An open engine with its tables, which are empty."""
    await engine.write(lambda client: migrations.migrate(client, "") or _empty(client))
    return engine


def _empty(client: Client) -> None:
    """A migration takes a third of a second of CPU, emptying what another test of the file left a tenth of that."""
    filled = (
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND name NOT IN ('schema_migrations', 'schema_additions') AND total_rows > 0"
    )
    for (name,) in rows(client, filled, {}):
        client.command(f"TRUNCATE TABLE {name} SYNC")


@pytest.fixture(scope="package")
def nats_of_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server for tests that harm no server; each begins with `emptied`."""
    with running_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
async def link(request: pytest.FixtureRequest) -> AsyncIterator[Link]:
    """A connection to a NATS with the log's streams: to the test's own where it has one, for its processes."""
    nats: NatsServer = request.getfixturevalue("nats" if "nats" in request.fixturenames else "nats_of_folder")
    opened = Link()
    await opened.open(nats.url, name="test", user=nats.user, password=nats.password)
    await emptied(opened, nats)
    await streams.ensure(opened, STREAMS)
    yield opened
    await opened.close()
