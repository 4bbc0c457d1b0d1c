"""Who gets which conversation: pure. The policy: the agent with the fewest open conversations among those
online with room, the customer who has waited longest first (docs/routing.md).
"""

from __future__ import annotations

from msgspec import Struct

from backbone.conversation import Head

RULE = "fewest_open"


class AgentNow(Struct, frozen=True, kw_only=True):
    """An agent as routing sees them: what they chose, whether they are there, how much they may have."""

    id: str
    state: str
    present: bool
    capacity: int
    open: int
    last_assigned_at: int = 0

    def has_room(self) -> bool:
        """Whether another conversation may go to them."""
        return self.state == "online" and self.present and self.open < self.capacity


class Assignment(Struct, frozen=True, kw_only=True):
    """One decision with its reason: `candidates` is open conversations over capacity of each eligible agent."""

    conv: str
    agent: str
    candidates: dict[str, float]


def waiting_order(head: Head) -> tuple[int, int, str]:
    """Sorts the queue: priority first, then who has waited longest."""
    place = head.queue
    at = place.at if place else head.opened_at
    return (-(place.priority if place else head.priority), at, head.conv)


def decide(waiting: list[Head], agents: list[AgentNow]) -> list[Assignment]:
    """Assigns as many waiting conversations as there is room, each to whoever has the fewest then.

    Equal load goes to who was assigned something longest ago, so that nobody is passed over.
    """
    now = {agent.id: agent for agent in agents if agent.has_room()}
    if not now:
        # A queue that grows while everybody is busy isn't sorted for each message that comes in.
        return []
    turn = max((agent.last_assigned_at for agent in agents), default=0)
    decided: list[Assignment] = []
    for head in sorted((h for h in waiting if h.status == "queued"), key=waiting_order):
        free = [agent for agent in now.values() if agent.has_room()]
        if not free:
            break
        chosen = min(free, key=lambda a: (a.open / a.capacity, a.last_assigned_at, a.id))
        decided.append(
            Assignment(
                conv=head.conv,
                agent=chosen.id,
                candidates={a.id: round(a.open / a.capacity, 3) for a in free[:20]},
            )
        )
        turn += 1
        now[chosen.id] = AgentNow(
            id=chosen.id,
            state=chosen.state,
            present=chosen.present,
            capacity=chosen.capacity,
            open=chosen.open + 1,
            last_assigned_at=turn,
        )
    return decided
