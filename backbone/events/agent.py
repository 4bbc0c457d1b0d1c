"""Agents: what they chose to be, and their work after a conversation."""

from __future__ import annotations

from typing import Literal

from backbone.events.envelope import Base

AgentState = Literal["online", "busy", "away", "offline"]


class AgentStateChanged(Base, tag="agent.state_changed", kw_only=True):
    """What an agent chose, or routing wrote for one who left (`reason` `gone`); on the desk's subject."""

    agent: str
    state: AgentState
    reason: str = ""
    capacity: int = 0


class WrapupStarted(Base, tag="wrapup.started", kw_only=True):
    """After-call work begins."""

    agent: str
    category: list[str] = []


class WrapupEnded(Base, tag="wrapup.ended", kw_only=True):
    """After-call work ends; `capped` if the clock ended it."""

    agent: str
    category: list[str] = []
    fields: dict[str, str] = {}
    capped: bool = False
