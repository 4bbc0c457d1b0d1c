"""When a child is taken for hung, and when its silence is nobody's fault: over real pipes and processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from trunkline.up import supervisor as supervising
from trunkline.up.child import HEARD_MOST_S, LINE_MOST, STARTS_WITHIN_S, Adopted, Child, Part
from trunkline.up.supervisor import Supervisor

SLEEP = "import time; time.sleep(60)"
HUNG_S = 2.0


class Heard:
    """A child of which we are the writing end."""

    def __init__(self, *, reports: bool = True, adopted: bool = False) -> None:
        report, self.told = os.pipe()
        os.set_blocking(report, False)
        self.process = subprocess.Popen([sys.executable, "-c", SLEEP])
        part = Part("child", (sys.executable, "-c", SLEEP), os.environ, reports=reports)
        self.child = Child(part, Adopted(self.process.pid) if adopted else None)
        self.child.process = Adopted(self.process.pid) if adopted else self.process
        self.child.report = report if reports else None

    def tell(self, role: str = "active", **words: Any) -> None:
        """It says something, which is heard."""
        os.write(self.told, json.dumps({"role": role, "problem": "", **words}).encode() + b"\n")
        self.child.listen()

    def silent(self, seconds: float) -> bool:
        """Whether it is hung after so many looks of a second each."""
        for _ in range(round(seconds)):
            self.child.pass_time(1)
            self.child.listen()
        return self.child.is_hung

    def end(self) -> None:
        """Nothing of it is left."""
        self.process.kill()
        self.process.wait()
        os.close(self.told)
        if self.child.report is not None:
            os.close(self.child.report)


@pytest.fixture
def made() -> Iterator[list[Heard]]:
    """Those that a test makes."""
    found: list[Heard] = []
    yield found
    for each in found:
        each.end()


def test_one_that_breaks_its_promise_is_hung_and_each_word_counts(made: list[Heard]) -> None:
    made.append(heard := Heard())
    heard.tell(hung_s=HUNG_S)
    assert not heard.silent(2)
    heard.tell(hung_s=HUNG_S)
    assert not heard.silent(2)
    assert heard.silent(1)


def test_one_that_starts_slowly_has_minutes_and_not_for_ever(made: list[Heard]) -> None:
    """30 s of imports without a word; a large store that blocks the loop after the first word."""
    for words in ({}, {"role": "starting", "hung_s": HUNG_S}):
        made.append(heard := Heard())
        if words:
            heard.tell(**words)
        assert not heard.silent(STARTS_WITHIN_S)
        assert heard.silent(1)


def test_one_of_an_earlier_version_that_promised_nothing_is_never_hung(made: list[Heard]) -> None:
    made.append(told := Heard(adopted=True))
    told.child.go_on_listening(None, {"role": "active", "problem": ""})
    made.append(silent := Heard(adopted=True))
    made.append(mute := Heard(reports=False))
    for heard in (told, silent, mute):
        assert not heard.silent(100 * STARTS_WITHIN_S)


def test_one_that_hangs_after_its_last_words_is_hung(made: list[Heard]) -> None:
    """A thread that never ends keeps a process that has said why it ends."""
    made.append(heard := Heard())
    heard.tell(hung_s=HUNG_S)
    heard.tell("ended")
    assert heard.silent(3)
    made.append(refuses := Heard())
    refuses.tell("ended")
    assert refuses.silent(STARTS_WITHIN_S + 1)


def test_time_in_which_nobody_listened_is_no_silence(made: list[Heard]) -> None:
    """`up` was stopped, or the machine slept: an hour between two looks counts as a second and a half."""
    made.append(heard := Heard())
    heard.tell(hung_s=HUNG_S)
    heard.child.pass_time(3600)
    assert heard.child.silent_s == HEARD_MOST_S
    assert not heard.child.is_hung


def test_one_that_leaves_or_is_about_to_follow_isnt_killed(made: list[Heard]) -> None:
    """Its grace bounds it: a drain, and the hand-over of an upgrade."""
    made.append(heard := Heard())
    heard.tell(hung_s=HUNG_S)
    heard.child.keep = False
    assert not heard.silent(100)
    heard.child.keep = True
    assert heard.child.is_hung


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"role": 1}\n',
        b"[]\n",
        b"\xff\n",
        b'{"role": "a", "problem": "", "hung_s": "long"}\n',
        b"[" * 9999 + b"\n",
    ],
)
def test_what_is_no_line_of_ours_stops_nobody(made: list[Heard], line: bytes) -> None:
    """A full pipe takes a part of a line, and the code of a channel may write anything."""
    made.append(heard := Heard())
    heard.tell(hung_s=HUNG_S)
    os.write(heard.told, line)
    heard.child.listen()
    assert heard.child.words == {"role": "active", "problem": "", "hung_s": HUNG_S}
    os.write(heard.told, b"\n")
    heard.tell("standby", hung_s=HUNG_S)
    assert heard.child.role == "standby"


def test_a_line_without_an_end_is_not_kept(made: list[Heard]) -> None:
    made.append(heard := Heard())
    for _ in range(2 * LINE_MOST // 65536):
        os.write(heard.told, b"x" * 65536)
        heard.child.listen()
    assert len(heard.child._half_line) <= LINE_MOST


def test_one_that_tells_without_a_pause_does_not_hold_up_the_others(made: list[Heard]) -> None:
    """Each look takes what is there, up to a bound."""
    made.append(heard := Heard())
    flooding = subprocess.Popen(
        [sys.executable, "-c", f"import os\nwhile True: os.write({heard.told}, b'x' * 4096)"], pass_fds=(heard.told,)
    )
    try:
        began = time.monotonic()
        for _ in range(20):
            heard.child.listen()
        assert time.monotonic() - began < 20
    finally:
        flooding.kill()
        flooding.wait()


def test_it_is_said_once_with_the_reason_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    code = (
        "import os, time\n"
        f"""line = b'{{"role": "active", "problem": "", "hung_s": {HUNG_S}}}\\n'\n"""
        "os.write(int(os.environ['TRUNKLINE_REPORT_FD']), line)\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(supervising, "tell", lambda _children: False)
    supervisor = Supervisor(said.append)
    child = supervisor.add(Part("one", (sys.executable, "-c", code), os.environ, reports=True))
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGCONT)
    deadline = time.monotonic() + 60
    while child.process is None or child.process.pid == first:
        assert time.monotonic() < deadline, said
        supervisor.wait(0.2)
    supervisor.end(child)
    assert len(said) == 1
    assert said[0].startswith("one gave no sign of life for 2 s, so it hung, and was ended; starting it again in")
    assert child.restarts == 1
    assert "gave no sign of life" in child.failure
