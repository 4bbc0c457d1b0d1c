"""Rounds of faults under load, then quiet, then the checker: `make faults` and, shorter, `make test`."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from backbone import presence
from backbone.conversation import Head
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link
from tests.faults import checker, devices
from tests.faults import history as h
from tests.faults.kinds import Kind
from tests.faults.proxy import running_proxy
from tests.faults.rig import CAPACITY, Rig, metric
from tests.faults.world import Violation, gather
from tests.harness.apart import run_apart
from tests.harness.processes import Process
from trunkline.connect import connected

CALM_S = (0.5, 2.0)
SETTLED_WITHIN_S = 120.0
DEAD_TASK = ("was never retrieved", '"frame.failed"', '"socket.failed"', '"task.failed"', "Traceback (most recent")
"""In a log: a task of ours ended in an error that nobody foresaw."""

ABSENT_AT_THE_END = ("main-0", "acme-0")


class Size(NamedTuple):
    """How much of everything.

    `rate` is posts a second, `grace_s` after how long an absent agent's work is given back, `at_least` posts are
    acknowledged, `idle_s` is what processes get to come to rest before they are measured; 0: they aren't.
    """

    rate: float
    grace_s: int
    at_least: int
    idle_s: float


class Outcome(msgspec.Struct):
    """What a campaign came to."""

    seed: int
    rounds: int
    seconds: float
    acknowledged: int
    refused_for_good: int
    refused_for_now: int
    resyncs: int
    resent: int
    longest_resent_s: float
    calm_posts: int
    calm_longest_s: float
    """In how many posts of calm clients while a node was killed or frozen, and the longest wait of one."""

    events: int
    faults: dict[str, int]
    slowest_recovery_s: float
    violations: list[str]


def run(folder: Path, seed: int, kinds: list[Kind], size: Size) -> Outcome:
    """A campaign in `folder`; prints each round. Fails on a fault that didn't happen or isn't recovered from."""
    began = time.monotonic()
    chance = random.Random(seed)
    with running_proxy() as proxy:
        rig = Rig(folder, proxy, seed, rate=size.rate, grace_s=size.grace_s)
        try:
            rig.start()
            baseline = {name: _figures(process) for name, process in rig.system.processes.items()}
            rig.begin()
            slowest = 0.0
            for number, kind in enumerate(kinds, start=1):
                slowest = max(slowest, _round(rig, chance, number, kind))
            _enough(rig, size.at_least)
            violations, calm = _reckoning(rig, size, baseline)
            status = rig.loading.status
        finally:
            rig.end()
    return Outcome(
        seed=seed,
        rounds=len(kinds),
        seconds=round(time.monotonic() - began, 1),
        acknowledged=status.ok,
        refused_for_good=status.fail,
        refused_for_now=status.refused,
        resyncs=status.resyncs,
        resent=status.resent,
        longest_resent_s=status.longest_resent_s,
        calm_posts=len(calm),
        calm_longest_s=round(max(calm, default=0.0), 2),
        events=sum(map(len, rig.branches[-1].events.values())),
        faults=dict(Counter(kind.name for kind in kinds)),
        slowest_recovery_s=round(slowest, 1),
        violations=[f"{v.invariant} {v.name}: {v.where}" for v in violations],
    )


def _round(rig: Rig, chance: random.Random, number: int, kind: Kind) -> float:
    """One fault, and the load as before."""
    since = h.now()
    evidence = kind.make(rig, random.Random(chance.random()))
    rig.recorder.write(h.Fault(since, h.now(), kind.name, evidence))
    after_s = rig.recovered()
    time.sleep(chance.uniform(*CALM_S))
    status = rig.loading.status
    _say(
        f"round {number}: {kind.name}: {evidence}; recovered in {after_s:.1f} s; {status.ok} ok, {status.fail} refused"
    )
    return after_s


def _enough(rig: Rig, at_least: int) -> None:
    """The load goes on until so many posts were acknowledged."""
    missing = at_least - rig.loading.status.ok
    if missing > 0:
        _say(f"{missing} messages to go")
        rig.loading.until(lambda: rig.loading.status.ok >= at_least, f"{at_least} messages", 60 + missing / 50)


# --- the end --------------------------------------------------------------------------------------


def _reckoning(rig: Rig, size: Size, baseline: dict[str, dict[str, float]]) -> tuple[list[Violation], list[float]]:
    """What broke a promise, and how long calm clients waited in faults of nodes (s)."""
    rig.adapters_ready()
    for name in ABSENT_AT_THE_END:
        rig.loading.tell(f"leave {name}")
    rig.loading.tell("quiet")
    _gone(rig)
    _settled(rig, size.grace_s + 3)
    rig.loading.tell("reached")
    for agent in rig.agents:
        present = agent.id not in ABSENT_AT_THE_END
        rig.recorder.write(h.Crew(agent.tenant, agent.id, present=present, capacity=CAPACITY))
    rig.branches = rig.whole_log()
    # While the agents are still there: their going would move conversations.
    kept = run_apart(_heads(rig))
    rebuilt = _rebuilt(rig)
    rig.loading.end()
    if size.idle_s:
        time.sleep(size.idle_s)
        for name, process in rig.system.processes.items():
            _bounds(rig, name, baseline[name], _figures(process))
    rig.recorder.close()
    _say(f"checking {sum(map(len, rig.branches[-1].events.values()))} events")
    world = gather(h.read([rig.folder / "rig.history", rig.folder / "load.history"]), rig.branches)
    violations = [*checker.check(world), *checker.projections_are_disposable(kept, rebuilt), *_dead_tasks(rig)]
    return violations, [waited_s for _, waited_s, _ in devices.calm_waits(world)]


def _dead_tasks(rig: Rig) -> Iterator[Violation]:
    """What nodes and routing say of work that ended in an error of ours."""
    for process in (*rig.system.nodes, rig.system.adapters["routing"]):
        for line in process.log.read_text(errors="replace").splitlines():
            if any(words in line for words in DEAD_TASK):
                yield Violation("I11", "dead_task", f"{process.name}: {line[:200]} ... {line[-1300:]}")


def _gone(rig: Rig) -> None:
    """No key of presence says that the absent are there: those of a killed node's sockets live on for 45 s."""

    async def there() -> list[str]:
        async with connected(rig.system.common, "test") as link:
            keys = await presence.presence(link).keys()
        return [key for key in keys if key.split(".")[1] in ABSENT_AT_THE_END]

    deadline = time.monotonic() + SETTLED_WITHIN_S
    while keys := run_apart(there()):
        assert time.monotonic() < deadline, f"still there: {keys}"
        time.sleep(0.5)


def _settled(rig: Rig, quiet_s: float) -> None:
    """Routing has given back what the absent had, and given what there is room for: nothing is stored any more."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    before: object = None
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < quiet_s:
        assert time.monotonic() < deadline, f"events are still stored {SETTLED_WITHIN_S} s after the last post"
        now = rig.lasts()
        if now != before:
            before, quiet_since = now, time.monotonic()
        time.sleep(0.5)


async def _heads(rig: Rig) -> dict[str, Any]:
    async with connected(rig.system.common, "test") as link:
        return await _heads_of(link)


async def _heads_of(link: Link) -> dict[str, Any]:
    bucket: Bucket[Head] = Bucket(link, "heads", Head)
    return {kept.key: msgspec.to_builtins(kept.value) for kept in await bucket.all(">")}


def _rebuilt(rig: Rig) -> dict[str, Any]:
    """The heads after their bucket was deleted under a routing that was stopped."""
    routing = rig.system.adapters["routing"]
    routing.stop()

    async def delete() -> None:
        async with connected(rig.system.common, "test") as link:
            await link.api("STREAM.DELETE.KV_heads", {})

    run_apart(delete())
    routing.start().wait_ready(SETTLED_WITHIN_S)
    deadline = time.monotonic() + SETTLED_WITHIN_S
    before: dict[str, Any] | None = None
    while before is None or before != (now := run_apart(_heads(rig))):
        assert time.monotonic() < deadline, "the heads didn't come to rest"
        before = run_apart(_heads(rig)) if before is None else now
        time.sleep(2)
    return before


def _figures(process: Process) -> dict[str, float]:
    return {
        "open_fds": _descriptors(process),
        "threads": float(len(list(Path(f"/proc/{process.pid}/task").iterdir()))),
        "tasks": metric(process, "trunkline_tasks"),
        "rss_mib": metric(process, "process_resident_memory_bytes") / 2**20,
        "sockets": metric(process, "trunkline_node_sockets"),
    }


def _descriptors(process: Process) -> float:
    """Open descriptors, without the three on /proc that each thread of ClickHouse keeps: threads have their bound."""
    count = 0
    for each in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            count += not str(each.readlink()).startswith(f"/proc/{process.pid}/task/")
        except FileNotFoundError:
            continue
    return float(count)


def _bounds(rig: Rig, name: str, before: dict[str, float], after: dict[str, float]) -> None:
    """After the load is gone a process has what it had at its start; memory, what a day's caches may hold."""
    # ClickHouse keeps the files of its newest parts open, and caches; its pools hold 155 threads from the first loads.
    is_warehouse = name == "warehouse"
    most = {
        "open_fds": before["open_fds"] + (100 if is_warehouse else 8),
        "threads": 220.0 if is_warehouse else before["threads"] + 8,
        "tasks": before["tasks"] + 8,
        "rss_mib": before["rss_mib"] + (700 if is_warehouse else 150),
        "sockets": 0.0,
    }
    for what, bound in most.items():
        rig.recorder.write(h.Measured(name, what, after[what], bound))
    _say(f"{name}: {before} at the start, {after} at the end")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
