"""One conversation, many viewers: when a message reached the first of them, and when the last."""

from __future__ import annotations

import time
from typing import Any

from backbone.ids import new_event_id
from tests.bench.loadgen.poller import Connection, Poller
from tests.bench.loadgen.speech import Pair, say
from tests.bench.population import TEXT

ARRIVED_WITHIN_S = 10.0
KEY = b'"text":"'
DIGITS = 6


def fan(poller: Poller, pair: Pair, viewers: list[Connection], times: int, every_s: float) -> dict[str, Any]:
    """Sends one message at a time; milliseconds from the first viewer to the last, and from sending to the last."""
    arrivals: list[list[float]] = [[] for _ in range(times)]
    mark = f"{time.monotonic_ns() % 10**9:09d}".encode()

    def arrived(frame: bytes) -> None:
        begin = frame.find(KEY + mark)
        if begin >= 0:
            begin += len(KEY + mark)
            arrivals[int(frame[begin : begin + DIGITS])].append(time.perf_counter())

    for viewer in viewers:
        viewer.on_frame = arrived
    spread_ms, whole_ms = [], []
    for n in range(times):
        sent_at = time.perf_counter()
        text = f"{mark.decode()}{n:0{DIGITS}d} {TEXT}"
        say(pair.visitor, {"t": "send", "id": new_event_id(), "conv": pair.conv, "kind": "text", "text": text})
        if not poller.until(lambda seen=arrivals[n]: len(seen) >= len(viewers), ARRIVED_WITHIN_S):  # type: ignore[misc]
            msg = f"message {n} reached {len(arrivals[n])} of {len(viewers)} viewers"
            raise RuntimeError(msg)
        spread_ms.append((arrivals[n][-1] - arrivals[n][0]) * 1000)
        whole_ms.append((arrivals[n][-1] - sent_at) * 1000)
        poller.until(lambda until=sent_at + every_s: poller.now >= until, every_s)  # type: ignore[misc]
    doubled = sum(len(each) - len(viewers) for each in arrivals)
    return {"spread_ms": spread_ms, "whole_ms": whole_ms, "doubled": doubled}
