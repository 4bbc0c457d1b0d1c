"""How far somebody has read."""

from __future__ import annotations

import time
from typing import Final

from backbone import events as ev
from backbone.access import Who
from backbone.clock import utc_ms
from backbone.commands import Mark
from backbone.ids import new_event_id
from node.commands.authorise import authorise
from node.context import Context
from node.entry.limits import TokenBucket

SHARE: Final = 5
"""One mark for so many messages that a person may send."""


async def event_of(context: Context, who: Who, command: Mark) -> tuple[str, ev.ReadMarked] | None:
    """How far the visitor or the owner has read, as the event to store and its subject; None if that is known."""
    async with context.hub.visit(who.tenant, command.conv) as room:
        authorise(who, "conversation.mark", room)
        head = room.head
        reader = "visitor" if who.kind == "visitor" else who.id
        if who.kind == "agent" and head.agent != who.id:
            return None
        if head.last is None or head.last.by.id == who.id:
            return None
        read = min(command.read, head.seq)
        if read <= head.read.get(reader, 0) and not command.delivered:
            return None
        return room.subject, ev.ReadMarked(
            id=new_event_id(),
            tenant=head.tenant,
            channel=head.channel,
            conv=head.conv,
            at=utc_ms(),
            by=who.actor(),
            reader=reader,
            read=read,
            delivered=min(command.delivered, head.seq),
        )


def rate(context: Context, who: Who) -> TokenBucket:
    """What limits the marks of a person on all sockets together."""
    settings = context.settings
    is_agent = who.kind == "agent"
    rate = settings.agent_rate if is_agent else settings.visitor_rate
    burst = settings.agent_burst if is_agent else settings.visitor_burst
    return context.quotas.bucket(f"{who.tenant}.{who.id}.marks", rate / SHARE, burst, time.monotonic())
