"""`trunkline upgrade` while visitors and agents write: nothing lost or doubled, nobody refused, nobody out for long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from backbone import directory
from backbone.directory import Agent
from backbone.events import SHOWN_TO_VISITORS
from backbone.nats.reader import read_range
from node.entry.passwords import hash_password
from tests.faults.rig import metric
from tests.faults.upgrade_load import Plan, Result, Shown
from tests.harness.ports import free_port
from tests.harness.prober import Prober, probing
from tests.harness.up import Up, up
from tests.harness.upgrade import upgrade
from trunkline import rest
from trunkline.connect import common_settings, connected

PASSWORD = "correct horse battery"
VISITORS, AGENTS = 40, 10
ENVIRONMENT = {"TRUNKLINE_NODE_VISITORS_RATE": "6000", "TRUNKLINE_HEALTH_PORT": str(free_port())}
UNSERVED_MOST_S = 2.0
BACK_WITHIN_S = 60.0
FIGURES = Path(__file__).parents[2] / ".bench" / "hot-upgrade.json"


class Run(NamedTuple):
    """A load across some upgrades, and what two probers met: one at the node, one at the warehouse behind it."""

    result: Result
    node: Prober
    search: Prober
    upgrades: list[list[dict[str, Any]]]
    log: dict[str, list[tuple[int, dict[str, Any]]]]


@pytest.mark.rest
@pytest.mark.timeout(300)
def test_two_upgrades_under_load_lose_double_and_refuse_nothing(tmp_path: Path) -> None:
    """The short version: half the rate, no bound on seconds."""
    run = _across_upgrades(tmp_path, upgrades=2, rate=150)
    _assert_whole(run)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_ten_upgrades_under_300_messages_a_second(tmp_path: Path) -> None:
    """And no client waits for more than 2 s; the distribution goes to .bench/hot-upgrade.json."""
    run = _across_upgrades(tmp_path, upgrades=10, rate=300)
    _assert_whole(run)
    figures = _figures(run)
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=1))
    assert figures["all_s"]["max"] < UNSERVED_MOST_S, figures


def _across_upgrades(folder: Path, *, upgrades: int, rate: float) -> Run:
    with up(folder, environment=ENVIRONMENT) as running:
        logins = asyncio.run(_add_agents(running))
        cookie = rest.sign_in(running.http, *logins[0]).cookie
        with _loaded(running, folder, logins, rate) as result_file:
            search = f"{running.http}/api/v1/search/messages?q=begin"
            with (
                probing(f"{running.http}/readyz") as node,
                probing(search, headers={"Cookie": cookie}, pause_s=0.1) as at_search,
            ):
                done = []
                for _ in range(upgrades):
                    done.append(upgrade(running))
                    # Between two upgrades everybody is back to where they were: that is the state to begin from.
                    _everybody_is_back(running)
        result = msgspec.json.decode(result_file.read_bytes(), type=Result)
        log = asyncio.run(_log(running))
    return Run(result, node, at_search, done, log)


def _everybody_is_back(running: Up) -> None:
    """On the node that came last: the one before has gone."""
    deadline = time.monotonic() + BACK_WITHIN_S
    while (sockets := metric(running, "trunkline_node_sockets")) != VISITORS + AGENTS:
        assert time.monotonic() < deadline, f"{sockets} sockets\n{running.said()}"
        time.sleep(0.05)


async def _add_agents(running: Up) -> list[tuple[str, str]]:
    hashed = await hash_password(PASSWORD)
    async with connected(common_settings(running.data), "test") as link:
        made = [
            await directory.create_agent(
                link, "main", Agent(id=f"agent{n}", name=f"Agent {n}", email=f"agent{n}@example.com", password=hashed)
            )
            for n in range(AGENTS)
        ]
    return [(agent.email, PASSWORD) for agent in made]


@contextlib.contextmanager
def _loaded(running: Up, folder: Path, logins: list[tuple[str, str]], rate: float) -> Iterator[Path]:
    """The load in its own process, writing while the block lasts; everything is answered when it is left."""
    plan = Plan(running.http, logins, VISITORS, rate, str(folder / "result.json"))
    (folder / "plan.json").write_bytes(msgspec.json.encode(plan))
    load = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.upgrade_load", str(folder / "plan.json")],
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert load.stdin is not None
    assert load.stdout is not None
    with load, load.stdout:
        try:
            assert load.stdout.readline(), "the load didn't begin"
            yield folder / "result.json"
            load.stdin.close()
            assert load.wait(120) == 0
        finally:
            load.kill()


async def _log(running: Up) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Every stored event by conversation: (sequence, event)."""
    common = common_settings(running.data)
    found = defaultdict(list)
    async with connected(common, "test") as link:
        for s in common.log_streams():
            for entry in await read_range(link, s, 1, 2**62):
                found[entry.subject.rsplit(".", 1)[1]].append((entry.seq, msgspec.json.decode(entry.raw)))
    return found


def _assert_whole(run: Run) -> None:
    """Every acknowledged message once in the log where the answer said; every client saw the log's run of events."""
    result = run.result
    assert result.unanswered == []
    places = defaultdict(list)
    for conv, events in run.log.items():
        for seq, event in events:
            places[event["id"]].append((conv, seq))
    assert [s for s in result.sent if places[s.id] != [(s.conv, s.seq)]] == []
    assert [(s.client, s.conv) for s in result.shown if s.events != _visible(run, s)] == []
    assert run.node.problems == []
    assert run.search.problems == []
    # It happened: everybody was moved by each upgrade.
    assert min(result.connects.values()) >= 1 + len(run.upgrades)
    assert len(result.sent) > 100


def _visible(run: Run, shown: Shown) -> list[tuple[int, str]]:
    return [
        (seq, event["id"])
        for seq, event in run.log[shown.conv]
        if not shown.is_visitor or (event["type"] in SHOWN_TO_VISITORS and not event.get("note"))
    ]


def _figures(run: Run) -> dict[str, Any]:
    """Seconds from a message's moment to its answer: all, those whose client moved meanwhile, each client's worst."""
    sent = run.result.sent
    worst: dict[str, float] = defaultdict(float)
    for one in sent:
        worst[one.client] = max(worst[one.client], one.took_s)
    return {
        "messages": len(sent),
        "rate": round(len(sent) / (max(s.began for s in sent) - min(s.began for s in sent)), 1),
        "all_s": _distribution([s.took_s for s in sent]),
        "moved_s": _distribution([s.took_s for s in sent if s.moved]),
        "worst_of_a_client_s": _distribution(list(worst.values())),
        "probes": len(run.node.probes),
        "probe_s": _distribution([p.took_s for p in run.node.probes]),
        "searches": len(run.search.probes),
        "search_s": _distribution([p.took_s for p in run.search.probes]),
        "upgrade_s": _distribution([steps[-1]["at"] - steps[0]["at"] for steps in run.upgrades]),
    }


def _distribution(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    quantiles = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
    return {
        "n": len(ordered),
        **{name: round(ordered[int(len(ordered) * q)], 3) for name, q in quantiles.items()},
        "max": round(ordered[-1], 3),
    }
