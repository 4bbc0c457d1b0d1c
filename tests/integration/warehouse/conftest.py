"""A real chDB for the tests of the warehouse: one directory a test run, a database of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.warehouse import migrations
from adapters.warehouse.engine import Engine
from adapters.warehouse.settings import Target, Warehouse
from backbone import streams
from backbone.link import Link
from tests.harness.clickhouse import ClickHouse
from tests.harness.nats import NatsServer

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


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A server that nobody harms."""
    started = ClickHouse(tmp_path_factory.mktemp("clickhouse")).start()
    yield started
    started.kill()


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.rest)])
def where(request: pytest.FixtureRequest) -> Target:
    """The engine, embedded or a server, and a database that nobody else uses."""
    database = f"test_{next(_numbers)}"
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
    """An open engine with its tables."""
    await engine.write(lambda client: migrations.migrate(client, ""))
    return engine


@pytest.fixture
async def link(nats: NatsServer) -> AsyncIterator[Link]:
    """A connection to a NATS with the log's streams."""
    opened = Link()
    await opened.open(nats.url, name="test", user=nats.user, password=nats.password)
    await streams.ensure(opened, STREAMS)
    yield opened
    await opened.close()
