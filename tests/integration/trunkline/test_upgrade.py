"""`trunkline upgrade`: newer code, and older again, takes over what runs; what isn't fit to is refused in words."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.machine import children
from tests.harness.up import Up, trunkline, up
from tests.harness.upgrade import other_version, upgrade
from tests.harness.waiting import wait_until
from trunkline import rest

pytestmark = pytest.mark.timeout(240)

WITHIN_S = 60.0
BOT = {"token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "secret": "secret-of-hooks"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Up]:
    """A system of this checkout's version."""
    with up(tmp_path) as made:
        yield made


def _ready(running: Up) -> dict[str, object]:
    answer = rest.call("GET", f"{running.http}/readyz", timeout_s=30)
    assert answer.status == 200
    body: dict[str, object] = answer.body
    return body


def _add_bot(running: Up) -> None:
    """The first account of a channel; returns once its adapter runs."""
    settings = running.data / "bot.json"
    settings.write_text(json.dumps(BOT))
    trunkline("channel", "add", "telegram", "--inbox", "bot", "--settings", str(settings), "--data", str(running.data))
    wait_until(lambda: "adapter telegram" in running.family(), running.said, WITHIN_S)


@pytest.mark.rest
def test_the_code_now_installed_runs_afterwards_and_the_former_can_follow_it(tmp_path: Path, running: Up) -> None:
    """`up` and each process are of the other version, in the same process and on the same port; then back."""
    python = other_version(tmp_path, "9.9.9")
    service = tmp_path / "tree-9.9.9" / "backbone" / "process" / "service.py"
    service.write_text(service.read_text().replace('"role": "starting"', '"marker": "newer", "role": "starting"'))
    assert "marker" not in _ready(running)
    steps = upgrade(running, python)
    assert steps[-1]["version"] == "9.9.9"
    assert [s["part"] for s in steps if s["state"] == "working"] == ["routing", "warehouse", "node"]
    assert _ready(running)["marker"] == "newer"
    # Linux: what a process runs. A link in a virtual environment keeps its own name there.
    words = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode().split("\0")
    assert words[0] == python
    assert upgrade(running)[-1]["version"] != "9.9.9"
    assert "marker" not in _ready(running)
    assert trunkline("doctor", "--data", str(running.data)).returncode == 0


@pytest.mark.long
def test_a_new_process_that_does_not_come_up_leaves_the_old_one_serving(tmp_path: Path, running: Up) -> None:
    """The node of the new version can't be imported: the reason is told, the old node never notices."""
    python = other_version(tmp_path, "9.9.9")
    (tmp_path / "tree-9.9.9" / "node" / "main.py").write_text("raise ImportError('this node is broken')\n")
    node = running.child("node")
    refused = trunkline("upgrade", "--data", str(running.data), python=python, within_s=120)
    assert refused.returncode == 1
    assert "failed: node: the new one isn't ready: it ended with code 1" in refused.stdout
    assert "The old one goes on" in refused.stdout
    assert "this node is broken" in running.said()
    assert running.child("node") == node
    _ready(running)
    # The node that was kept is heard by the program that follows: a channel's first account starts its adapter.
    _add_bot(running)
    upgrade(running)


@pytest.mark.rest
def test_code_that_cannot_go_on_is_refused_before_anything_is_touched(tmp_path: Path, running: Up) -> None:
    """Its `up` is broken: executing it would have ended the system."""
    python = other_version(tmp_path, "9.9.9")
    (tmp_path / "tree-9.9.9" / "trunkline" / "up" / "supervisor.py").write_text(
        "raise ImportError('this up is broken')\n"
    )
    before = running.family()
    (running.data / "upgrade" / "request.json").write_text(json.dumps({"id": "asked-by-hand", "python": python}))
    os.kill(running.process.pid, signal.SIGHUP)
    wait_until(
        lambda: "failed: the new code can't go on from here: ImportError: this up is broken" in running.said(),
        running.said,
        WITHIN_S,
    )
    assert running.family() == before
    assert not (running.data / "handover.json").exists()
    _ready(running)
    upgrade(running)


@pytest.mark.rest
def test_sighup_alone_upgrades_by_the_python_that_up_runs_on(running: Up) -> None:
    """With the adapter of a channel that has an account, which is kept running afterwards as before."""
    _add_bot(running)
    before = running.family()
    os.kill(running.process.pid, signal.SIGHUP)
    wait_until(lambda: "Upgrade: done" in running.said(), running.said, WITHIN_S)
    assert "Upgrade: telegram: the new one works" in running.said()
    after = running.family()
    assert after.keys() == before.keys()
    assert not set(before.values()) & set(after.values()) - {before["nats-server"]}
    os.kill(after["adapter telegram"], signal.SIGKILL)
    wait_until(lambda: "telegram was ended by SIGKILL; starting it again" in running.said(), running.said, WITHIN_S)


@pytest.mark.long
def test_a_second_upgrade_is_refused_while_one_is_under_way(running: Up) -> None:
    command = [sys.executable, "-P", "-m", "trunkline", "upgrade", "--data", str(running.data)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    with first, first.stdout:
        first.stdout.readline()
        second = trunkline("upgrade", "--data", str(running.data))
        assert second.returncode == 1
        assert "another upgrade of this system is under way" in second.stderr
        # Somebody who doesn't ask first, while processes are replaced.
        wait_until(lambda: "Upgrade: routing: the new one starts" in running.said(), running.said, WITHIN_S)
        os.kill(running.process.pid, signal.SIGHUP)
        assert first.wait(120) == 0
    wait_until(lambda: "Upgrade: failed: another upgrade is under way" in running.said(), running.said, WITHIN_S)
    assert running.said().count("has taken over") == 1


@pytest.mark.long
def test_who_asks_may_leave_and_the_upgrade_goes_on(running: Up) -> None:
    command = [sys.executable, "-P", "-m", "trunkline", "upgrade", "--data", str(running.data)]
    asking = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert asking.stdout is not None
    with asking, asking.stdout:
        asking.stdout.readline()
        asking.kill()
    wait_until(lambda: "Upgrade: done" in running.said(), running.said, WITHIN_S)
    upgrade(running)


def test_without_a_running_up_it_says_how_to_start_one(tmp_path: Path) -> None:
    refused = trunkline("upgrade", "--data", str(tmp_path))
    assert refused.returncode == 1
    assert f"Nothing runs on {tmp_path}: start it by `trunkline up --data {tmp_path}`." in refused.stderr


def test_an_up_that_knows_nothing_of_upgrades_is_left_alone(tmp_path: Path) -> None:
    """SIGHUP would end it."""
    with subprocess.Popen(["sleep", "60"]) as old:
        told = {"pid": old.pid, "nats_port": 4222, "node_port": 8080, "profile": "synced"}
        (tmp_path / "running.json").write_text(json.dumps(told))
        refused = trunkline("upgrade", "--data", str(tmp_path))
        assert old.poll() is None
        old.kill()
    assert refused.returncode == 1
    assert "stop it and start this version" in refused.stderr


@pytest.mark.long
def test_children_are_kept_and_die_with_it_after_an_upgrade_as_before(running: Up) -> None:
    """Those that it started itself and the one that it only inherited: started again, and ended with it."""
    upgrade(running)
    for name in ("nats-server", "routing"):
        full = name if name == "nats-server" else f"adapter {name}"
        died = running.child(full)
        os.kill(died, signal.SIGKILL)
        wait_until(lambda full=full, died=died: running.family().get(full, died) != died, running.said, WITHIN_S)
        assert f"{name} was ended by SIGKILL" in running.said()
    wait_until(lambda: rest.call("GET", f"{running.http}/readyz", timeout_s=30).status == 200, running.said, WITHIN_S)
    # nats-server is now a child of the new program; the next upgrade inherits it again.
    upgrade(running)
    family = children(running.process.pid)
    running.process.kill()
    running.process.wait(10)
    wait_until(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()], running.said, WITHIN_S)


@pytest.mark.long
def test_ctrl_c_ends_everything_after_an_upgrade(running: Up) -> None:
    upgrade(running)
    family = children(running.process.pid)
    assert running.stop() == 0
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    assert not (running.data / "running.json").exists()


@pytest.mark.long
def test_the_demo_is_upgraded_with_its_visitor(tmp_path: Path) -> None:
    with up(tmp_path, "--demo") as running:
        assert len(upgrade(running)) > 4
        assert len(running.family()) == 5


@pytest.mark.long
def test_closing_the_terminal_ends_it_instead_of_upgrading_it(tmp_path: Path) -> None:
    """A window that is closed sends SIGHUP as well."""
    master, slave = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    command = [sys.executable, "-P", "-m", "trunkline", "up", "--data", str(tmp_path / "data"), "--port", "0"]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRUNKLINE_")}
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=inherited,
        cwd=tmp_path,
        preexec_fn=own_terminal,  # noqa: PLW1509
    )
    os.close(slave)
    said = b""
    deadline = time.monotonic() + WITHIN_S
    while b"Ready after" not in said:
        assert time.monotonic() < deadline, said
        said += os.read(master, 65536)
    family = children(process.pid)
    os.close(master)
    process.wait(60)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, 0)
        raise AssertionError("it still runs")
