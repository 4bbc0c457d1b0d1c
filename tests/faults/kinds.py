"""The faults of a campaign, each a function that makes it happen and returns what shows that it did."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from backbone.failpoints import NAMES
from tests.faults.load import FLOOD_STEP
from tests.faults.proxy import Wire
from tests.faults.rig import Rig
from tests.harness.processes import Process
from trunkline.client import PONG_WITHIN_S

FLOOD = 600
"""Long messages to one who doesn't read: 7 MB, where a sender's buffers of TCP hold 4."""

FROZEN_LEAST_S = PONG_WITHIN_S + 2.5

FaultMaker = Callable[[Rig, random.Random], str]


class Kind(NamedTuple):
    """A fault by its name."""

    name: str
    make: FaultMaker


# --- processes ------------------------------------------------------------------------------------


def die_in_node(point: str) -> FaultMaker:
    """A node kills itself at a point, under load, and comes back."""

    def make(rig: Rig, chance: random.Random) -> str:
        node = chance.choice(rig.system.nodes)
        node.kill() if chance.random() < 0.5 else node.stop()
        # Conversations are opened a few times a second, everything else all the time.
        return rig.die_at(node, point, chance.randint(1, 4 if point == "log.batch" else 30))

    return make


def die_in_adapter(name: str, point: str) -> FaultMaker:
    """An adapter kills itself at a point and comes back."""

    def make(rig: Rig, chance: random.Random) -> str:
        rig.adapters_ready()
        process = rig.system.adapters[name]
        process.stop()
        # Decisions are few where everybody has their hands full.
        return rig.die_at(process, point, chance.randint(1, 1 if point == "routing.decided" else 3))

    return make


def kill(name: str) -> FaultMaker:
    """`kill -9` of a process, and another one in its place."""

    def make(rig: Rig, chance: random.Random) -> str:
        rig.adapters_ready()
        process = _process(rig, chance, name)
        pid = process.pid
        process.kill()
        time.sleep(chance.uniform(0, 1))
        process.start()
        return f"{process.name}, pid {pid}, was killed"

    return make


def drain(rig: Rig, chance: random.Random) -> str:
    """SIGTERM of a node: it sends its clients away and goes, with exit code 0."""
    node = chance.choice(rig.system.nodes)
    code = node.stop()
    assert code == 0, f"{node.name} left with {code}:\n{node.tail()}"
    node.start()
    return f"{node.name} drained and left with 0"


def freeze_node(rig: Rig, chance: random.Random) -> str:
    """SIGSTOP of a node for longer than its clients wait: it keeps its sockets, and goes on with what it had read."""
    node = chance.choice(rig.system.nodes)
    seconds = chance.uniform(FROZEN_LEAST_S, 12)
    before = rig.loading.status.ok
    os.kill(node.pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        os.kill(node.pid, signal.SIGCONT)
    assert rig.loading.status.ok > before, "nobody was answered by the other node"
    return f"{node.name} was frozen for {seconds:.1f} s"


def kill_nats(rig: Rig, chance: random.Random) -> str:
    """`kill -9` of nats-server; it comes back on its store."""
    pid = rig.system.nats.process.pid if rig.system.nats.process else 0
    with rig.outage():
        rig.system.nats.kill()
        # Now and then long enough that a post must have been refused.
        time.sleep(chance.choice([0.1, 0.5, 2, 8]))
        rig.system.nats.start()
    return f"nats-server, pid {pid}, was killed"


def kill_nats_beside_open_links(rig: Rig, chance: random.Random) -> str:
    """The same, and the processes find out by themselves."""
    pid = rig.system.nats.process.pid if rig.system.nats.process else 0
    rig.system.nats.kill()
    time.sleep(chance.uniform(0, 2))
    rig.system.nats.start()
    return f"nats-server, pid {pid}, was killed"


def restart_nats(rig: Rig, _chance: random.Random) -> str:
    """SIGTERM of nats-server; it comes back on its store."""
    pid = rig.system.nats.process.pid if rig.system.nats.process else 0
    rig.system.nats.stop()
    rig.system.nats.start()
    assert rig.system.nats.process is not None
    return f"nats-server, pid {pid}, left; {rig.system.nats.process.pid} came"


def roll_back(rig: Rig, chance: random.Random) -> str:
    """The store is put back to an older copy: whoever showed what is lost hears `resync`."""
    copy, cut = rig.copy_of_the_log()
    rig.recovered()
    time.sleep(chance.uniform(1, 4))
    before = rig.loading.status.resyncs
    lost = rig.put_back(copy, cut)
    assert lost > 0, "nothing was written since the copy: no rollback happened"
    rig.loading.until(lambda: rig.loading.status.resyncs > before, "clients hear resync", 60)
    return f"{lost} events were rolled back; clients heard resync"


# --- links ----------------------------------------------------------------------------------------


def cut(rig: Rig, chance: random.Random) -> str:
    """Every connection of a wire ends, by RST or FIN, a few times."""
    name, wire = _wire(rig, chance)
    ended = 0
    for _ in range(chance.randint(1, 4)):
        ended += wire.cut(reset=chance.random() < 0.5)
        time.sleep(chance.uniform(0, 0.7))
    return _shown(ended > 0, f"{ended} connections of {name} were cut")


def cut_mid_frame(rig: Rig, chance: random.Random) -> str:
    """A connection ends in the middle of what it carries."""
    name, wire = _wire(rig, chance)
    way = chance.choice(["up", "down"])
    before = wire.passed.cuts_mid_frame
    wire.cut_mid_frame(way)
    _until(lambda: wire.passed.cuts_mid_frame > before)
    return f"{name} was cut {way} in the middle of a frame"


def partition(rig: Rig, chance: random.Random) -> str:
    """Nothing gets through, both ways, and nobody is told; then it flows again."""
    return _stall(rig, chance, "up", "down")


def partition_one_way(rig: Rig, chance: random.Random) -> str:
    """The same, one way only."""
    return _stall(rig, chance, chance.choice(["up", "down"]))


def slow(rig: Rig, chance: random.Random) -> str:
    """A wire carries little for a while."""
    name, wire = _wire(rig, chance)
    before = wire.passed
    bytes_per_s = chance.choice([20_000, 100_000, 400_000])
    wire.slow(bytes_per_s)
    time.sleep(chance.uniform(2, 6))
    after = wire.passed
    wire.heal()
    carried = after.up + after.down - before.up - before.down
    return f"{name} carried {carried} bytes, {bytes_per_s} a second for each connection"


def refuse(rig: Rig, chance: random.Random) -> str:
    """A wire ends what it has and takes nobody."""
    name, wire = _wire(rig, chance)
    wire.refuse()
    time.sleep(chance.uniform(0.5, 4))
    is_empty = wire.passed.open == 0
    wire.heal()
    return _shown(is_empty, f"{name} refused everybody")


def slow_reader(rig: Rig, _chance: random.Random) -> str:
    """Somebody stops reading: closed with 4408, back with the watermark, caught up.

    Who doesn't read the close frame either is cut off some seconds later, and never learns why (1006).
    """
    wire, loading = rig.proxy.wires["slow-reader"], rig.loading
    known = len(loading.status.did)
    loading.send(f"flood {FLOOD}")
    loading.until(lambda: loading.said("flooding", known), "the reader looks", 30)
    wire.stall("down")
    # Each waits for its acknowledgement: together they take minutes where other work shares the machine.
    for written in range(FLOOD_STEP, FLOOD + 1, FLOOD_STEP):
        told = f"flooded {written}"
        loading.until(lambda told=told: told in loading.status.did[known:], told, 60)
    wire.heal()
    closed = loading.until(lambda: loading.said(f"flood {FLOOD}: ", known), "the reader has caught up", 60)
    return _shown(closed.endswith(("4408", "1006")), closed)


# --- small things ---------------------------------------------------------------------------------


def _stall(rig: Rig, chance: random.Random, *ways: str) -> str:
    name, wire = _wire(rig, chance)
    before = wire.passed
    wire.stall(*ways)  # type: ignore[arg-type]
    time.sleep(chance.choice([0.5, 2, 4, 12]))
    after = wire.passed
    wire.heal()
    # What a wire had read when it was stalled may still have gone out.
    leaked = sum(getattr(after, way) - getattr(before, way) for way in ways)
    return _shown(leaked < 1_000_000, f"{name} was stalled {' and '.join(ways)}; {leaked} bytes were on their way")


def _wire(rig: Rig, chance: random.Random) -> tuple[str, Wire]:
    """Most often one that many people feel."""
    names = sorted(name for name in rig.proxy.wires if name != "slow-reader")
    weights = [1 if name.startswith(("routing", "warehouse")) else 3 for name in names]
    name = chance.choices(names, weights)[0]
    return name, rig.proxy.wires[name]


def _process(rig: Rig, chance: random.Random, name: str) -> Process:
    return chance.choice(rig.system.nodes) if name == "node" else rig.system.adapters[name]


def _shown(happened: bool, evidence: str) -> str:  # noqa: FBT001 - the claim and its words
    assert happened, f"the fault didn't happen: {evidence}"
    return evidence


def _until(condition: Callable[[], bool], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"the fault didn't happen within {within_s} s"
        time.sleep(0.02)


# --- which, and how often -------------------------------------------------------------------------


def _at(point: str) -> FaultMaker:
    room = point.partition(".")[0].replace("follow", "routing")
    return die_in_adapter(room, point) if room in {"routing", "warehouse"} else die_in_node(point)


# Those of channels are tried over simulators, by tests/conformance.
POINTS = [Kind(f"die at {point}", _at(point)) for point in sorted(NAMES) if not point.startswith("channel.")]

OTHERS = [
    Kind("kill nats", kill_nats),
    Kind("kill nats beside open links", kill_nats_beside_open_links),
    Kind("restart nats", restart_nats),
    Kind("roll back the log", roll_back),
    Kind("kill node", kill("node")),
    Kind("kill routing", kill("routing")),
    Kind("kill warehouse", kill("warehouse")),
    Kind("freeze node", freeze_node),
    Kind("drain node", drain),
    Kind("cut", cut),
    Kind("cut mid-frame", cut_mid_frame),
    Kind("partition", partition),
    Kind("partition one way", partition_one_way),
    Kind("slow", slow),
    Kind("refuse", refuse),
    Kind("slow reader", slow_reader),
]

AGAIN = {"roll back the log": 0.5, "slow reader": 0.7, "restart nats": 0.7}
"""How often as against the others, after the first time."""


def schedule(rounds: int, chance: random.Random) -> list[Kind]:
    """So many faults by chance: every kind once before any comes again, if there are rounds enough."""
    kinds = [*POINTS, *OTHERS]
    first = chance.sample(kinds, len(kinds))
    more = chance.choices(kinds, [AGAIN.get(kind.name, 1.0) for kind in kinds], k=max(0, rounds - len(kinds)))
    return [*first, *more][:rounds]
