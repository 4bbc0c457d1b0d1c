"""A race of rates: product and prototype side by side in one run, probed in turn, the best rate of each confirmed."""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.bench import variables
from tests.bench.baseline import jetstream
from tests.bench.loadgen.handle import Generator
from tests.bench.progress import say
from tests.bench.search import Confirmation, Search
from tests.bench.systems import Measured, raise_limits, running_product, running_prototype

PROBE_S = 6.0
PROBE_WARM_UP_S = 2.0
WARM_UP_S = 5.0
GENERATOR_MOST = 0.7
"""Above this share of its core the generator measures itself, and the figure is void."""


WRONG = ("lost", "unanswered", "doubled", "refused", "resyncs", "cut", "behind", "bound")
"""What a run that counts has none of: messages, answers and sockets gone amiss, adapters that can't keep up."""

BEHIND_MOST_S = 5.0
"""An adapter that lacks more than the events of so many seconds doesn't keep up."""


class Race(Struct, frozen=True, kw_only=True):
    """What is raced: which profile, under which bound on P99, from which rate on the search begins."""

    name: str
    profile: str
    p99_ms: float
    first_rate: float
    first_rate_prototype: float
    adapters: tuple[str, ...] = ()
    fixed_rate: float = 0.0
    """A rate that is told rather than searched."""


class Racer:
    """One system with its generator and its search."""

    def __init__(self, system: Measured, first_rate: float) -> None:
        self.name = system.name
        self.pids = system.pids()
        self._behind = system.behind
        self.generator = Generator(system.target())
        self.search = Search(first_rate)
        say(f"{self.name}: pids {self.pids}")

    def open(self, count: int) -> None:
        """Its conversations."""
        say(f"{self.name}: {self.generator.ask('open', conversations=count)['open']} conversations open")

    def run(self, rate: float, seconds: float, warm_up_s: float) -> dict[str, Any]:
        """One run at a rate."""
        pids = list(self.pids.values())
        result = self.generator.ask("post", rate=rate, seconds=seconds, warm_up_s=warm_up_s, pids=pids)
        result["cpu_us"] = {
            name: round(result["cpu_s"][str(pid)] / result["messages"] * 1e6, 1) for name, pid in self.pids.items()
        }
        behind = self._behind()
        result["behind"] = {name: n for name, n in behind.items() if n > BEHIND_MOST_S * rate}
        say(f"{self.name}: {brief(result)}{f', adapters have yet to read {behind}' if behind else ''}")
        return result


def run(race: Race) -> dict[str, Any]:
    """Runs a race as the variables say; returns what it found."""
    raise_limits()
    bare = _jetstream(race) if variables.with_baseline() else {}
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(_racer(race, is_product=True))]
        if variables.with_baseline():
            racers.append(stack.enter_context(_racer(race, is_product=False)))
        for racer in racers:
            racer.open(variables.number("CONVERSATIONS", 1000))
        if not (variables.fixed_rate() or race.fixed_rate):
            _probe(race, racers)
        product, *others = _confirm(race, racers)
    return _result(race, product, others[0] if others else None) | bare


def holds(result: dict[str, Any], p99_ms: float) -> bool:
    """Whether a run counts: everything stored, acknowledged and pushed once, and 99 of 100 in time."""
    return not wrongs(result) and result["p99_ms"] < p99_ms


def wrongs(result: dict[str, Any]) -> dict[str, Any]:
    """What went amiss in a run; empty if nothing did."""
    return {each: result[each] for each in WRONG if result.get(each)}


def trust(generator: float, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether figures are to be believed: the generator's share of its core, and what went amiss in any run."""
    amiss: dict[str, Any] = {}
    for run in runs:
        amiss |= wrongs(run)
    found = {"loadgen_cpu": round(generator, 2), "void": generator > GENERATOR_MOST or bool(amiss)}
    return found | ({"amiss": amiss} if amiss else {})


def brief(result: dict[str, Any]) -> str:
    """A run in one line."""
    wrong = wrongs(result)
    return (
        f"{result['rate']}/s p50 {result['p50_ms']} p99 {result['p99_ms']} max {result['max_ms']} ms,"
        f" cpu us {result['cpu_us']}, generator {result['loadgen_cpu']:.0%}{f', {wrong}' if wrong else ''}"
    )


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


def _jetstream(race: Race) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, running_prototype(Path(folder), race.profile, nodes=0) as log:
        rate = round(jetstream.messages_per_s(log.nats))
    say(f"JetStream alone: {rate}/s")
    return {"jetstream_per_s": rate}


def _probe(race: Race, racers: list[Racer]) -> None:
    while any(not racer.search.is_over for racer in racers):
        for racer in racers:
            if not racer.search.is_over:
                result = racer.run(racer.search.rate, PROBE_S, PROBE_WARM_UP_S)
                racer.search.note(holds=holds(result, race.p99_ms))


def _confirm(race: Race, racers: list[Racer]) -> list[list[dict[str, Any]]]:
    """The runs that count of each, made in turn, at the highest rate at which most of them hold."""
    fixed = variables.fixed_rate() or race.fixed_rate
    for racer in racers:
        if not (fixed or racer.search.held):
            msg = f"{racer.name} held no rate: {racer.search.failed:.0f}/s was the last that was tried"
            raise RuntimeError(msg)
    confirmations = [Confirmation(fixed or racer.search.held, variables.runs()) for racer in racers]
    runs: list[list[dict[str, Any]]] = [[] for _ in racers]
    while any(not each.is_over for each in confirmations):
        for racer, confirmation, kept in zip(racers, confirmations, runs, strict=True):
            if confirmation.is_over:
                continue
            kept.append(racer.run(confirmation.rate, variables.duration_s(), WARM_UP_S))
            if confirmation.note(holds=bool(fixed) or holds(kept[-1], race.p99_ms)) and not confirmation.is_over:
                kept.clear()
    for racer, confirmation, kept in zip(racers, confirmations, runs, strict=True):
        if not confirmation.is_confirmed:
            kept[-1]["bound"] = f"{racer.name} held no rate for {variables.duration_s():.0f} s"
    return runs


def _result(race: Race, product: list[dict[str, Any]], prototype: list[dict[str, Any]] | None) -> dict[str, Any]:
    generator = max(run["loadgen_cpu"] for run in product + (prototype or []))
    found = {
        "race": race.name,
        "profile": race.profile,
        "seconds": variables.duration_s(),
        **_figures(product),
        **trust(generator, product + (prototype or [])),
    }
    if prototype:
        found["baseline"] = _figures(prototype)
        compared = "p99_ms" if variables.fixed_rate() or race.fixed_rate else "rate"
        found["ratio"] = round(found[compared] / found["baseline"][compared], 3)
        found["cpu_ratio"] = round(found["cpu_us"] / found["baseline"]["cpu_us"], 3)
    return found


def _figures(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians of runs at one rate."""
    middle = {key: statistics.median(run[key] for run in runs) for key in ("p50_ms", "p99_ms", "p999_ms", "max_ms")}
    by_process = {name: statistics.median(run["cpu_us"][name] for run in runs) for name in runs[0]["cpu_us"]}
    return {
        "rate": runs[0]["rate"],
        **middle,
        "spread_ms": [run["p99_ms"] for run in runs],
        "cpu_us": round(sum(us for name, us in by_process.items() if name.startswith(("nats", "node"))), 1),
        "cpu_us_by_process": by_process,
    }
