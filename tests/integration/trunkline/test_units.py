"""The units under deploy/systemd: what they promise, that systemd reads them, and that their commands run."""

from __future__ import annotations

import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from backbone.process import notify
from console import DIST
from tests.harness.notified import Systemd, systemd
from tests.harness.ports import free_port
from tests.harness.unitfile import PROGRAM, UNITS, Place, Unit, read
from trunkline import nats_users, rest
from trunkline.embedded import configure

pytestmark = pytest.mark.timeout(180)

SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
LONG_LIVED = [name for name in SERVICES if name != "trunkline-init.service"]
EXPOSURE_MOST = 15
"""Tenths of systemd's own measure, of 100: "OK" ends at 50."""

OPERATOR = "an-operators-password-that-lives-for-one-test-only"
SECRET = "a-signing-secret-for-units-that-lives-for-one-test"
DRAIN_S = 10

_CHANCE: Final = random.SystemRandom()
"""Of its own: pytest-randomly gives each test the same seed of `random`, also in another run."""


@pytest.mark.parametrize("name", SERVICES)
def test_each_is_started_again_but_not_where_it_refuses_its_settings(name: str) -> None:
    unit = read(name)
    assert unit.one("Restart") == "on-failure"
    assert unit.one("RestartPreventExitStatus") == "78"
    assert unit.one("StartLimitIntervalSec") == "0"
    assert int(unit.one("TimeoutStopSec")) > 2 * DRAIN_S
    assert unit.one("UMask") == "0077"
    assert unit.one("MemoryHigh") != unit.one("MemoryMax")
    assert unit.one("DynamicUser") == "yes"
    assert unit.settings["SystemCallFilter"] == ["@system-service", "~@privileged"]
    # No secret stands in a unit, nor comes by the environment: each gets the files that it needs.
    words = [word for line in unit.settings.get("Environment", []) for word in line.split()]
    assert not [word for word in words if re.match(r"\w*(PASSWORD|SECRET)=", word)]


@pytest.mark.parametrize("name", LONG_LIVED)
def test_each_tells_when_it_is_ready_and_that_it_turns(name: str) -> None:
    unit = read(name)
    assert unit.one("Type") == "notify"
    assert unit.one("NotifyAccess") == "main"
    assert int(unit.one("WatchdogSec")) >= 60
    assert unit.one("TimeoutStartSec") == "infinity"


def test_a_process_gets_its_own_credential_of_nats_and_no_other() -> None:
    for name, credential in (
        ("trunkline-node@.service", "node"),
        ("trunkline-routing.service", "routing"),
        ("trunkline-warehouse.service", "warehouse"),
        ("trunkline-channel@.service", "%i"),
        ("trunkline-init.service", "operator"),
    ):
        loaded = dict(line.split(":", 1) for line in read(name).settings["LoadCredential"])
        assert loaded["nats"] == f"/etc/trunkline/credentials/{credential}"
        assert set(loaded) == ({"nats"} if "warehouse" in name else {"nats", "secret"})


@pytest.mark.rest
def test_systemd_reads_all_of_them_without_a_word_and_finds_them_closed(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: Debian's package systemd has it")
    for path in UNITS.iterdir():
        text = path.read_text().replace(PROGRAM, str(Path(sys.executable).parent / "trunkline"))
        (tmp_path / path.name.replace("@.", "@8080.")).write_text(text)
    for path in sorted(tmp_path.iterdir()):
        read_by = subprocess.run(
            ["systemd-analyze", "verify", "--recursive-errors=one", f"./{path.name}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (read_by.returncode, read_by.stdout + read_by.stderr) == (0, "")
    for name in SERVICES:
        closed = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MOST}", str(UNITS / name)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert closed.returncode == 0, closed.stdout[-400:]


@pytest.fixture
def unit_of() -> Iterator[Systemd]:
    with systemd() as made:
        yield made


@pytest.mark.rest
def test_the_commands_of_all_units_make_a_system_that_serves_and_ends(tmp_path: Path, unit_of: Systemd) -> None:
    """As they stand in the files, each with its own credentials; another port and folder is all that differs."""
    node_port, nats_port = _port_of_four_digits(), free_port()
    place = Place(
        tmp_path,
        {
            "127.0.0.1:4222": f"127.0.0.1:{nats_port}",
            "/opt/trunkline/console": str(DIST),
        },
    )
    _credentials(tmp_path / "etc", "node", "routing", "warehouse", "telegram")
    started: list[tuple[Unit, str, subprocess.Popen[bytes]]] = []

    def start(name: str, instance: str = "") -> subprocess.Popen[bytes]:
        unit = read(name)
        more = unit_of.environment(float(unit.one("WatchdogSec"))) if "WatchdogSec" in unit.settings else {}
        process = place.start(unit, instance, more)
        started.append((unit, instance, process))
        return process

    try:
        nats = start("trunkline-nats.service")
        _until_ready(unit_of, nats, place, *started[-1][:2])
        init = start("trunkline-init.service")
        assert init.wait(60) == 0, place.said(*started[-1][:2])
        for name, instance in (
            ("trunkline-routing.service", ""),
            ("trunkline-warehouse.service", ""),
            ("trunkline-node@.service", str(node_port)),
            ("trunkline-channel@.service", "telegram"),
        ):
            process = start(name, instance)
            _until_ready(unit_of, process, place, *started[-1][:2])
        http = f"http://127.0.0.1:{node_port}"
        assert rest.call("GET", f"{http}/readyz").status == 200
        assert rest.call("GET", f"http://127.0.0.1:1{node_port}/readyz").status == 200
        assert rest.call("GET", f"{http}/w.js").status == 200
        rest.become_visitor(http, "web")
        for unit, instance, process in reversed(started):
            if process.poll() is None:
                process.terminate()
                assert process.wait(int(unit.one("TimeoutStopSec"))) == 0, place.said(unit, instance)
    finally:
        for _unit, _instance, process in started:
            if process.poll() is None:
                process.kill()
                process.wait(10)


def _until_ready(told: Systemd, process: subprocess.Popen[bytes], place: Place, unit: Unit, instance: str) -> None:
    deadline = time.monotonic() + 60
    while not [word for word in told.said(notify.READY) if word.pid == process.pid]:
        assert process.poll() is None, place.said(unit, instance)
        assert time.monotonic() < deadline, place.said(unit, instance)
        time.sleep(0.05)


def _credentials(etc: Path, *processes: str) -> None:
    """What deploy/README.md has an operator make."""
    configure(etc, OPERATOR)
    folder = etc / "credentials"
    folder.mkdir()
    (folder / "operator").write_text(OPERATOR)
    (folder / "secret").write_text(SECRET)
    for process in (*processes, "nats"):
        (folder / process).write_text(nats_users.credential(OPERATOR, process).password)


def _port_of_four_digits() -> int:
    """A free one of which the port of health, with a 1 before it, is free too. By chance: another run beside this one
    would find the same first one, and both would listen on it later.
    """
    ports = range(2100, 9900)
    for port in _CHANCE.sample(ports, len(ports)):
        try:
            for each in (port, 10_000 + port):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")
