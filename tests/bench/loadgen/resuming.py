"""Clients that come back: after a cut each reconnects by the protocol's rule and goes on from its watermark."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

from tests.bench.loadgen.poller import Connection, Poller
from tests.bench.loadgen.speech import Speaker, say
from tests.bench.population import contact_of, conversation_of

LEAST_WAIT_S, MOST_WAIT_S, BASE_S = 0.2, 20.0, 0.5
NOBODY_THERE = "ConnectionRefusedError"
CUT_OFF = ("end of stream", "ConnectionResetError", "1012")


class Client:
    """One person who stays attached to their conversation, whatever happens to the socket."""

    __slots__ = ("_conv", "_crowd", "_failures", "_hello", "_number", "at", "epoch", "is_live", "lacks", "seq")

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._number = number
        self._conv = conversation_of(number)
        self._failures = 0
        self._hello = crowd.speaker.hello(contact_of(number))
        self.epoch = self.seq = 0
        self.lacks = 0
        """Messages that it has yet to see of those it is waited for."""

        self.is_live = False
        self.at = 0.0
        """When the last message came."""

    def connect(self) -> None:
        """Tries a node, another one each time."""
        connection = self._crowd.speaker.connect(self._number + self._failures)
        connection.on_frame = lambda frame: self._on_frame(connection, frame)
        connection.on_closed = self._on_closed

    def _on_frame(self, connection: Connection, frame: bytes) -> None:
        if not frame:
            connection.send(self._hello)
        elif frame.startswith(b'{"t":"welcome"'):
            self._failures = 0
            self._subscribe(connection)
        elif frame.startswith(b'{"t":"evs"'):
            self._replayed(connection, json.loads(frame))
        elif frame.startswith(b'{"t":"ev"'):
            self._pushed(connection, json.loads(frame))
        elif frame.startswith((b'{"t":"err"', b'{"t":"resync"')):
            self._crowd.refused[frame[:80].decode()] += 1

    def _subscribe(self, connection: Connection) -> None:
        after = (self.epoch, self.seq) if self.seq else None
        say(connection, {"t": "sub", "conv": self._conv, "after": after, "limit": 200})

    def _replayed(self, connection: Connection, frame: dict[str, Any]) -> None:
        for seq, _prev, event in frame["events"]:
            self._apply(seq, event)
        self.epoch, self.seq = frame["epoch"], max(self.seq, frame["upto"])
        if frame["more"]:
            self._subscribe(connection)
        elif not self.is_live:
            self.is_live = True
            self._crowd.live += 1

    def _pushed(self, connection: Connection, frame: dict[str, Any]) -> None:
        if frame["prev"] > self.seq:
            self._subscribe(connection)
        else:
            self._apply(frame["seq"], frame["event"])

    def _apply(self, seq: int, event: dict[str, Any]) -> None:
        if seq <= self.seq:
            return
        self.seq = seq
        if event["type"] == "message.added":
            self.lacks -= 1
            self.at = self._crowd.poller.now
            self._crowd.late -= self.lacks == 0

    def _on_closed(self, connection: Connection) -> None:
        self._crowd.live -= self.is_live
        self.is_live = False
        why = connection.why_closed
        if why.startswith(NOBODY_THERE):
            self._crowd.nobody_there += 1
        elif not why.startswith(CUT_OFF):
            self._crowd.refused[why] += 1
        most = min(MOST_WAIT_S, BASE_S * 2**self._failures)
        self._failures += 1
        self._crowd.poller.later(self._crowd.poller.now + random.uniform(LEAST_WAIT_S, most), self.connect)


class Crowd:
    """All of them."""

    def __init__(self, poller: Poller, speaker: Speaker) -> None:
        self.poller = poller
        self.speaker = speaker
        self.clients: list[Client] = []
        self.refused: Counter[str] = Counter()
        """What a living node didn't let in, by what it said."""

        self.nobody_there = 0
        self.live = 0
        self.late = 0
        """Clients that lack something they are waited for."""

    def gather(self, begin: int, end: int, at_once: int, within_s: float) -> int:
        """Brings people in, some at a time; returns how many are live."""
        waiting = iter(range(begin, end))

        def fewer_open() -> bool:
            while len(self.clients) - self.live < at_once and (number := next(waiting, None)) is not None:
                self.clients.append(Client(self, number))
                self.clients[-1].connect()
            return self.live == end - begin

        self.poller.until(fewer_open, within_s)
        return self.live

    def wait(self, messages: int, within_s: float) -> dict[str, Any]:
        """Until everybody has seen so many messages more; when each had, by the clock of all processes."""
        for client in self.clients:
            client.lacks = messages
        self.late = len(self.clients)
        self.poller.until(lambda: not self.late, within_s)
        return {
            "caught_up": sum(client.lacks == 0 for client in self.clients),
            "at": sorted(client.at for client in self.clients),
            "refused": dict(self.refused),
            "nobody_there": self.nobody_there,
        }
