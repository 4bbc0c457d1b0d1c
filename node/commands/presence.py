"""What an agent chooses to be: online, busy, away, offline."""

from __future__ import annotations

from backbone.access import Who
from backbone.clock import utc_ms
from backbone.commands import Presence
from backbone.nats import subjects
from backbone.presence import state_event
from node.commands.answer import Answer
from node.context import Context


async def choose(context: Context, who: Who, command: Presence) -> Answer:
    """Stores what an agent chose to be."""
    event = state_event(
        who.tenant,
        who.id,
        command.state,
        by=who.actor(),
        at=utc_ms(),
        reason="chosen",
        capacity=command.capacity,
        event_id=command.id,
    )
    stored = await context.log.publish(subjects.desk(who.tenant, who.id), event)
    return Answer(stored.seq, at=event.at)
