"""One port of health and metrics for a machine under `trunkline up`, whatever its processes do."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from tests.harness.ports import free_port
from tests.harness.series import Series, series
from tests.harness.up import Up, up
from tests.harness.upgrade import upgrade
from trunkline import reference_metrics, rest
from trunkline.client import Client

pytestmark = pytest.mark.timeout(120)

CHILDREN = {"nats-server", "health", "routing", "warehouse", "node"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A system whose operator named a port."""
    folder = tmp_path_factory.mktemp("machine")
    with up(folder, environment={"TRUNKLINE_HEALTH_PORT": str(free_port())}) as running:
        yield running


def url(machine: Up) -> str:
    return f"http://127.0.0.1:{machine.health_port}"


def test_one_port_answers_for_every_process_of_the_machine(machine: Up) -> None:
    """The documented setting crash-looped all children but the first: each wanted that port for itself."""
    found = _when(machine, lambda s: all(_up(s, name) for name in CHILDREN))
    assert found.labels("trunkline_process_up", "process") == CHILDREN
    for name in ("node", "routing", "warehouse", "health"):
        assert found.value("process_resident_memory_bytes", process=name) > 1e6
    assert found.value("trunkline_node_sockets", process="node") == 0
    assert found.value("trunkline_nats_stream_bytes", stream="CHAT_00") >= 0
    assert found.value("trunkline_nats_store_max_bytes") > 1e6
    assert found.value("trunkline_disk_free_bytes", part="log") > 0
    assert found.labels("trunkline_process_restarts_total", "process") == CHILDREN
    assert f"http://127.0.0.1:{machine.health_port}/metrics" in machine.said()
    deadline = time.monotonic() + 30
    while not (ready := rest.call("GET", f"{url(machine)}/readyz")).body["ready"]:
        assert time.monotonic() < deadline, ready
        time.sleep(0.1)
    assert ready.status == 200
    assert set(ready.body["processes"]) == {"node", "routing", "warehouse"}


def test_the_public_port_shows_no_metrics(machine: Up) -> None:
    assert rest.call("GET", f"{machine.http}/metrics").status == 404


@pytest.mark.rest
def test_the_public_port_shows_no_metrics_also_without_another_port(tmp_path: Path) -> None:
    with up(tmp_path, environment={"TRUNKLINE_NODE_PUBLIC_URL": "https://chat.example.com/"}) as alone:
        assert rest.call("GET", f"{alone.http}/metrics").status == 404
        assert "health" not in alone.family()
        # What it prints can be opened from where browsers are.
        assert "Desk     https://chat.example.com/\n" in alone.said()
        assert "  https://chat.example.com/#/join/" in alone.said()
        assert alone.http not in alone.said()


@pytest.mark.parametrize("name", ["adapter warehouse", "nats-server"])
def test_a_process_that_hangs_costs_its_own_series_and_not_the_answer(machine: Up, name: str) -> None:
    hung = machine.child(name)
    process = name.removeprefix("adapter ")
    os.kill(hung, signal.SIGSTOP)
    try:
        began = time.monotonic()
        found = series(url(machine))
        assert time.monotonic() - began < 4
        assert not _up(found, process)
        assert _up(found, "node")
        assert found.value("process_resident_memory_bytes", process="node") > 1e6
        assert process not in found.labels("process_resident_memory_bytes", "process")
        began = time.monotonic()
        ready = rest.call("GET", f"{url(machine)}/readyz")
        assert time.monotonic() - began < 4
        if process == "warehouse":
            assert ready.status == 503
            assert ready.body["processes"][process] == {"ready": False, "problem": "It doesn't answer."}
    finally:
        os.kill(hung, signal.SIGCONT)
    _when(machine, lambda s: _up(s, process))


def test_who_is_started_again_is_counted(machine: Up) -> None:
    before = series(url(machine)).value("trunkline_process_restarts_total", process="routing")
    os.kill(machine.child("adapter routing"), signal.SIGKILL)
    found = _when(
        machine,
        lambda s: s.value("trunkline_process_restarts_total", process="routing") == before + 1 and _up(s, "routing"),
    )
    assert found.value("process_resident_memory_bytes", process="routing") > 1e6


def test_the_port_outlives_its_own_process(machine: Up) -> None:
    """Its socket is `up`'s: while the process is started again, who asks waits."""
    os.kill(machine.child("health"), signal.SIGKILL)
    assert series(url(machine), within_s=30).text
    found = _when(machine, lambda s: _up(s, "node"))
    assert found.value("trunkline_process_restarts_total", process="health") >= 1


@pytest.mark.rest
def test_the_port_goes_through_an_upgrade_and_its_counts_too(machine: Up) -> None:
    os.kill(machine.child("adapter routing"), signal.SIGKILL)
    before = _when(machine, lambda s: _up(s, "routing")).value("trunkline_process_restarts_total", process="routing")
    assert before
    upgrade(machine)
    found = _when(machine, lambda s: all(_up(s, name) for name in CHILDREN))
    assert found.value("trunkline_process_restarts_total", process="routing") == before


def test_a_port_that_is_taken_is_named_with_the_fix(machine: Up, tmp_path: Path) -> None:
    second = Up(tmp_path, environment={"TRUNKLINE_HEALTH_PORT": str(machine.health_port)})
    assert second.process.wait(60) == 1
    assert f"127.0.0.1:{machine.health_port} can't be used" in second.said()
    assert "TRUNKLINE_HEALTH_PORT" in second.said()


@pytest.mark.rest
def test_promtool_finds_nothing_to_say_of_any_series(machine: Up) -> None:
    """Neither errors nor what its linter thinks of names, units and help; after each kind of traffic has been there."""
    promtool = shutil.which("promtool")
    assert promtool, "run `make test-rest`"
    token, _ = rest.become_visitor(machine.http, "web", "")
    asyncio.run(_say(machine, token))
    found = _when(machine, lambda s: s.value("trunkline_routing_queue", process="routing") >= 1)
    assert reference_metrics.page()
    every_one_of_the_code = generate_latest().decode()
    assert "trunkline_channel_parked" in every_one_of_the_code
    for text in (found.text, every_one_of_the_code):
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
        )
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


async def _say(machine: Up, token: str) -> None:
    async with Client([f"ws://127.0.0.1:{machine.port}/ws"], token=token).running() as visitor:
        await visitor.send("hello?")


def test_the_user_of_metrics_reads_what_the_server_says_and_nothing_else(machine: Up) -> None:
    environ = Path(f"/proc/{machine.child('health')}/environ").read_bytes().decode().split("\0")
    told = dict(line.partition("=")[::2] for line in environ)
    assert told["TRUNKLINE_NATS_USER"] == "trunkline-metrics"
    operator = (machine.data / "secret" / "nats").read_text()
    signing = (machine.data / "secret" / "signing").read_text()
    assert not [line for line in environ if operator in line or signing in line]
    configured = (machine.data / "nats-server" / "nats-users.conf").read_text()
    row = next(line for line in configured.splitlines() if '"trunkline-metrics"' in line)
    allowed = json.loads(row[row.index("allow: ") + 7 : row.index(", deny")])
    assert allowed == ["$SYS.REQ.SERVER.PING.JSZ", "$SYS.REQ.SERVER.PING.VARZ"]


def _up(found: Series, name: str) -> bool:
    return found.value("trunkline_process_up", process=name) == 1


def _when(machine: Up, holds: Callable[[Series], bool], within_s: float = 60) -> Series:
    """The series once `holds` is true of them."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            found = series(url(machine), within_s=30)
            if holds(found):
                return found
        except AssertionError:
            found = None
        assert time.monotonic() < deadline, f"{found.text if found else ''}\n{machine.said()}"
        time.sleep(0.1)
