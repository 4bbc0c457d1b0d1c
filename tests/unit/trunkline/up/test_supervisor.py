"""The supervisor, over real processes that sleep, die or won't stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline.embedded import StartError
from trunkline.up.child import Adopted, Child, Part
from trunkline.up.supervisor import WRONG_SETTING, Supervisor

SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    """One that listens, and whose signal handlers go with the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    made = Supervisor(said.append)
    made.listen()
    yield made
    made.stop()
    signal.set_wakeup_fd(-1)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _part(code: str, *, rank: int = 0, grace_s: float = 10.0) -> Part:
    return Part(f"child{rank}", (sys.executable, "-c", code), os.environ, rank, grace_s)


def _wait(supervisor: Supervisor, child: Child, *, is_alive: bool, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while (child.process is not None and child.process.poll() is None) is not is_alive:
        assert time.monotonic() < deadline
        supervisor.wait(0.05)


def test_a_child_that_dies_is_started_again_and_said(supervisor: Supervisor, said: list[str]) -> None:
    child = supervisor.add(_part(SLEEP))
    assert child.process is not None
    first = child.process.pid
    child.process.kill()
    _wait(supervisor, child, is_alive=False)
    _wait(supervisor, child, is_alive=True)
    assert child.process.pid != first
    assert "SIGKILL" in said[0]
    assert "starting it again" in said[0]


def test_waits_between_starts_grow_and_stay_bounded() -> None:
    child = Child(_part(SLEEP))
    delays = [child.plan_restart() for _ in range(12)]
    assert delays[0] <= 0.5
    assert max(delays) <= 30
    assert min(delays[-3:]) >= 15


def test_a_child_that_refuses_its_settings_stops_the_start(supervisor: Supervisor) -> None:
    child = supervisor.add(_part(f"raise SystemExit({WRONG_SETTING})"))
    assert child.process is not None
    child.process.wait(30)
    with pytest.raises(StartError, match="refuses to start"):
        supervisor.wait(0)


def test_ranks_stop_one_after_the_other(supervisor: Supervisor, tmp_path: Path) -> None:
    """The last rank hears of the end only when the slow first one has gone."""
    for rank, pause_s in ((0, 0.4), (9, 0.0)):
        supervisor.add(_part(_telling(tmp_path, str(rank), pause_s), rank=rank))
        _wait_for(tmp_path / f"{rank}.ready")
    supervisor.stop()
    assert (tmp_path / "order").read_text().split() == ["0", "9"]


def test_a_child_that_will_not_stop_is_killed_after_its_grace(
    supervisor: Supervisor, said: list[str], tmp_path: Path
) -> None:
    child = supervisor.add(_part(_telling(tmp_path, "deaf", 60.0), grace_s=0.3))
    _wait_for(tmp_path / "deaf.ready")
    assert child.process is not None
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL
    assert "killed" in said[-1]


def test_a_child_beside_another_is_not_kept_and_tells_what_it_does(supervisor: Supervisor, tmp_path: Path) -> None:
    """It gets its own settings on top, reports on its pipe, and isn't started again when it ends."""
    code = (
        "import json, os, time\n"
        "pipe = open(int(os.environ['TRUNKLINE_REPORT_FD']), 'w')\n"
        "print(json.dumps({'role': os.environ['ROLE'], 'problem': 'none yet'}), file=pipe, flush=True)\n"
        f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)\n"
        "raise SystemExit(3)\n"
    )
    part = _part(code)._replace(reports=True, beside={"ROLE": "standby"})
    child = supervisor.add_beside(part)
    deadline = time.monotonic() + 30
    while not child.role:
        assert time.monotonic() < deadline
        supervisor.wait(0.05)
    assert (child.role, child.problem) == ("standby", "none yet")
    (tmp_path / "go").touch()
    while child.process is not None:
        assert time.monotonic() < deadline
        supervisor.wait(0.05)
    assert child.code == 3
    assert child.restart_at is None


def test_one_child_is_ended_while_the_others_are_kept(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    """The one that leaves is deaf until its grace is over; meanwhile another dies and is started again."""
    deaf = supervisor.add(_part(_telling(tmp_path, "deaf", 60.0), grace_s=1.5))
    _wait_for(tmp_path / "deaf.ready")
    other = supervisor.add(_part(SLEEP, rank=1))
    assert other.process is not None
    first = other.process.pid
    other.process.kill()
    supervisor.end(deaf)
    assert deaf.code == -signal.SIGKILL
    assert supervisor.children == [other]
    _wait(supervisor, other, is_alive=True)
    assert other.process.pid != first
    assert any("deaf" not in each and "starting it again" in each for each in said)


def test_an_adopted_child_is_started_again_and_ended_like_any(supervisor: Supervisor) -> None:
    """A process that an earlier program of ours started is known by its id alone."""
    inherited = subprocess.Popen([sys.executable, "-c", SLEEP])
    child = supervisor.add(_part(SLEEP), adopt=Adopted(inherited.pid))
    os.kill(inherited.pid, signal.SIGKILL)
    inherited.returncode = -signal.SIGKILL  # the adopter reaps it
    _wait(supervisor, child, is_alive=False)
    _wait(supervisor, child, is_alive=True)
    again = subprocess.Popen([sys.executable, "-c", SLEEP])
    adopted = supervisor.add(_part(SLEEP), adopt=Adopted(again.pid))
    again.returncode = -signal.SIGTERM
    supervisor.end(adopted)
    assert adopted.code == -signal.SIGTERM


def test_an_adopted_child_is_heard_on_the_pipe_that_it_has(supervisor: Supervisor) -> None:
    """It told something to the program before, which the one that follows knows, and tells the rest to that one."""
    report, told = os.pipe()
    os.set_blocking(report, False)
    code = f'import os; os.write({told}, b\'{{"role": "active", "problem": "", "channels": ["app"]}}\\n\')'
    inherited = subprocess.Popen([sys.executable, "-c", f"{code}; {SLEEP}"], pass_fds=(told,))
    os.close(told)
    child = supervisor.add(_part(SLEEP), adopt=Adopted(inherited.pid))
    inherited.returncode = -signal.SIGTERM  # the adopter reaps it
    child.go_on_listening(report, {"role": "active", "problem": "", "channels": []})
    assert child.role == "active"
    deadline = time.monotonic() + 30
    while not child.words["channels"]:
        assert time.monotonic() < deadline
        supervisor.wait(0.05)
    supervisor.end(child)
    assert child.report is None


def _telling(folder: Path, name: str, pause_s: float) -> str:
    """A process that, asked to end, takes its time, notes its name and goes."""
    return (
        "import signal, sys, time, pathlib\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "def leave(*_):\n"
        f"    time.sleep({pause_s})\n"
        f"    (folder / 'order').open('a').write('{name} ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        f"(folder / '{name}.ready').touch()\n"
        "time.sleep(60)\n"
    )


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_children_die_with_a_parent_that_is_killed() -> None:
    """`kill -9` of the parent leaves nobody behind."""
    code = (
        "import os, sys, time\nfrom trunkline.up.child import Part\nfrom trunkline.up.supervisor import Supervisor\n"
        "s = Supervisor(print)\n"
        "c = s.add(Part('c', (sys.executable, '-c', 'import time; time.sleep(60)'), os.environ))\n"
        "print(c.process.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(30)
    deadline = time.monotonic() + 30
    while _runs(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
