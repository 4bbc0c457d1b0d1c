"""How well it was done: ratings, and service levels that were missed."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events.envelope import Base


class SlaBase(Base, kw_only=True):
    """One clock of one policy."""

    clock: Literal["first_response", "next_response", "resolution"]
    policy: str = ""
    policy_version: int = 0
    target: int = 0
    deadline: int = 0


class SlaBreached(SlaBase, tag="sla.breached", kw_only=True):
    """Not done in time: `at` is the deadline, `late_by` in ms."""

    detected_at: int = 0
    late_by: int = 0
    owner: str = ""


class RatingRequested(Base, tag="rating.requested", kw_only=True):
    """The visitor is asked."""

    is_for_visitors: ClassVar[bool] = True

    scale: int = 5


class RatingGiven(Base, tag="rating.given", kw_only=True):
    """The visitor's answer."""

    is_for_visitors: ClassVar[bool] = True

    scale: int = 5
    score: int
    tags: list[str] = []
    comment: str = ""
