"""Which conversations stand in which view: pure."""

from __future__ import annotations

from collections import Counter

from backbone.conversation import Head
from node.protocol.frames import Counts

ACTIVE = frozenset({"queued", "open", "snoozed"})


def in_view(head: Head, view: str, agent: str) -> bool:
    """Whether `head` stands in `view` of `agent`."""
    if head.status not in ACTIVE:
        return False
    holds = {
        "mine": head.agent == agent and head.status == "open",
        "queue": head.status == "queued",
        "all": True,
        "mentions": agent in head.mentions,
        "snoozed": head.status == "snoozed",
    }
    return holds.get(view, view == f"team:{head.team}")


def order(head: Head, view: str) -> tuple[int, int, str]:
    """Sorts a view: the queue by priority and waiting time, others by the newest event first."""
    if view == "queue":
        place = head.queue
        return (-(place.priority if place else 0), place.at if place else head.opened_at, head.conv)
    return (-(head.last.at if head.last else head.opened_at), 0, head.conv)


class Tally:
    """How many conversations stand in the views whose numbers are shown, kept as heads change."""

    def __init__(self) -> None:
        self._mine: Counter[str] = Counter()
        self._queue = 0
        self._all = 0

    def change(self, old: Head | None, new: Head | None) -> None:
        """A head came, changed or went."""
        for head, step in ((old, -1), (new, 1)):
            if head is None or head.status not in ACTIVE:
                continue
            self._all += step
            if head.status == "queued":
                self._queue += step
            elif head.status == "open":
                self._mine[head.agent] += step

    def open_of(self, agent: str) -> int:
        """Open conversations of one agent."""
        return self._mine[agent]

    def counts(self, agent: str) -> Counts:
        """The numbers as `agent` sees them."""
        return Counts(mine=self._mine[agent], queue=self._queue, all=self._all)
