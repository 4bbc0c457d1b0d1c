"""A race of rates: product and prototype side by side in one run, probed in turn, the best rate of each confirmed."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.bench import variables
from tests.bench.loadgen.handle import Generator
from tests.bench.search import Search, lower
from tests.bench.systems import Measured, raise_limits, running_product, running_prototype

PROBE_S = 6.0
PROBE_WARM_UP_S = 2.0
WARM_UP_S = 5.0
CONFIRMATIONS = 8
GENERATOR_MOST = 0.7
"""Above this share of its core the generator measures itself, and the figure is void."""


class Race(Struct, frozen=True, kw_only=True):
    """What is raced: which profile, under which bound on P99, from which rate on the search begins."""

    name: str
    profile: str
    p99_ms: float
    first_rate: float
    first_rate_prototype: float
    adapters: tuple[str, ...] = ()


class Racer:
    """One system with its generator and its search."""

    def __init__(self, system: Measured, first_rate: float) -> None:
        self.name = system.name
        self.pids = system.pids()
        self.generator = Generator(system.target())
        self.search = Search(first_rate)
        say(f"{self.name}: pids {self.pids}")

    def open(self) -> None:
        """Its conversations."""
        count = variables.number("CONVERSATIONS", 1000)
        say(f"{self.name}: {self.generator.ask('open', conversations=count)['open']} conversations open")

    def run(self, rate: float, seconds: float, warm_up_s: float) -> dict[str, Any]:
        """One run at a rate."""
        pids = list(self.pids.values())
        result = self.generator.ask("post", rate=rate, seconds=seconds, warm_up_s=warm_up_s, pids=pids)
        result["cpu_us"] = {
            name: round(result["cpu_s"][str(pid)] / result["messages"] * 1e6, 1) for name, pid in self.pids.items()
        }
        say(f"{self.name}: {brief(result)}")
        return result


def measure(race: Race) -> dict[str, Any]:
    """Runs a race as the variables say; returns what it found."""
    raise_limits()
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(_racer(race, is_product=True))]
        if variables.with_baseline():
            racers.append(stack.enter_context(_racer(race, is_product=False)))
        for racer in racers:
            racer.open()
        if not variables.fixed_rate():
            _probe(race, racers)
        product, *others = [_confirm(race, racer) for racer in racers]
    return _result(race, product, others[0] if others else None)


def holds(result: dict[str, Any], p99_ms: float) -> bool:
    """Whether a run counts: everything stored, acknowledged and pushed once, and 99 of 100 in time."""
    complete = not (result["lost"] or result["unanswered"] or result["doubled"] or result["refused"])
    return complete and result["p99_ms"] < p99_ms


def brief(result: dict[str, Any]) -> str:
    """A run in one line."""
    wrong = {k: result[k] for k in ("lost", "unanswered", "doubled", "refused") if result[k]}
    return (
        f"{result['rate']}/s p50 {result['p50_ms']} p99 {result['p99_ms']} max {result['max_ms']} ms,"
        f" cpu us {result['cpu_us']}, generator {result['loadgen_cpu']:.0%}{f', {wrong}' if wrong else ''}"
    )


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _racer(race: Race, *, is_product: bool) -> Iterator[Racer]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if is_product:
            system: Measured = stack.enter_context(running_product(folder, race.profile, adapters=race.adapters))
        else:
            system = stack.enter_context(running_prototype(folder, race.profile))
        racer = Racer(system, race.first_rate if is_product else race.first_rate_prototype)
        try:
            yield racer
        finally:
            racer.generator.end()


def _probe(race: Race, racers: list[Racer]) -> None:
    while any(not racer.search.is_over for racer in racers):
        for racer in racers:
            if not racer.search.is_over:
                result = racer.run(racer.search.rate, PROBE_S, PROBE_WARM_UP_S)
                racer.search.note(holds=holds(result, race.p99_ms))


def _confirm(race: Race, racer: Racer) -> dict[str, Any]:
    rate = variables.fixed_rate() or racer.search.held
    for _ in range(CONFIRMATIONS):
        result = racer.run(rate, variables.duration_s(), WARM_UP_S)
        if variables.fixed_rate() or holds(result, race.p99_ms):
            return result
        rate = lower(rate)
    msg = f"{racer.name} held no rate for {variables.duration_s():.0f} s"
    raise RuntimeError(msg)


def _result(race: Race, product: dict[str, Any], prototype: dict[str, Any] | None) -> dict[str, Any]:
    found = {
        "race": race.name,
        "profile": race.profile,
        "seconds": variables.duration_s(),
        **_figures(product),
        "cpu_us_by_process": product["cpu_us"],
        "loadgen_cpu": round(product["loadgen_cpu"], 2),
        "void": product["loadgen_cpu"] > GENERATOR_MOST,
    }
    if prototype:
        found["baseline"] = _figures(prototype)
        found["ratio"] = round(product["rate"] / prototype["rate"], 2)
        found["cpu_ratio"] = round(found["cpu_us"] / found["baseline"]["cpu_us"], 2)
    return found


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    ours = sum(us for name, us in result["cpu_us"].items() if name.startswith(("nats", "node")))
    return {
        "rate": result["rate"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "max_ms": result["max_ms"],
        "cpu_us": round(ours, 1),
    }
