"""What is told systemd, over real datagram sockets; and that nothing of it stops who tells."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from backbone.process import notify
from tests.harness.notified import systemd


@pytest.mark.parametrize("is_abstract", [True, False])
def test_it_is_told_at_an_abstract_address_and_at_a_path(tmp_path: Path, *, is_abstract: bool) -> None:
    with systemd(None if is_abstract else tmp_path / "notify") as unit:
        assert notify.notify(notify.READY, unit.environment())
        assert unit.wait_for(notify.READY).pid == os.getpid()


def test_without_a_unit_nothing_is_told_and_nothing_raised(tmp_path: Path) -> None:
    assert not notify.notify(notify.READY, {})
    assert not notify.notify(notify.READY, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    assert not notify.notify(notify.READY, {"NOTIFY_SOCKET": "@nobody-listens-here"})
    assert not notify.notify(notify.READY, {"NOTIFY_SOCKET": "@" + "x" * 500})


def test_a_systemd_that_does_not_read_blocks_nobody() -> None:
    """Its queue of datagrams is full: the word is lost, and the caller goes on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.bind("\0trunkline-test-full")
        began = time.monotonic()
        told = [notify.notify(notify.ALIVE, {"NOTIFY_SOCKET": "@trunkline-test-full"}) for _ in range(5000)]
        assert time.monotonic() - began < 10
        assert told[0]
        assert not told[-1]


@pytest.mark.parametrize(
    ("environ", "expected_s"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": "30000000"}, 10),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 10),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": "-3"}, 0),
        ({"WATCHDOG_USEC": ""}, 0),
    ],
)
def test_a_sign_of_life_is_due_at_a_third_of_what_the_unit_allows(environ: dict[str, str], expected_s: float) -> None:
    assert notify.watchdog_s(environ) == expected_s


def test_a_thousand_turns_in_a_row_are_one_sign_of_life() -> None:
    with systemd() as unit:
        watchdog = notify.Watchdog(unit.environment(watchdog_s=1.5))
        began = time.monotonic()
        for _ in range(1000):
            watchdog.turn()
        first = unit.wait_for(notify.ALIVE)
        while time.monotonic() < began + 1.2:
            watchdog.turn()
            time.sleep(0.01)
        unit.wait_for(notify.ALIVE, since=first.at + 0.9)
        assert len(unit.said(notify.ALIVE)) == 3
        notify.Watchdog(unit.environment()).turn()
        notify.notify(notify.STOPPING, unit.environment())
        unit.wait_for(notify.STOPPING)
        assert len(unit.said(notify.ALIVE)) == 3
