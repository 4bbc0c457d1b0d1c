"""Ten upgrades of a whole `trunkline up` under the campaign's load: every promise holds by the checker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults import checker
from tests.faults import history as h
from tests.faults.load import Node, Plan
from tests.faults.logdump import load
from tests.faults.rig import INBOXES, RECOVERED_WITHIN_S, SETTINGS, Loading, add_people, dump_log
from tests.faults.world import Branch, gather
from tests.harness.apart import run_apart
from tests.harness.up import Up, up
from tests.harness.upgrade import upgrade
from trunkline.connect import common_settings

UPGRADES = 10
ENVIRONMENT = {name: value for name, value in SETTINGS.items() if "LOG_LEVEL" not in name}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_upgrades_break_no_promise(tmp_path: Path) -> None:
    with up(tmp_path, environment=ENVIRONMENT) as running:
        common = common_settings(running.data)
        agents = run_apart(add_people(common))
        door = Node(running.http, running.http.replace("http", "ws", 1) + "/ws")
        plan = Plan(
            seed=1,
            history=str(tmp_path / "load.history"),
            nodes=[door],
            inboxes=INBOXES,
            agents=agents,
            visitors=50,
            rate=250,
        )
        loading = Loading(plan, tmp_path)
        try:
            loading.until(lambda: loading.status.live > 30, "the load began", RECOVERED_WITHIN_S)
            for number in range(UPGRADES):
                _one(running, loading, number)
            loading.tell("quiet")
            loading.tell("reached")
            acknowledged = loading.status.ok
            run_apart(dump_log(common, tmp_path / "whole.log", dict.fromkeys(common.log_streams(), 0)))
        finally:
            loading.end()
    branch = Branch(0.0, float("inf"), {}, load(tmp_path / "whole.log"))
    world = gather(h.read([tmp_path / "load.history"]), [branch])
    assert checker.check(world) == []
    assert acknowledged > 100 * UPGRADES


def _one(running: Up, loading: Loading, number: int) -> None:
    """Every process is another one afterwards, and everybody is answered."""
    before = running.family()
    upgrade(running)
    after = running.family()
    replaced = sorted(name for name in before if name != "nats-server" and before[name] != after.get(name))
    assert replaced == sorted(name for name in before if name != "nats-server"), (before, after)
    ok = loading.status.ok
    loading.until(lambda: loading.status.ok > ok + 100, "posts are answered", RECOVERED_WITHIN_S)
    sys.stderr.write(f"upgrade {number + 1}: {', '.join(replaced)} replaced; {loading.status.ok} ok\n")
