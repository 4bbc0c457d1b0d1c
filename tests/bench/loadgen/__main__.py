"""A generator's process: takes commands as lines of JSON on stdin, answers each with one line on stdout."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from typing import Any

import msgspec

from tests.bench.loadgen.fanning import fan
from tests.bench.loadgen.poller import TURN_S, Connection, Poller, follow_all
from tests.bench.loadgen.posting import Posting
from tests.bench.loadgen.replaying import replay
from tests.bench.loadgen.resuming import Crowd
from tests.bench.loadgen.speech import Pair, Speaker, Target

AT_ONCE = 50
OPEN_WITHIN_S = 900.0
LAST_WITHIN_S = 15.0


class Generator:
    """What this process holds: sockets of one target. Each public method is a command."""

    def __init__(self, target: Target) -> None:
        self._poller = Poller(target.heartbeat_s)
        self._speaker = Speaker(self._poller, target)
        self._pairs: list[Pair] = []
        self._crowd = Crowd(self._poller, self._speaker)

    def idle(self) -> None:
        """Keeps the sockets alive between commands."""
        self._poller.turn(TURN_S)

    def sockets(self) -> dict[str, Any]:
        """How many are open, and which the other side closed, by reason."""
        return {"sockets": len(self._poller), "cut": dict(self._poller.cut), "cpu_s": time.process_time()}

    def open(self, conversations: int) -> dict[str, Any]:
        """Opens conversations, each with a writer on one node and a viewer on the next."""
        scripts = [self._speaker.pair(place, self._pairs) for place in range(conversations)]
        follow_all(self._poller, scripts, AT_ONCE, OPEN_WITHIN_S)
        return {"open": len(self._pairs)}

    def post(
        self, rate: float, seconds: float, warm_up_s: float, pids: list[int], last_within_s: float = LAST_WITHIN_S
    ) -> dict[str, Any]:
        """One run of the open loop."""
        return Posting(self._poller, self._pairs, last_within_s).run(rate, seconds, warm_up_s, pids)

    def attach(self, begin: int, end: int) -> dict[str, Any]:
        """People of the population, each with a socket and their conversation."""
        follow_all(self._poller, [self._speaker.person(n) for n in range(begin, end)], AT_ONCE, OPEN_WITHIN_S)
        return self.sockets()

    def gather(self, begin: int, end: int) -> dict[str, Any]:
        """The same people as clients that come back when they are cut off."""
        return {"live": self._crowd.gather(begin, end, AT_ONCE, OPEN_WITHIN_S)}

    def wait(self, messages: int, within_s: float) -> dict[str, Any]:
        """Until each of those who were gathered has seen so many more messages."""
        return self._crowd.wait(messages, within_s)

    def replay(self, number: int, missed: int, times: int) -> dict[str, Any]:
        """Somebody comes back who missed many events."""
        return replay(self._poller, self._speaker, number, missed, times)

    def fan(self, viewers: int, times: int, every_s: float) -> dict[str, Any]:
        """Messages of the first conversation to many viewers of it, all on the node that its writer isn't on."""
        pair = self._pairs[0]
        seen: list[Connection] = []
        follow_all(
            self._poller, [self._speaker.viewer(1, pair.conv, seen) for _ in range(viewers)], AT_ONCE, OPEN_WITHIN_S
        )
        return fan(self._poller, pair, seen, times, every_s)


def main() -> None:
    """Serves until stdin ends."""
    generator = Generator(msgspec.json.decode(sys.argv[1], type=Target))
    lines, unread = os.fdopen(0, "rb", buffering=0), b""
    while True:
        if not select.select([lines], [], [], 0)[0]:
            generator.idle()
            continue
        data = lines.read(65536)
        if not data:
            return
        *whole, unread = (unread + data).split(b"\n")
        for line in whole:
            command = json.loads(line)
            answer = getattr(generator, command.pop("do"))(**command)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
