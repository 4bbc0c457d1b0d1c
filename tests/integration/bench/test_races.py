"""The races run, small, on real processes; and the generator notices what goes wrong."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.bench import racing
from tests.bench.loadgen.handle import Generator
from tests.bench.systems import running_prototype

SMALL = {
    "DURATION": "1",
    "RATE": "100",
    "CONVERSATIONS": "6",
    "CLIENTS": "20",
    "EVENTS": "40",
    "VIEWERS": "20",
    "SOCKETS": "1100",
}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(racing, "WARM_UP_S", 0.5)


@pytest.mark.rest
def test_post_tells_latency_and_cpu_of_product_and_prototype() -> None:
    found = importlib.import_module("tests.bench.post").measure()
    for figures in (found, found["baseline"]):
        assert figures["rate"] == 100
        assert 0 < figures["p50_ms"] <= figures["p99_ms"]
        assert set(figures["cpu_us_by_process"]) == {"nats", "node0", "node1"}
    assert "amiss" not in found


@pytest.mark.rest
def test_everybody_comes_back_from_a_storm() -> None:
    found = importlib.import_module("tests.bench.storm").measure()
    assert found["sockets"] == 20
    assert found["seconds"] > 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["synced", "whole", "latency", "idle", "crowd", "replay", "fanout", "growth"])
def test_race(name: str) -> None:
    found = importlib.import_module(f"tests.bench.{name}").measure()
    assert found["race"] == name
    assert "amiss" not in found


@pytest.mark.rest
def test_what_is_lost_is_noticed(tmp_path: Path) -> None:
    with running_prototype(tmp_path, "fast") as prototype:
        generator = Generator(prototype.target())
        try:
            assert generator.ask("open", conversations=6) == {"open": 6}
            whole = generator.ask("post", rate=100, seconds=1, warm_up_s=0, pids=[])
            assert [whole[each] for each in ("sent", "lost", "unanswered", "doubled", "cut")] == [100, 0, 0, 0, {}]
            # Half of the writers and the other half of the viewers are on this node.
            prototype.nodes[1].end()
            broken = generator.ask("post", rate=100, seconds=1, warm_up_s=0, pids=[], last_within_s=1)
        finally:
            generator.end()
    assert broken["lost"] == 100
    assert sum(broken["cut"].values()) == 6
