"""Taking, assigning, releasing, resolving and reopening a conversation."""

from __future__ import annotations

from backbone import acts, directory, failpoints
from backbone import events as ev
from backbone.access import Who, may
from backbone.clock import utc_ms
from backbone.conversation import Head
from backbone.decide import decide
from backbone.errors import ConflictError, InvalidInputError
from backbone.ids import check_name
from node.commands.answer import Answer
from node.commands.authorise import authorise
from node.context import Context


async def act(context: Context, who: Who, conv: str, act_id: str, what: acts.Asked) -> Answer:
    """Does it, or finds it done by the same id. A lost race is a ConflictError with the event that decided."""
    async with context.hub.visit(who.tenant, conv) as room:
        authorise(who, acts.RULES[type(what)].action, room)
        decision = acts.Decision(
            id=act_id,
            act=what,
            by=who.actor(),
            at=utc_ms(),
            agent=await _whom(context, who, what, room.head),
            reason=ev.AssignmentReason(rule=acts.name_of(what)) if isinstance(what, acts.Take | acts.Assign) else None,
        )
        try:
            decided = await decide(context.log, room.head, decision)
        except ConflictError as conflict:
            if conflict.code == "conversation.yours_already":
                return Answer(room.head.seq, conv)
            raise
        if failpoints.ARMED:
            failpoints.reach("node.stored")
        return Answer(decided.seq, conv, decision.at)


async def _whom(context: Context, who: Who, what: acts.Asked, head: Head) -> str:
    """The agent an act concerns."""
    match what:
        case acts.Take() | acts.Reopen() | acts.Resolve():
            return who.id
        case acts.Release():
            return head.agent if may(who, "conversation.release_others", head) is None else who.id
        case acts.Assign(agent=agent):
            if not agent:
                raise InvalidInputError("assign.agent_missing", "Say to whom.", field="args.agent")
            found = await directory.get_agent(context.link, who.tenant, check_name(agent, "args.agent"))
            if found is None or not found.active:
                raise InvalidInputError("assign.unknown_agent", "There is no such agent.", field="args.agent")
            return found.id
