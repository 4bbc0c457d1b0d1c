"""`trunkline up`, a process by itself and `trunkline nats run`, under Type=notify and WatchdogSec."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backbone.process import notify
from tests.harness.notified import Systemd, systemd
from tests.harness.ports import free_port
from tests.harness.system import System
from tests.harness.up import up
from tests.harness.upgrade import upgrade
from trunkline import embedded, rest
from trunkline.up.mending import greets

pytestmark = pytest.mark.timeout(180)

WATCHDOG_S = 3.0
SECRET = "a-password-of-nats-that-lives-for-one-test-only"


def test_up_is_ready_when_it_serves_and_tells_that_it_turns_through_an_upgrade(tmp_path: Path) -> None:
    """The same process goes on: it is ready again, and at no time was it silent for as long as the unit allows.

    None of its children speaks to the unit.
    """
    with systemd(tmp_path / "notify") as unit:
        with up(tmp_path, environment=unit.environment(3 * WATCHDOG_S)) as running:
            ready = unit.wait_for(notify.READY)
            assert rest.call("GET", f"{running.http}/readyz").status == 200
            assert not unit.said(notify.STOPPING)
            upgrade(running)
            unit.wait_for(notify.READY, since=ready.at + 0.001)
            signs = [word.at for word in unit.said(notify.ALIVE)]
            assert max(later - sooner for sooner, later in itertools.pairwise(signs)) < 3 * WATCHDOG_S
            assert {word.pid for word in unit.words} == {running.process.pid}
            assert running.stop() == 0
        unit.wait_for(notify.STOPPING)


@pytest.mark.rest
def test_an_up_that_hangs_tells_nothing(tmp_path: Path) -> None:
    with systemd() as unit, up(tmp_path, environment=unit.environment(WATCHDOG_S)) as running:
        unit.wait_for(notify.READY)
        _tells_every_third(unit)
        _is_silent_while_stopped(unit, running.process.pid)
        running.child("node")


@pytest.mark.rest
def test_a_process_is_ready_once_it_works_and_tells_nothing_while_its_loop_is_blocked(tmp_path: Path) -> None:
    system = System(tmp_path)
    with systemd() as unit:
        try:
            system.start(nodes=0)
            system.nats.kill()
            system.more = {**unit.environment(WATCHDOG_S)}
            routing = system._process("routing", ["adapter", "routing"]).start()
            _until_it_answers(routing.health)
            unit.wait_for(notify.ALIVE)
            assert not unit.said(notify.READY)
            system.nats.start()
            unit.wait_for(notify.READY)
            assert routing.ready()[0] == 200
            _tells_every_third(unit)
            _is_silent_while_stopped(unit, routing.pid)
            assert routing.stop() == 0
            unit.wait_for(notify.STOPPING)
            assert {word.pid for word in unit.words} == {routing.pid}
        finally:
            system.end()


@pytest.mark.rest
def test_a_nats_server_of_ones_own_is_ready_when_it_takes_connections(tmp_path: Path) -> None:
    port = free_port()
    embedded.configure(tmp_path / "etc", SECRET)
    with systemd() as unit:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")},
            **embedded.environment(store=tmp_path / "store", sync="always", port=port),
            **unit.environment(WATCHDOG_S),
        }
        command = [sys.executable, "-m", "trunkline", "nats", "run", str(tmp_path / "etc" / "nats.conf")]
        running = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            unit.wait_for(notify.READY)
            assert greets(("127.0.0.1", port)) == "greets"
            _tells_every_third(unit)
            _is_silent_while_stopped(unit, running.pid)
            running.terminate()
            assert running.wait(30) == 0
            unit.wait_for(notify.STOPPING)
            assert {word.pid for word in unit.words} == {running.pid}
        finally:
            if running.poll() is None:
                running.kill()
                running.wait(10)


def _tells_every_third(unit: Systemd) -> None:
    began = time.monotonic()
    for _ in range(3):
        sign = unit.wait_for(notify.ALIVE, WATCHDOG_S, since=began)
        assert sign.at - began < WATCHDOG_S
        began = sign.at + 0.001


def _is_silent_while_stopped(unit: Systemd, pid: int) -> None:
    """Nothing comes for as long as the unit allows: time that passes is what is tested."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # What was on its way.
        time.sleep(0.3)
        since = time.monotonic()
        time.sleep(WATCHDOG_S)
        assert not [word for word in unit.words if word.at >= since]
    finally:
        os.kill(pid, signal.SIGCONT)
    unit.wait_for(notify.ALIVE, since=since)


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            assert rest.call("GET", f"{url}/readyz").status == 503
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
