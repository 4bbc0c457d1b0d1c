"""The watermark logic: the cases that the TypeScript client runs as well, and any order of a log."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.process.watermark import HELD_AT_MOST, Held, Watermark, on_event, on_replay

CASES = json.loads((Path(__file__).parents[2] / "cases" / "watermark.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_case(case: dict[str, Any]) -> None:
    mark = Watermark(*case["mark"]) if case["mark"] else None
    held, applied, asks = Held({}), [], 0
    for step in case["steps"]:
        if "evs" in step:
            evs = step["evs"]
            done = on_replay(mark, held, evs["epoch"], [(s, s) for s in evs["events"]], evs["upto"])
        else:
            seq, prev = step.get("ev") or step["skip"]
            done = on_event(mark or Watermark(0, 0), held, seq, prev, seq if "ev" in step else None)
        mark = done.mark
        applied += [seq for seq, _ in done.apply]
        asks += done.verdict == "gap"
    assert applied == case["applied"]
    assert list(mark or ()) == case["mark_after"]
    assert asks == case["asks"]


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_any_loss_repetition_and_order_ends_in_the_whole_log(length: int, chance: random.Random) -> None:
    log, seq = [], 0
    for _ in range(length):
        prev, seq = seq, seq + chance.randint(1, 3)
        log.append((seq, prev))
    arrivals = [one for one in log if chance.random() < 0.8] * chance.randint(1, 2)
    chance.shuffle(arrivals)
    mark, held, applied = Watermark(7, 0), Held({}), []
    for one in arrivals:
        step = on_event(mark, held, one[0], one[1], one[0])
        mark = step.mark
        applied += [s for s, _ in step.apply]
        if step.verdict == "gap" and chance.random() < 0.5:
            upto = log[chance.randrange(length)][0]
            missing = [(s, s) for s, _ in log if mark.seq < s <= upto]
            step = on_replay(mark, held, 7, missing, max(upto, mark.seq))
            mark = step.mark
            applied += [s for s, _ in step.apply]
        assert len(held.events) <= HELD_AT_MOST
    step = on_replay(mark, held, 7, [(s, s) for s, _ in log if s > mark.seq], seq)
    applied += [s for s, _ in step.apply]
    assert applied == [s for s, _ in log]
    assert step.mark == Watermark(7, seq)
    assert not held.events
