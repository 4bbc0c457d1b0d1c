"""`kill -9` of a channel's replicas, one every ten seconds, while its platform fails at random and both sides write.

50 conversations, 2,000 answers and what customers say in between, for each channel; I2, I3 and I7 by
`deliveries.check`. SEED, SENDS and CHANNEL in the environment say otherwise.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from backbone.nats import dead
from tests.conformance.rig import Account, Bench, running_bench
from tests.conformance.simulators import OURS
from tests.faults import deliveries
from tests.faults.world import Event
from tests.harness.processes import Process
from tests.simulators.base import Fault

SEED: Final = int(os.environ.get("SEED") or 20261126)
SENDS: Final = int(os.environ.get("SENDS") or 2000)
CHANNELS: Final = (os.environ["CHANNEL"],) if os.environ.get("CHANNEL") else OURS

CONVERSATIONS: Final = 50
A_TURN: Final = 5
"""Answers to each message of a customer: as many as the narrowest window allows."""

KILL_EVERY_S: Final = 10.0
PAUSE_MOST_S: Final = 2.2
SHARE: Final = 0.06
SETTLED_WITHIN_S: Final = 600.0

FAULTS: Final = (
    *("500", "html502", "busy", "reset", "empty", "lost", "token", "rejected"),
    # A call in the middle of which its process may die.
    "slow",
    "limited",
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(params=CHANNELS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Two replicas, and an agent who writes as fast as fifty."""
    environment = {
        "TRUNKLINE_NODE_AGENT_RATE": "1000",
        "TRUNKLINE_NODE_AGENT_BURST": "1000",
        "TRUNKLINE_CHANNEL_GIVE_UP_S": "3600",
    }
    with running_bench(tmp_path, request.param, environment=environment) as running:
        yield running


class Said(NamedTuple):
    """What customers were answered with 2xx for, by peer."""

    told: dict[str, list[str]]
    convs: dict[str, str]
    """Conversations by peer."""


async def test_kill_a_replica_every_ten_seconds_while_its_platform_fails_at_random(bench: Bench) -> None:
    sys.stdout.write(f"\n{bench.channel}: SEED={SEED} SENDS={SENDS}\n")
    rng = random.Random(SEED)
    async with bench.account() as account:
        said = Said({f"peer{n}": [] for n in range(CONVERSATIONS)}, {})
        await asyncio.gather(*(_tell(account, said, peer, f"{peer} begins") for peer in said.told))
        said.convs.update(await _conversations(account))
        for fault in _faults(account):
            account.simulator.script(fault.name, after_s=fault.after_s, seconds=fault.seconds)
        account.simulator.script_at_random(SEED, SHARE, _faults(account))
        began = time.monotonic()
        killing = asyncio.create_task(_kill(bench.replicas))
        await asyncio.gather(*(_talk(account, said, peer, random.Random(rng.random())) for peer in said.told))
        writing_s = time.monotonic() - began
        killing.cancel()
        kills = await asyncio.gather(killing, return_exceptions=True)
        account.simulator.repair()
        for replica in bench.replicas:
            await asyncio.to_thread(replica.wait_ready)
        traffic = await _settled(account, said)
        assert not isinstance(kills[0], BaseException), kills[0]
        _tell_what_happened(account, traffic, kills[0], writing_s)
        assert [f.name for f in _faults(account) if not account.simulator.met[f.name]] == [], "a fault never happened"
        assert kills[0] >= min(4, writing_s // KILL_EVERY_S)
        assert len(traffic.sends) == SENDS
        assert deliveries.check(traffic) == []


def _faults(account: Account) -> list[Fault]:
    """Those that the platform has; one that makes an account wait a minute would only make it long."""
    simulator = account.simulator
    names = [
        name
        for name in FAULTS
        if name not in simulator.excused | simulator.waits_long and (name != "limited" or simulator.tells_when)
    ]
    return [Fault(name=name, after_s=1.0 if name in {"limited", "busy"} else None, seconds=1.5) for name in names]


async def _kill(replicas: list[Process]) -> int:
    """Kills one and the other in turn; returns how often when it is cancelled."""
    count = 0
    try:
        while True:
            await asyncio.sleep(KILL_EVERY_S)
            victim = replicas[count % len(replicas)]
            # On this thread: a process ends with the thread that started it.
            victim.kill()
            victim.start()
            count += 1
    except asyncio.CancelledError:
        return count


async def _talk(account: Account, said: Said, peer: str, rng: random.Random) -> None:
    """A customer and the agent in turns; the agent doesn't wait until an answer is out."""
    for number in range(SENDS // CONVERSATIONS):
        await asyncio.sleep(rng.uniform(0, PAUSE_MOST_S))
        if number % A_TURN == 0:
            await _tell(account, said, peer, f"{peer} asks {number}")
        await account.agent.send(f"{peer} answer {number}", said.convs[peer])


async def _tell(account: Account, said: Said, peer: str, text: str) -> None:
    """The customer writes, and the platform delivers it until it is taken."""
    for push in account.simulator.say(peer, text):
        while not 200 <= await account.simulator.deliver(push) < 300:
            await asyncio.sleep(0.2)
    said.told[peer].append(text)


async def _conversations(account: Account) -> dict[str, str]:
    """By peer, once all are there."""
    found: dict[str, str] = {}
    deadline = time.monotonic() + 60
    while len(found) < CONVERSATIONS:
        assert time.monotonic() < deadline, f"only {len(found)} conversations were opened"
        await asyncio.sleep(0.2)
        found = {
            event["text"].split()[0]: event["conv"]
            for event in await account.events()
            if event["type"] == "message.added" and event["text"].endswith(" begins")
        }
    return found


async def _settled(account: Account, said: Said) -> deliveries.Traffic:
    """Once every answer has an end: customers go on writing, since a window may have closed meanwhile."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while True:
        traffic = await _traffic(account, said)
        waiting = sorted({send.peer for send in traffic.sends if send.end == "pending"})
        told = {peer: set(texts) - set(traffic.heard.get(peer, [])) for peer, texts in said.told.items()}
        if (not waiting and not any(told.values())) or time.monotonic() > deadline:
            return traffic
        for number, peer in enumerate(waiting):
            await _tell(account, said, peer, f"{peer} waits {number} {time.monotonic():.3f}")
        await asyncio.sleep(3)


async def _traffic(account: Account, said: Said) -> deliveries.Traffic:
    log: dict[str, list[Event]] = {}
    for event in await account.events():
        log.setdefault(event["conv"], []).append(Event(event["seq"], event["id"], event))
    peers = {conv: peer for peer, conv in said.convs.items()}
    accepted: dict[str, list[str]] = {}
    for one in account.simulator.accepted:
        # By the text: a platform may call people otherwise than the customers here are called.
        accepted.setdefault(one.text.split()[0], []).append(one.text)
    heard: dict[str, list[str]] = {}
    for conv, events in log.items():
        heard.setdefault(peers[conv], []).extend(
            e.body["text"] for e in events if e.body["type"] == "message.added" and e.body["by"]["kind"] == "visitor"
        )
    letters = await dead.letters(account.link, account.tenant, account.bench.channel)
    reasons = {msgspec.json.decode(one.raw)["id"]: one.reason for one in letters}
    return deliveries.Traffic(deliveries.sends_of(log, peers), accepted, reasons, said.told, heard)


def _tell_what_happened(account: Account, traffic: deliveries.Traffic, kills: int, writing_s: float) -> None:
    ends = {end: sum(send.end == end for send in traffic.sends) for end in ("sent", "unknown", "failed", "pending")}
    sys.stdout.write(
        f"{account.bench.channel}: {len(traffic.sends)} answers in {writing_s:.0f} s, {kills} kills, "
        f"faults {dict(account.simulator.met)}, {account.simulator.calls} calls, ends {ends}\n"
    )
