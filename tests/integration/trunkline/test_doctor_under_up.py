"""`trunkline doctor` beside `trunkline up`: its node that hangs, and how its children ended."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.up import Up, trunkline, up
from tests.integration.trunkline.plants import until
from trunkline.up import word
from trunkline.up.child import Part
from trunkline.up.supervisor import Supervisor

pytestmark = [pytest.mark.timeout(180), pytest.mark.rest]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One system, which each test leaves well."""
    with up(tmp_path_factory.mktemp("under_up")) as system:
        assert until(lambda: _doctor(system)[0] == 0), _doctor(system)
        yield system


def test_a_node_that_hangs_is_named_by_its_port_and_by_the_register(running: Up) -> None:
    node = running.child("node")
    os.kill(node, signal.SIGSTOP)
    try:
        code, checks = _doctor(running)
    finally:
        os.kill(node, signal.SIGCONT)
    assert code == 1
    assert "takes connections on port" in checks["node"]["detail"]
    assert "it hangs" in checks["node"]["detail"]
    assert "kill -CONT" in checks["node"]["todo"]
    assert f"process {node}, doesn't answer" in checks["processes"]["detail"]
    assert until(lambda: _doctor(running)[0] == 0), _doctor(running)


def test_a_child_that_was_started_again_is_told_with_how_it_ended(running: Up) -> None:
    os.kill(running.child("adapter routing"), signal.SIGKILL)
    assert until(lambda: "children" in _doctor(running)[1])
    assert until(lambda: _doctor(running)[0] == 0), _doctor(running)
    told = _doctor(running)[1]["children"]
    assert told["state"] == "warning"
    assert "routing was started again (1 times in a row)" in told["detail"]
    assert "was ended by SIGKILL" in told["detail"]


def test_a_child_that_refuses_to_start_says_why_on_its_pipe_and_up_leaves_word(tmp_path: Path) -> None:
    """Also where it never met NATS: a wrong setting, exit code 78, and the others go on."""
    part = Part(
        "telegram",
        (sys.executable, "-m", "trunkline", "adapter", "telegram"),
        {**os.environ, "TRUNKLINE_REPLICAS": "many", "TRUNKLINE_NATS_URL": "nats://127.0.0.1:9"},
        reports=True,
        is_optional=True,
    )
    supervisor = Supervisor(lambda _sentence: None)
    supervisor.note = lambda children: word.leave(tmp_path, children)
    child = supervisor.add(part)
    deadline = time.monotonic() + 30
    while child.keep and time.monotonic() < deadline:
        supervisor.wait(0.1)
    (told,) = word.read(tmp_path)
    assert not told.runs
    assert not told.is_kept
    assert told.failure.startswith("ended with code 78: TRUNKLINE_REPLICAS is 'many'")


def _doctor(system: Up) -> tuple[int, dict[str, Any]]:
    answer = trunkline("doctor", "--data", str(system.data), "--json")
    return answer.returncode, {check["name"]: check for check in json.loads(answer.stdout)["checks"]}
