"""Mails that no person wrote, which nothing may answer by itself (RFC 3834): pure."""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from adapters.channels.email import charset, headers
from adapters.channels.email.mime import Part
from adapters.channels.email.settings import Account

LOOP_HEADER: Final = "X-Trunkline-Loop"
_MARKS: Final = (
    LOOP_HEADER.lower(),
    "list-id",
    "list-unsubscribe",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-failed-recipients",
    "feedback-id",
)
_PRECEDENCES: Final = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_SUPPRESSED: Final = frozenset({"all", "oof", "autoreply"})
"""Of X-Auto-Response-Suppress. Exchange puts others (DR, RN, NRN) on mails that people wrote."""

_ROBOT: Final = re.compile(
    r"(?:mailer-daemon|postmaster|(?:.*[._-])?no[._-]?reply|(?:.*[._-])?do[._-]?not[._-]?reply|bounces?(?:[+-].*)?)@.*"
)
_SUBJECT: Final = re.compile(
    r"(?:自动回复|自動回覆|自动答复|自動回信|不在办公室|automatic reply|auto[- ]?reply|auto[- ]?response|autoreply|"
    r"out of (?:the )?office|vacation reply|abwesenheitsnotiz|automatische antwort|réponse automatique|"
    r"respuesta automática|自動応答|不在通知)\s*(?:[:：(（\[-]|$)",
    re.IGNORECASE,
)


def is_automatic(part: Part, acc: Account, sender: str, subject: str) -> bool:
    """Whether the mail says by any of the known signs that a program sent it. `sender` is its address."""
    submitted, _ = headers.parameters(part.first("auto-submitted"))
    suppressed = re.split(r"[,;\s]+", _line(part, "x-auto-response-suppress"))
    return bool(
        submitted not in {"", "no"}
        or _line(part, "precedence") in _PRECEDENCES
        or _SUPPRESSED.intersection(suppressed)
        or any(part.first(mark) for mark in _MARKS)
        or _line(part, "return-path") == "<>"
        or part.mime == "multipart/report"
        or _ROBOT.fullmatch(sender)
        or acc.is_own(sender)
        or _SUBJECT.match(subject)
    )


def _line(part: Part, name: str) -> str:
    return charset.decode(part.first(name)[:1000]).strip().lower()


class Fuse:
    """Blows for an address that sends more than 10 mails in 10 minutes: for an hour its mails count as automatic.

    Two programs that answer each other without any of the signs are stopped by it. Seconds are those of the server
    that took the mails.
    """

    MOST = 10
    WITHIN_S = 600.0
    BLOWN_S = 3600.0
    MOST_ADDRESSES = 10_000

    def __init__(self) -> None:
        self._seen: dict[str, deque[float]] = {}
        self._blown: dict[str, float] = {}

    def is_blown(self, address: str, at: float) -> bool:
        """Counts a mail, and says whether it is one too many."""
        seen = self._seen.pop(address, None) or deque(maxlen=self.MOST + 1)
        seen.append(at)
        self._seen[address] = seen
        if len(seen) > self.MOST and at - seen[0] <= self.WITHIN_S:
            self._blown[address] = at + self.BLOWN_S
        for known in (self._seen, self._blown):
            if len(known) > self.MOST_ADDRESSES:
                known.pop(next(iter(known)))
        return at < self._blown.get(address, 0)
