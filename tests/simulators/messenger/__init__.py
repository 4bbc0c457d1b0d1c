"""Meta's Messenger Platform for one page of Facebook, as its reference describes it."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.simulators.base import Accepted, Push
from tests.simulators.meta import ChatSimulator, id_of_message


class MessengerSimulator(ChatSimulator):
    """One page."""

    name: ClassVar[str] = "messenger"
    kind: ClassVar[str] = "page"
    closed: ClassVar[tuple[int, int]] = (10, 2018278)
    tells: ClassVar[tuple[str, ...]] = ("delivered",)
    has_metadata: ClassVar[bool] = True
    types: ClassVar[dict[str, frozenset[str]]] = {
        "image": frozenset({"image/jpeg", "image/png", "image/gif"}),
    }

    def __init__(self) -> None:
        super().__init__()
        self.reports = ("echo", "delivered")

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {"page_id": self.account_id, **super().account()}

    def too_long(self, text: str) -> bool:
        """2000 characters."""
        return len(text) > 2000

    def mid(self) -> str:
        """Such as `m_…`."""
        return id_of_message(self.new_id(), "m_")

    def wrong_type(self, body: dict[str, Any]) -> bool:
        """Each message says what it is."""
        return body.get("messaging_type") not in {"RESPONSE", "UPDATE", "MESSAGE_TAG"}

    def profile(self, peer: str) -> dict[str, str]:
        """First and last name."""
        return {"first_name": peer.title(), "last_name": "Li", "profile_pic": "https://scontent.example/1.jpg"}

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """Nothing is vouched for."""
        return f"{peer.title()} Li", {}

    def unsupported(self) -> dict[str, Any]:
        """What can't be shared comes as a fallback without anything."""
        return {"attachments": [{"type": "fallback", "payload": None}]}

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """What was delivered, by id and by time; what was read, by time alone."""
        mark = {"watermark": self.now_ms()}
        told = {"delivered": {"delivery": {"mids": [one.id], **mark}}, "read": {"read": mark}}
        return [self.push(one.peer, told[state], f"{one.id}:{state}") for state in states]

    def read_up_to(self, peer: str) -> dict[str, Any]:
        """By the time of the last line that the customer sees."""
        return {"watermark": int(self.customer_sees(peer)[-1].at * 1000)}

    def rewrites(self, peer: str, text: str) -> list[Push]:
        """The customer changes the last message of theirs."""
        mid = self.newest[peer]
        return [self.push(peer, {"message_edit": {"mid": mid, "text": text, "num_edit": 1}}, f"{mid}:edit")]

    def fills_in(self, peer: str, question: str, answer: str) -> list[Push]:
        """The customer answers what a template for feedback asks."""
        screens = [{"screen_id": 0, "questions": {question: {"type": "free_form", "payload": answer}}}]
        self._last[self.id_of(peer)] = self.clock.now()
        return [self.push(peer, {"messaging_feedback": {"feedback_screens": screens}}, "feedback")]

    def unlinks(self) -> list[Push]:
        """Meta blocks the page for what it sent."""
        return [self._enforced("block", reason="The bot violated our Platform Policies.")]

    def links(self) -> list[Push]:
        """It goes on."""
        return [self._enforced("unblock")]

    def _enforced(self, action: str, **more: str) -> Push:
        told = {"recipient": {"id": self.account_id}, "timestamp": self.now_ms()}
        return self.push_raw([{**told, "policy_enforcement": {"action": action, **more}}], action)
