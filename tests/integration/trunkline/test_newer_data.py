"""Data of a newer release, and a server of an older one: refused with one sentence before anything is overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backbone.schema import SCHEMA
from tests.harness.apart import run_apart
from tests.harness.nats import NatsServer
from tests.harness.older import calls_itself
from tests.harness.system import System
from tests.harness.up import Up
from trunkline.connect import connected

pytestmark = pytest.mark.timeout(180)

NEWER = {"schema": str(SCHEMA + 1), "release": "9.9.0"}
SENTENCE = f"CHAT_03 holds data of a newer Trunkline (9.9.0): schema {SCHEMA + 1}"
CONFIG = 78


async def mark(system: System, stream: str, metadata: dict[str, str]) -> None:
    """As a newer release's `init` does."""
    async with connected(system.common, "test", to_any=True) as link:
        config = (await link.api(f"STREAM.INFO.{stream}", {}))["config"]
        await link.api(
            f"STREAM.UPDATE.{stream}", {**config, "max_msgs": 1_000_000, "metadata": {**config["metadata"], **metadata}}
        )


async def state_of(system: System) -> dict[str, Any]:
    """Configuration and last sequence of every stream and bucket."""
    async with connected(system.common, "test", to_any=True) as link:
        names = (await link.api("STREAM.NAMES", {}))["streams"] or []
        infos = [await link.api(f"STREAM.INFO.{name}", {}) for name in names]
        return {info["config"]["name"]: (info["config"], info["state"]["last_seq"]) for info in infos}


def test_every_process_that_connects_refuses_data_of_a_newer_release_once_and_writes_nothing(tmp_path: Path) -> None:
    """Its sentence, and exit code 78 where something would start the process again."""
    system = System(tmp_path)
    try:
        system.nats.start()
        assert system.run("init").returncode == 0
        run_apart(mark(system, "CHAT_03", NEWER))
        before = run_apart(state_of(system))
        for arguments, code in (
            (["init"], CONFIG),
            (["sql", "SELECT 1"], 1),
            (["node"], CONFIG),
            (["adapter", "routing"], CONFIG),
            (["adapter", "warehouse"], CONFIG),
            (["adapter", "telegram"], CONFIG),
        ):
            answer = _refused(system, arguments)
            assert answer.returncode == code, (arguments, answer.stdout, answer.stderr)
            said = answer.stdout + answer.stderr
            assert said.count(SENTENCE) == 1, (arguments, said)
            assert "Traceback" not in said, (arguments, said)
        assert run_apart(state_of(system)) == before
    finally:
        system.end()


def test_a_server_that_is_too_old_is_refused_before_it_drops_settings(tmp_path: Path, nats: NatsServer) -> None:
    """2.11 takes `allow_atomic` and keeps nothing of it."""
    system = System(tmp_path)
    system.nats = nats
    with calls_itself(nats, "2.11.9") as url:
        system.more = {"TRUNKLINE_NATS_URL": url}
        for arguments, code in ((["init"], CONFIG), (["node"], CONFIG)):
            answer = _refused(system, arguments)
            assert answer.returncode == code
            assert (answer.stdout + answer.stderr).count("nats-server is 2.11.9, and the log needs 2.12 or newer") == 1
    assert run_apart(state_of(system)) == {}


def test_up_refuses_the_folder_of_a_newer_release_before_it_starts_nats_server_on_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "schema.json").write_text(json.dumps(NEWER))
    running = Up(tmp_path)
    assert running.process.wait(60) == 78
    assert running.said().count("holds data of a newer Trunkline (9.9.0)") == 1
    assert sorted(path.name for path in data.iterdir()) == ["lock", "schema.json"]


@pytest.mark.rest
def test_up_refuses_streams_and_tables_of_a_newer_release_without_a_crash_loop(tmp_path: Path) -> None:
    """Where the folder doesn't tell, its streams do; and the warehouse's own tables, which nothing is written to."""
    system = System(tmp_path)
    try:
        system.start(nodes=0, adapters=("warehouse",))
        warehouse = system.adapters["warehouse"]
        assert warehouse.stop() == 0
        _add_migration(tmp_path / "warehouse")
        answer = _refused(system, ["adapter", "warehouse"])
        assert answer.returncode == CONFIG
        assert (answer.stdout + answer.stderr).count("start the newer Trunkline") == 1
        assert "Traceback" not in answer.stdout + answer.stderr
        run_apart(mark(system, "CHAT_03", NEWER))
    finally:
        system.end()
    data = tmp_path / "up" / "data"
    (data / "secret").mkdir(parents=True, mode=0o700)
    (tmp_path / "up" / "data").chmod(0o700)
    (tmp_path / "nats").rename(data / "nats")
    running = Up(tmp_path / "up")
    assert running.process.wait(60) == 78, running.said()
    assert running.said().count(SENTENCE) == 1, running.said()
    assert "Traceback" not in running.said()
    assert "starting it again" not in running.said()


_OF_TOMORROW = """
import asyncio, sys
from adapters.warehouse.clickhouse.engine import Engine
from adapters.warehouse.settings import Warehouse, target
engine = Engine(target(sys.argv[1]), Warehouse(dsn=sys.argv[1]))
insert = "INSERT INTO schema_migrations (number, name, checksum) VALUES (9, '0009_new.sql', 'x')"
asyncio.run(engine.write(lambda client: client.command(insert)))
engine.close()
"""


def _add_migration(folder: Path) -> None:
    """In a process of its own: an embedded engine's folder belongs to one, to its end."""
    answer = subprocess.run(
        [sys.executable, "-c", _OF_TOMORROW, f"chdb://{folder}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def _refused(system: System, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    system.more |= {"TRUNKLINE_NODE_PORT": "0", "TRUNKLINE_LOG_FORMAT": "console"}
    return system.run(*arguments)
