"""Presence: what an agent chose is an event on the desk's subject; that somebody is there is a key with a
time to live. Shared by nodes, which write it, and routing, which reads it.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from backbone import events as ev
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link

TTL_S: Final = 45
REFRESH_S: Final = 15
MARKER_S: Final = 60
GONE: Final = "gone"
CONNECTED: Final = "connected"


class Here(Struct, frozen=True):
    """A socket of an agent was alive at `at` (UTC ms)."""

    at: int


def presence(link: Link) -> Bucket[Here]:
    """The bucket; keys `<tenant>.<agent>.<socket>`."""
    return Bucket(link, "presence", Here)


def key(tenant: str, agent: str, socket: str) -> str:
    """The key of one socket."""
    return subjects.key(tenant, agent, socket)


async def leave(link: Link, key: str) -> None:
    """Deletes the key of a socket that is gone; its mark stays for as long as a watcher may need to hear of it."""
    await presence(link).delete(key, marker_s=MARKER_S)


async def chosen(log: Log, tenant: str, agent: str) -> ev.AgentStateChanged | None:
    """What the agent chose last (or routing wrote for them), None if nothing ever."""
    last = await log.last(subjects.desk(tenant, agent))
    return _state(last.raw) if last else None


async def chosen_by_all(log: Log, tenant: str, agents: list[str]) -> dict[str, ev.AgentStateChanged]:
    """The same for many agents at once."""
    wanted = {subjects.desk(tenant, agent): agent for agent in agents}
    found = await log.last_of_many(subjects.DESK_STREAM, list(wanted))
    states = {wanted[subject]: _state(event.raw) for subject, event in found.items()}
    return {agent: state for agent, state in states.items() if state}


def state_event(
    tenant: str,
    agent: str,
    state: ev.AgentState,
    *,
    by: ev.Actor,
    at: int,
    reason: str = "",
    capacity: int = 0,
    event_id: str = "",
) -> ev.AgentStateChanged:
    """The event that says what an agent is now."""
    return ev.AgentStateChanged(
        id=event_id or new_event_id(),
        tenant=tenant,
        channel=subjects.DESK,
        conv=agent,
        at=at,
        by=by,
        agent=agent,
        state=state,
        reason=reason,
        capacity=capacity,
    )


def _state(raw: bytes) -> ev.AgentStateChanged | None:
    try:
        event = ev.parse(raw)
    except msgspec.DecodeError:
        return None
    return event if isinstance(event, ev.AgentStateChanged) else None
