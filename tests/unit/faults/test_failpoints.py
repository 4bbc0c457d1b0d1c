"""Failpoints are armed by two settings or not at all."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backbone.errors import SettingError
from backbone.failpoints import CONSENT, CONSENTED, NAMES, POINT, parse

ROOT = Path(__file__).parents[3]
ARM = {CONSENT: CONSENTED}


def test_nothing_is_armed_without_a_name() -> None:
    assert parse({}) is None
    assert parse(ARM) is None


def test_a_name_alone_is_refused() -> None:
    for consent in ({}, {CONSENT: ""}, {CONSENT: "yes"}):
        with pytest.raises(SettingError, match="kills this process"):
            parse({POINT: "node.stored", **consent})


@pytest.mark.parametrize("text", ["node.nowhere", "node.stored:often", "node.stored:0.5,x", "node.stored:1.x,3"])
def test_what_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(SettingError):
        parse({POINT: text, **ARM})


def test_the_nth_reach_burns_and_no_other() -> None:
    fuse = parse({POINT: "node.stored:3", **ARM})
    assert fuse is not None
    assert [fuse.burns() for _ in range(5)] == [False, False, True, False, False]


def test_a_probability_is_repeatable_by_its_seed() -> None:
    def burns(seed: int) -> list[bool]:
        fuse = parse({POINT: f"node.stored:0.2,{seed}", **ARM})
        assert fuse is not None
        return [fuse.burns() for _ in range(200)]

    assert burns(7) == burns(7) != burns(8)
    assert 10 < sum(burns(7)) < 90


def test_a_process_refuses_to_start_with_a_name_alone() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "trunkline", "node"],
        env={"PATH": "/usr/bin", POINT: "node.stored"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == 78
    assert CONSENT in answer.stderr


def test_reaching_an_armed_point_is_the_end() -> None:
    code = "from backbone import failpoints as f; f.reach('log.batch'); f.reach('node.stored'); print('alive')"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={POINT: "node.stored", **ARM},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert answer.returncode == -signal.SIGKILL
    assert "failpoint.reached" in answer.stdout + answer.stderr
    assert "alive" not in answer.stdout


def test_every_point_lies_in_the_code_and_in_the_docs() -> None:
    sources = [p for room in ("backbone", "node", "adapters") for p in (ROOT / room).rglob("*.py")]
    reached = {name for p in sources for name in re.findall(r'failpoints\.reach\("([a-z._]+)"\)', p.read_text())}
    assert reached == NAMES
    page = (ROOT / "docs" / "reliability.md").read_text()
    assert {name for name in NAMES if f"`{name}`" in page} == NAMES
