"""Every promise under every fault: 50 visitors, 10 agents, 3 tenants, and a seed by which it can be done again.

`make faults` runs the long one: SEED, ROUNDS, MESSAGES and RATE in the environment choose which, how much of it and
how fast.
"""

from __future__ import annotations

import os
import random
import secrets
import sys
from pathlib import Path

import msgspec
import pytest

from tests.faults import campaign
from tests.faults.kinds import OTHERS, POINTS, schedule

SHORT = [
    "die at node.stored",
    "kill nats",
    "freeze node",
    "cut mid-frame",
    "drain node",
    "kill node",
    "roll back the log",
]


@pytest.mark.rest
@pytest.mark.timeout(180)
def test_a_few_rounds(tmp_path: Path) -> None:
    by_name = {kind.name: kind for kind in (*POINTS, *OTHERS)}
    size = campaign.Size(rate=200, grace_s=4, at_least=0, idle_s=0)
    outcome = campaign.run(tmp_path, 20261124, [by_name[name] for name in SHORT], size)
    assert outcome.violations == []
    assert outcome.acknowledged > 500
    assert outcome.resent > 50
    assert outcome.calm_posts > 3


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_rounds(tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**9))
    rounds = int(os.environ.get("ROUNDS") or 100)
    messages = int(os.environ.get("MESSAGES") or 2000 * rounds)
    rate = int(os.environ.get("RATE") or 450)
    sys.stderr.write(f"\nSEED={seed} ROUNDS={rounds} MESSAGES={messages} RATE={rate}\n")
    kinds = schedule(rounds, random.Random(seed))
    # Rooms of conversations that nobody looks at are let go after 20 s and a turn of 5 s.
    outcome = campaign.run(tmp_path, seed, kinds, campaign.Size(rate=rate, grace_s=20, at_least=messages, idle_s=28))
    sys.stderr.write(msgspec.json.encode(outcome).decode() + "\n")
    assert outcome.violations == [], f"SEED={seed} ROUNDS={rounds}"
    assert outcome.acknowledged >= messages
