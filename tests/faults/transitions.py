"""What a conversation may do, written a second time from the contract's words, for the checker alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class State:
    """What a conversation is, folded from its events as the contract's words have it."""

    def __init__(self) -> None:
        self.status = "new"
        self.owner = ""

    def take(self, event: Mapping[str, Any]) -> str:
        """Folds an event; says what is wrong with it, empty if nothing."""
        step = _STEPS.get(event["type"])
        if step is None:
            return "" if self.status != "new" else "illegal_transition"
        wrong: str = step(self, event)
        return wrong

    def opened(self, _event: Mapping[str, Any]) -> str:
        """Once, and first."""
        wrong = "" if self.status == "new" else "illegal_transition"
        self.status, self.owner = "queued", ""
        return wrong

    def assigned(self, event: Mapping[str, Any]) -> str:
        """To one agent; who takes, takes what is nobody's."""
        rule = (event.get("reason") or {}).get("rule", "")
        wrong = "illegal_transition" if self.status in {"new", "resolved", "closed"} else ""
        if event.get("previous", "") != self.owner or (rule != "assign" and self.owner):
            wrong = "two_owners"
        self.status, self.owner = "open", event["agent"]
        return wrong

    def released(self, event: Mapping[str, Any]) -> str:
        """From its owner."""
        wrong = "" if self.status == "open" and event["agent"] == self.owner else "illegal_transition"
        self.status, self.owner = "queued", ""
        return wrong

    def resolved(self, _event: Mapping[str, Any]) -> str:
        """Once."""
        wrong = "illegal_transition" if self.status in {"new", "resolved", "closed"} else ""
        self.status = "resolved"
        return wrong

    def reopened(self, event: Mapping[str, Any]) -> str:
        """After it was resolved."""
        wrong = "" if self.status == "resolved" else "illegal_transition"
        self.owner = event.get("agent", "")
        self.status = "open" if self.owner else "queued"
        return wrong

    def closed(self, _event: Mapping[str, Any]) -> str:
        """Once, for good."""
        wrong = "illegal_transition" if self.status in {"new", "closed"} else ""
        self.status = "closed"
        return wrong

    def queue_left(self, _event: Mapping[str, Any]) -> str:
        """Only who waits leaves the queue."""
        return "" if self.status == "queued" else "illegal_transition"

    def queue_entered(self, _event: Mapping[str, Any]) -> str:
        """After what put it there."""
        return "" if self.status == "queued" and not self.owner else "illegal_transition"


_STEPS: dict[str, Any] = {
    "conversation.opened": State.opened,
    "conversation.assigned": State.assigned,
    "conversation.released": State.released,
    "conversation.resolved": State.resolved,
    "conversation.reopened": State.reopened,
    "conversation.closed": State.closed,
    "queue.left": State.queue_left,
    "queue.entered": State.queue_entered,
}
