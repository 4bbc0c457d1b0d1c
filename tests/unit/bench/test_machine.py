"""What the kernel says of a process, read from /proc."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.bench import machine


def test_cpu_of_this_process_is_what_it_measures_itself() -> None:
    until = time.process_time() + 0.2
    before = machine.cpu_s(os.getpid())
    while time.process_time() < until:
        pass
    assert machine.cpu_s(os.getpid()) - before >= 0.15


def test_a_name_with_brackets_and_spaces_does_not_mislead() -> None:
    code = "open('/proc/self/comm', 'w').write('a) b (c'); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        assert machine.cpu_s(process.pid) >= 0
    finally:
        process.communicate(b"\n", timeout=30)


def test_memory_of_a_process_is_at_least_what_it_holds() -> None:
    held = bytearray(b"x") * 50_000_000
    assert machine.memory_mb(os.getpid())["rss"] > len(held) / 1e6


def test_the_machine_and_the_versions_of_what_runs_on_it_are_told() -> None:
    """`make bench` failed at its last line once chDB came by another package's name."""
    facts = machine.facts()
    assert {"cores", "python", "nats_server", "chdb", "trunkline"} <= facts.keys()
