"""Taking, assigning, releasing, resolving and reopening a conversation."""

from __future__ import annotations

from backbone import directory, failpoints
from backbone import events as ev
from backbone.access import Who
from backbone.acts import Act
from backbone.clock import utc_ms
from backbone.conversation import Head
from backbone.decide import decide
from backbone.errors import ConflictError, InvalidInputError
from backbone.ids import check_name
from node.commands.answer import Answer
from node.commands.authorise import authorise
from node.context import Context
from node.protocol import frames as f


async def act(context: Context, who: Who, frame: f.Act) -> Answer:
    """Takes, assigns, releases, resolves or reopens; a lost race is told with the event that decided."""
    async with context.hub.visit(who.tenant, frame.conv) as room:
        authorise(who, "act", room)
        agent = await _whom(context, who, frame, room.head)
        command = Act(
            id=frame.id,
            do=frame.do,
            by=who.actor(),
            at=utc_ms(),
            agent=agent,
            why=frame.args.reason,
            reason=ev.AssignmentReason(rule=frame.do) if frame.do in {"take", "assign"} else None,
        )
        try:
            decided = await decide(context.log, room.head, command)
        except ConflictError as conflict:
            if conflict.code == "conversation.yours_already":
                return Answer(room.head.seq, frame.conv)
            raise
        if failpoints.ARMED:
            failpoints.reach("node.stored")
        return Answer(decided.seq, frame.conv, command.at)


async def _whom(context: Context, who: Who, frame: f.Act, head: Head) -> str:
    """The agent an act concerns."""
    match frame.do:
        case "take" | "reopen":
            return who.id
        case "release":
            return head.agent if who.role in {"admin", "supervisor"} else who.id
        case "assign":
            if not frame.args.agent:
                raise InvalidInputError("assign.agent_missing", "Say to whom.", field="args.agent")
            found = await directory.get_agent(context.link, who.tenant, check_name(frame.args.agent, "args.agent"))
            if found is None or not found.active:
                raise InvalidInputError("assign.unknown_agent", "There is no such agent.", field="args.agent")
            return found.id
        case "resolve":
            return who.id
