"""The open loop: message i is due at start + i/rate whatever became of the others, and its latency counts from then."""

from __future__ import annotations

import json
import time
from array import array
from collections import Counter
from typing import Any

from backbone.ids import new_event_id
from tests.bench import machine
from tests.bench.figures import histogram_of, told
from tests.bench.loadgen.poller import TURN_S, Poller
from tests.bench.loadgen.speech import Pair, say
from tests.bench.loadgen.wire import head_of
from tests.bench.population import TEXT

TICK_S = 0.001
OK = b'{"t":"ok","id":"'
ERR = b'{"t":"err"'
EV = b'{"t":"ev",'
RESYNC = b'{"t":"resync"'
TEXT_KEY = b'"text":"'
NUMBER_DIGITS = 10
ID_CHARS = 36
TIME_CHARS = 13
"""Of an id of version 7, with the hyphen in its middle: 48 bits."""


class Posting:
    """One run over conversations that are open already."""

    def __init__(self, poller: Poller, pairs: list[Pair], last_within_s: float) -> None:
        self._poller = poller
        self._pairs = pairs
        self._last_within_s = last_within_s
        self._mark = new_event_id()[:24].encode()
        """Of this run: its end is in each id and all of it in each text, so that what is late of an earlier run isn't
        counted. Ids begin with the time at which they are sent: to a node one of 20 s ago is a resend, which it looks
        for in the log.
        """
        self._arrived = array("d")
        self._seen = 0
        self._acknowledged = 0
        self._doubled = 0
        self._resyncs = 0
        self._refused: Counter[str] = Counter()

    def run(self, rate: float, seconds: float, warm_up_s: float, pids: list[int]) -> dict[str, Any]:
        """Sends for `warm_up_s` + `seconds`; tells latency, losses and CPU of all after the warm-up."""
        count, first = round(rate * (warm_up_s + seconds)), round(rate * warm_up_s)
        self._arrived = array("d", bytes(8 * count))
        for pair in self._pairs:
            pair.visitor.on_frame = self._on_visitor
            pair.viewer.on_frame = self._on_viewer
        start = time.perf_counter() + TURN_S
        self._send(0, first, start, rate)
        before, own, began = {pid: machine.cpu_s(pid) for pid in pids}, time.process_time(), time.perf_counter()
        self._send(first, count, start, rate)
        self._poller.until(lambda: self._is_over(count), self._last_within_s)
        took_s = time.perf_counter() - began
        histogram = histogram_of(self._arrived[n] - (start + n / rate) for n in range(first, count) if self._arrived[n])
        return {
            "rate": round(rate),
            "sent": count,
            "lost": count - self._seen,
            "unanswered": count - self._answered,
            "doubled": self._doubled,
            "refused": dict(self._refused),
            "resyncs": self._resyncs,
            "cut": dict(self._poller.cut),
            "messages": count - first,
            "took_s": took_s,
            **told(histogram),
            "cpu_s": {str(pid): machine.cpu_s(pid) - before[pid] for pid in pids},
            "loadgen_cpu": (time.process_time() - own) / took_s,
        }

    def _is_over(self, count: int) -> bool:
        return self._answered == count and self._seen + self._refused.total() >= count

    def _begin_again(self, conv: str) -> None:
        """As a client does: what it shows is forgotten and asked for anew."""
        self._resyncs += 1
        viewer = next(pair.viewer for pair in self._pairs if pair.conv == conv)
        say(viewer, {"t": "sub", "conv": conv, "after": None, "limit": 1})

    @property
    def _answered(self) -> int:
        return self._acknowledged + self._refused.total()

    def _send(self, begin: int, end: int, start: float, rate: float) -> None:
        poller, pairs, mark = self._poller, self._pairs, self._mark
        own = mark[TIME_CHARS:]
        conversations = len(pairs)
        parts = [
            (
                b'{"t":"send","id":"',
                b'","conv":"' + pair.conv.encode() + b'","kind":"text","text":"',
                (TEXT + '"}').encode(),
            )
            for pair in pairs
        ]
        size = sum(map(len, parts[0])) + ID_CHARS + len(mark) + NUMBER_DIGITS
        head = head_of(size)
        n = begin
        while n < end:
            now = time.perf_counter()
            due = min(end, int((now - start) * rate) + 1)
            made = new_event_id()[:TIME_CHARS].encode()
            while n < due:
                place = n % conversations
                a, b, c = parts[place]
                pairs[place].visitor.send(b"".join((head, a, made, own, b"%012x" % n, b, mark, b"%010d" % n, c)))
                n += 1
            poller.turn(TICK_S)

    def _on_visitor(self, frame: bytes) -> None:
        if frame.startswith(OK):
            if frame[16 + TIME_CHARS : 40] == self._mark[TIME_CHARS:]:
                self._acknowledged += 1
        elif frame.startswith(ERR):
            begin = frame.index(b'"code":"') + 8
            self._refused[frame[begin : frame.index(b'"', begin)].decode()] += 1

    def _on_viewer(self, frame: bytes) -> None:
        if not frame.startswith(EV):
            if frame.startswith(RESYNC):
                self._begin_again(json.loads(frame)["conv"])
            return
        begin = frame.find(TEXT_KEY) + len(TEXT_KEY)
        middle = begin + 24
        if frame[begin:middle] != self._mark:
            return
        n = int(frame[middle : middle + NUMBER_DIGITS])
        if self._arrived[n]:
            self._doubled += 1
        else:
            self._arrived[n] = time.perf_counter()
            self._seen += 1
