"""Adapters that live, hold their lease and get nothing done: who says so, and that it passes when the cause does."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from backbone.nats import subjects
from tests.harness.apart import run_apart
from tests.harness.system import TENANT, System, running_system
from tests.harness.trespass import CONV
from tests.harness.waiting import wait_until
from trunkline.connect import connected

pytestmark = pytest.mark.timeout(180)

STILL_S = 2.0
WITHIN_S = 60.0
ADAPTERS = ("routing", "warehouse")


class Impatient(System):
    """Processes that call it standing still after two seconds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.more = {"TRUNKLINE_STILL_S": str(STILL_S)}


@pytest.mark.rest
def test_an_adapter_that_stands_still_is_named_by_doctor_and_not_ready(tmp_path: Path) -> None:
    """An event that nobody can read, and a `DEAD` that takes nothing: both adapters try for ever."""
    system = Impatient(tmp_path)
    try:
        system.start(nodes=0, adapters=ADAPTERS)
        wait_until(
            lambda: _states(system) == {"routing": "ok", "warehouse": "ok"},
            lambda: system.run("doctor").stdout,
            WITHIN_S,
        )
        _dead_letters(system, most_bytes=1)
        _store(system, b"this is no event")
        wait_until(
            lambda: _states(system) == {"routing": "wrong", "warehouse": "wrong"},
            lambda: system.run("doctor").stdout,
            WITHIN_S,
        )
        said = {name: _check(system, name) for name in ADAPTERS}
        assert "It stands still: 1 wait" in said["warehouse"]["detail"]
        assert "trunkline adapter warehouse" in said["warehouse"]["todo"]
        assert system.adapters["warehouse"].ready()[0] == 503
        assert "It stands still" in str(system.adapters["warehouse"].ready()[1])
        _dead_letters(system, most_bytes=-1)
        wait_until(
            lambda: _states(system) == {"routing": "ok", "warehouse": "ok"},
            lambda: system.run("doctor").stdout,
            WITHIN_S,
        )
    finally:
        system.end()


@pytest.mark.rest
def test_an_adapter_that_hangs_with_its_lease_is_named_by_doctor(tmp_path: Path) -> None:
    with running_system(tmp_path, nodes=0, adapters=("routing",)) as system:
        wait_until(lambda: _check(system, "routing")["state"] == "ok", lambda: system.run("doctor").stdout, WITHIN_S)
        os.kill(system.adapters["routing"].pid, signal.SIGSTOP)
        try:
            found = _check(system, "routing")
            assert found["state"] == "wrong"
            assert "has its lease and doesn't say whether it keeps up" in found["detail"]
        finally:
            os.kill(system.adapters["routing"].pid, signal.SIGCONT)


def _dead_letters(system: System, most_bytes: int) -> None:
    async def change() -> None:
        async with connected(system.common, "test") as link:
            config = (await link.api("STREAM.INFO.DEAD", {}))["config"]
            await link.api("STREAM.UPDATE.DEAD", {**config, "max_msg_size": most_bytes})

    run_apart(change())


def _store(system: System, raw: bytes) -> None:
    async def store() -> None:
        async with connected(system.common, "test") as link:
            answer = await link.request_raw(subjects.chat(TENANT, "web", CONV), raw)
            assert b'"seq"' in answer.data

    run_apart(store())


def _check(system: System, name: str) -> dict[str, Any]:
    answer = system.run("doctor", "--json")
    found: dict[str, Any] = next(check for check in json.loads(answer.stdout)["checks"] if check["name"] == name)
    return found


def _states(system: System) -> dict[str, str]:
    answer = system.run("doctor", "--json")
    return {c["name"]: c["state"] for c in json.loads(answer.stdout)["checks"] if c["name"] in ADAPTERS}
