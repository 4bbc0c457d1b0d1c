"""What a server tells of a stream's replicas, and whether the stream can store now. Pure.

A leader that has lost the others says so only after some seconds of asking them; how long ago it heard of each
is told at once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

AWAY_S: Final = 5.0
"""Followers answer a leader every second; one that was silent for this long is away."""


class Replicas(NamedTuple):
    """The replicas of one stream: how many there should be, which server leads, how many are in step."""

    wanted: int
    leader: str
    present: int

    @property
    def can_store(self) -> bool:
        """Whether there is a leader with a majority."""
        return bool(self.leader) and self.present * 2 > self.wanted


def of(info: dict[str, Any]) -> Replicas:
    """The replicas in a STREAM.INFO answer. A server that is in no cluster tells nothing of any: it leads itself."""
    wanted: int = info["config"]["num_replicas"]
    cluster = info.get("cluster")
    if not cluster:
        return Replicas(wanted, "this one", 1)
    leader = cluster.get("leader") or ""
    others = [r for r in cluster.get("replicas") or [] if r["name"] != leader]
    present = sum(not r.get("offline") and r.get("active", 0) < AWAY_S * 1e9 for r in others)
    return Replicas(wanted, leader, present + bool(leader))


def problem(stream: str, replicas: Replicas) -> str | None:
    """Why nothing can be stored in `stream` now, in one sentence; None if it can."""
    if replicas.can_store:
        return None
    if not replicas.leader:
        return f"{stream} has no leader: too few of its {replicas.wanted} servers are there."
    return f"{stream} has {replicas.present} of {replicas.wanted} replicas: too few to store."
