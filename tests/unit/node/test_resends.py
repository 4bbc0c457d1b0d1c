"""Which ids NATS itself tells from those stored before."""

from __future__ import annotations

import time

from backbone.ids import new_event_id, new_uuid
from node.resends import AHEAD_MS, FRESH_MS, is_fresh


def test_a_young_id_is_fresh_and_an_old_one_a_future_one_and_one_without_time_are_not() -> None:
    message, now = new_event_id(), time.time_ns() // 1_000_000
    assert is_fresh(message, now)
    assert is_fresh(message, now + FRESH_MS - 1000)
    assert not is_fresh(message, now + FRESH_MS + 1000)
    assert not is_fresh(message, now - AHEAD_MS - 1000)
    assert not is_fresh(new_uuid(), now)
