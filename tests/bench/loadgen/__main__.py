"""A generator's process: takes commands as lines of JSON on stdin, answers each with one line on stdout."""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any

import msgspec

from tests.bench.loadgen.poller import TURN_S, Poller, follow_all
from tests.bench.loadgen.posting import Posting
from tests.bench.loadgen.speech import Pair, Speaker, Target

AT_ONCE = 50
OPEN_WITHIN_S = 300.0


class Generator:
    """What this process holds: sockets of one target."""

    def __init__(self, target: Target) -> None:
        self._poller = Poller(target.heartbeat_s)
        self._speaker = Speaker(self._poller, target)
        self._pairs: list[Pair] = []

    def idle(self) -> None:
        """Keeps the sockets alive between commands."""
        self._poller.turn(TURN_S)

    def open(self, conversations: int) -> dict[str, Any]:
        """Opens conversations, each with a writer on one node and a viewer on the next."""
        scripts = [self._speaker.pair(place, self._pairs) for place in range(conversations)]
        follow_all(self._poller, scripts, AT_ONCE, OPEN_WITHIN_S)
        return {"open": len(self._pairs)}

    def post(self, rate: float, seconds: float, warm_up_s: float, pids: list[int]) -> dict[str, Any]:
        """One run of the open loop."""
        return Posting(self._poller, self._pairs).run(rate, seconds, warm_up_s, pids)


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
