"""A history and the log in the order in which they can be looked at: pure.

**Branches.** A log that was put back to an older copy has two futures: the one that was lost, and the one that
went on. `Branch` is one of them, for as long as it was the log. All but the last are given by where they were cut
and by the tail that was lost; what lies below the cut is in the next branch, or it is missing there as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from tests.faults import history as h

T = TypeVar("T", h.Invoked, h.Completed)
R = TypeVar("R", bound=h.Record)


class Violation(NamedTuple):
    """A broken promise: which invariant, its name, and where."""

    invariant: str
    name: str
    where: str


class Event(NamedTuple):
    """A stored event: where, and its decoded content."""

    seq: int
    id: str
    body: dict[str, Any]


class Branch(NamedTuple):
    """One future of the log: from when until when it was the log, where it was cut, and its events by conversation.

    The last one holds everything and has no cut; each earlier one holds what lay beyond its cut, by stream.
    """

    since: float
    until: float
    cut: Mapping[str, int]
    events: Mapping[str, list[Event]]


class Post(NamedTuple):
    """A post from its beginning to its end; `at` is infinite while there is none."""

    began: h.Invoked
    ended: h.Completed

    @property
    def is_ok(self) -> bool:
        """Whether its client was told that it is stored."""
        return self.ended.outcome == "ok"


class Run(NamedTuple):
    """What one viewer showed of one conversation without beginning anew; `reached` if it looked to the end."""

    viewer: str
    conv: str
    why: str
    shown: list[tuple[int, str]]
    reached: list[h.Reached]


class Place(NamedTuple):
    """Where an event is."""

    conv: str
    event: Event


class World:
    """A history and the log, ordered for looking at."""

    def __init__(self, branches: list[Branch]) -> None:
        self.viewers: dict[str, h.Viewer] = {}
        self.posts: dict[str, Post] = {}
        self.runs: list[Run] = []
        self.rest: list[h.AnyRecord] = []
        self.branches = branches
        self._whole: dict[tuple[str, int], list[Event]] = {}
        self._places: list[dict[str, Place]] = []
        for branch in branches:
            self._places.append({})
            for conv, events in branch.events.items():
                for event in events:
                    self._places[-1].setdefault(event.id, Place(conv, event))

    def of(self, kind: type[R]) -> Iterator[R]:
        """The records of one kind."""
        return (record for record in self.rest if isinstance(record, kind))

    @property
    def last(self) -> int:
        """The number of the future that came to be."""
        return len(self.branches) - 1

    def conversation(self, conv: str, branch: int) -> list[Event]:
        """All events of a conversation in one future of the log, in order."""
        if (conv, branch) not in self._whole:
            events = self.branches[branch].events.get(conv, [])
            if branch < self.last:
                events = [e for e in self.conversation(conv, branch + 1) if self.is_kept(branch, conv, e)] + events
            self._whole[conv, branch] = events
        return self._whole[conv, branch]

    def is_kept(self, branch: int, conv: str, event: Event) -> bool:
        """Whether an event of the future after `branch` stood below the cut, and so belongs to both."""
        return event.seq <= self.branches[branch].cut.get(conv[:2], 0)

    def looks(self) -> Iterator[tuple[int, str]]:
        """Every future of every conversation; what two futures have alike is looked at in the later."""
        for number, branch in enumerate(self.branches):
            for conv in branch.events:
                yield number, conv

    def place(self, op: str, branch: int) -> Place | None:
        """Where an event is in one future of the log."""
        return self._places[branch].get(op) or self.below_the_cut(op, branch)

    def below_the_cut(self, op: str, branch: int) -> Place | None:
        """Where an event is in one future of the log, if it stands before what that has for itself."""
        if branch == self.last:
            return None
        place = self.place(op, branch + 1)
        return place if place and self.is_kept(branch, place.conv, place.event) else None

    def own_places(self, branch: int) -> Mapping[str, Place]:
        """Where the events are that a future has for itself, by id; the first place of each."""
        return self._places[branch]

    def is_of(self, post: Post, conv: str, event: Event, branch: int) -> bool:
        """Whether what stands in a future is what the post's answer was about, and wasn't sent again into it."""
        first = next((n for n, b in enumerate(self.branches) if post.ended.at <= b.until), self.last)
        return all(self.is_kept(n, conv, event) for n in range(first, branch))

    def alive(self, since: float, until: float) -> list[int]:
        """The futures that were the log at some time in between."""
        return [n for n, b in enumerate(self.branches) if b.since <= until and since <= b.until]


def gather(records: Iterable[h.AnyRecord], branches: list[Branch]) -> World:
    """Orders a history. Raises ValueError where it contradicts itself: that is a fault of the test."""
    world = World(branches)
    began: dict[str, h.Invoked] = {}
    ended: dict[str, h.Completed] = {}
    current: dict[tuple[str, str], Run] = {}
    for record in records:
        match record:
            case h.Viewer():
                world.viewers[record.viewer] = record
            case h.Invoked():
                _once(began, record)
            case h.Completed():
                _once(ended, record)
            case h.Began():
                current[record.viewer, record.conv] = run = Run(record.viewer, record.conv, record.why, [], [])
                world.runs.append(run)
            case h.Applied():
                current[record.viewer, record.conv].shown.append((record.seq, record.event))
            case h.Reached():
                current[record.viewer, record.conv].reached.append(record)
            case _:
                world.rest.append(record)
    if strays := ended.keys() - began.keys():
        raise ValueError(f"completed and never invoked: {strays}")
    for op, one in began.items():
        world.posts[op] = Post(one, ended.get(op, h.Completed(float("inf"), op, "unknown")))
    return world


def _once(known: dict[str, T], record: T) -> None:
    if record.op in known:
        raise ValueError(f"{record} comes after {known[record.op]}")
    known[record.op] = record
