"""Meta's Messenger Platform for one professional account of Instagram, as its reference describes it."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.simulators.base import Push
from tests.simulators.meta import ChatSimulator, id_of_message


class InstagramSimulator(ChatSimulator):
    """One account, whoever the token is of: its page, or the account itself."""

    name: ClassVar[str] = "instagram"
    kind: ClassVar[str] = "instagram"
    closed: ClassVar[tuple[int, int]] = (10, 2534022)
    types: ClassVar[dict[str, frozenset[str]]] = {
        "image": frozenset({"image/jpeg", "image/png", "image/gif"}),
        "audio": frozenset({"audio/aac", "audio/mp4", "audio/x-m4a", "audio/wav", "audio/x-wav"}),
        "video": frozenset({"video/mp4", "video/quicktime", "video/webm", "video/ogg", "video/x-msvideo"}),
        "file": frozenset({"application/pdf"}),
    }

    def __init__(self) -> None:
        super().__init__()
        self.account_id = "17841405309211844"
        self.texts_a_s = 100

    def account(self) -> dict[str, Any]:
        """The settings of an account that fits."""
        return {"ig_id": self.account_id, **super().account()}

    def too_long(self, text: str) -> bool:
        """1000 bytes as UTF-8."""
        return len(text.encode()) > 1000

    def mid(self) -> str:
        """Such as `aWdfZAG1…`."""
        return id_of_message(self.new_id(), "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE")

    def wrong_type(self, body: dict[str, Any]) -> bool:
        """A type is said with a tag alone."""
        return ("tag" in body) != (body.get("messaging_type") == "MESSAGE_TAG")

    def wrong_upload(self, fields: dict[str, Any]) -> bool:
        """A page's token uploads for Messenger, where nothing else is said."""
        return "platform" not in fields

    def of_inbox(self) -> dict[str, Any]:
        """Nothing tells what somebody types in the app from what another app sends."""
        return {}

    def profile(self, peer: str) -> dict[str, str]:
        """The name, and how they call themselves."""
        return {"name": peer.title(), "username": peer, "profile_pic": "https://scontent.example/1.jpg"}

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """Nothing is vouched for."""
        return peer.title(), {}

    def unsupported(self) -> dict[str, Any]:
        """Such as a photo that is shown once."""
        return {"is_unsupported": True}

    def read_up_to(self, peer: str) -> dict[str, Any]:
        """By the last message that they saw."""
        return {"mid": next((one.id for one in reversed(self.accepted) if one.peer == peer), "")}

    def takes_back(self, peer: str) -> list[Push]:
        """The customer unsends the last message of theirs."""
        mid = self.newest[peer]
        return [self.push(peer, {"message": {"mid": mid, "is_deleted": True}}, f"{mid}:deleted")]

    def withdraws_elsewhere(self, peer: str, text: str) -> tuple[list[Push], list[Push]]:
        """Somebody answers in the app, and unsends that."""
        mid = self.mid()
        said = self.push(peer, {"message": {"mid": mid, "is_echo": True, "text": text}}, mid, is_ours=True)
        gone = {"mid": mid, "is_echo": True, "is_deleted": True}
        return [said], [self.push(peer, {"message": gone}, f"{mid}:deleted", is_ours=True)]
