"""A child that hears of the others never makes `up` wait, and knows the latest once it reads again."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from trunkline.up.child import Child, Part
from trunkline.up.ear import Ear
from trunkline.up.telling import lines, tell

WIDE = 30_000


def line(number: int) -> bytes:
    return json.dumps({"number": number, "filling": "x" * WIDE}).encode() + b"\n"


def test_a_child_that_does_not_read_is_told_the_latest_when_it_does() -> None:
    reading, writing = os.pipe()
    ear = Ear(writing)
    began = time.monotonic()
    for number in range(1000):
        ear.tell(line(number))
    assert time.monotonic() - began < 5
    assert ear.is_behind
    told = b""
    while ear.is_behind or not told.endswith(line(999)):
        told += os.read(reading, 65536)
        ear.tell(line(999))
    heard = [json.loads(one)["number"] for one in told.splitlines()]
    assert heard[-1] == 999
    assert heard == sorted(heard)
    assert len(heard) < 10
    # What it was told last isn't told again.
    ear.tell(line(999))
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    ear.close()
    os.close(reading)


def test_a_child_that_is_gone_is_told_nothing_and_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ear = Ear(writing)
    ear.tell(b"{}\n")
    assert not ear.is_behind
    ear.close()


def test_what_follows_another_counts_from_when_it_is_kept_and_who_hears_hears_of_all() -> None:
    reads = "import sys; sys.stdout.write(sys.stdin.readline()); sys.stdout.flush(); sys.stdin.read()"
    hearing = Child(Part("health", (sys.executable, "-c", reads), os.environ, hears=True))
    hearing.start()
    kept, beside = Child(Part("node", (), {}, reports=True)), Child(Part("node", (), {}, reports=True))
    kept.words, beside.keep = {"health_port": 7}, False
    assert not tell([hearing, kept, beside])
    told = json.loads(lines([hearing, kept, beside]))["processes"]
    assert [(one["name"], one["port"], one["reports"]) for one in told] == [("health", 0, False), ("node", 7, True)]
    assert hearing.process is not None
    hearing.deafen()
    assert hearing.process.wait() == 0
