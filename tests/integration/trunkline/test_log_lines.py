"""Lines of log as an operator finds them: one form, findable, a sentence where a sentence will do."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.processes import Process
from tests.harness.system import System
from tests.harness.up import up
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

KEYS = {"timestamp", "level", "event", "process", "instance"}


@pytest.mark.rest
def test_up_and_its_children_write_one_form(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        os.kill(running.child("nats-server"), signal.SIGKILL)
        os.kill(running.child("adapter routing"), signal.SIGKILL)
        wait_until(lambda: {"up", "node"} <= {line["process"] for line in _after_banner(running.said())})
        assert running.stop() == 0
        lines = _after_banner(running.said())
    for line in lines:
        assert line.keys() >= KEYS, line
        assert "exception" not in line, line
    killed = next(line for line in lines if "nats-server was ended by SIGKILL" in line["event"])
    assert (killed["process"], killed["level"]) == ("up", "warning")
    assert len({line["instance"] for line in lines if line["process"] == "up"}) == 1


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    running = System(tmp_path_factory.mktemp("lines"))
    try:
        yield running.start(nodes=0)
    finally:
        running.end()


@pytest.mark.parametrize("setting", ["TRUNKLINE_NODE_PORT", "TRUNKLINE_HEALTH_PORT"])
def test_a_port_that_is_taken_is_a_sentence(system: System, tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        node = Process("node", ["node"], system.environment, tmp_path)
        node.port, node.health_port = _both(setting, taken.getsockname()[1])
        node.start()
        assert node.process is not None
        assert node.process.wait(30) == 1
    told = [line for line in _lines(node) if line["level"] == "error"]
    assert len(told) == 1
    assert f"{setting} says another port" in told[0].get("error", told[0]["event"])
    assert "Traceback" not in node.tail(200)


def test_a_wrong_password_is_a_sentence_that_names_the_setting_and_is_not_repeated_for_ever(
    system: System, tmp_path: Path
) -> None:
    node = Process("node", ["node"], {**system.environment}, tmp_path)
    node.environment["TRUNKLINE_NATS_PASSWORD"] = "wrong"
    node.start()
    wait_until(lambda: sum(line["event"] == "nats.refused_us" for line in _lines(node)) == 5)
    assert node.ready()[0] == 503
    node.stop()
    told = [line for line in _lines(node) if line["event"] == "nats.refused_us"]
    assert len(told) == 5
    assert "TRUNKLINE_NATS_PASSWORD" in told[0]["error"]
    assert "Traceback" not in node.tail(200)


def _both(setting: str, taken: int) -> tuple[int, int]:
    """Ports of a node of which one is taken."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = int(other.getsockname()[1])
    return (taken, free) if setting == "TRUNKLINE_NODE_PORT" else (free, taken)


def _after_banner(said: str) -> list[dict[str, Any]]:
    """Everything behind the banner; what isn't JSON fails."""
    return [json.loads(line) for line in said.partition("Ctrl-C stops it.\n")[2].splitlines()]


def _lines(process: Process) -> list[dict[str, Any]]:
    """Whole lines so far."""
    written = process.log.read_text() if process.log.exists() else ""
    return [json.loads(line) for line in written.rpartition("\n")[0].splitlines() if line]
