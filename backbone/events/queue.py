"""Waiting for an agent."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events.envelope import Base


class QueueEntered(Base, tag="queue.entered", kw_only=True):
    """Waiting for an agent; `since` (UTC ms) keeps an old waiting time where work was given back."""

    is_lifecycle: ClassVar[bool] = True

    team: str = ""
    skills: list[str] = []
    priority: int = 0
    since: int = 0


class QueueLeft(Base, tag="queue.left", kw_only=True):
    """No longer waiting, after `position` places."""

    is_lifecycle: ClassVar[bool] = True

    outcome: Literal["accepted", "abandoned", "flowed_out", "timeout"]
    position: int = 0
