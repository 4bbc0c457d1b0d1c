"""`/api/v1/agents`: who answers, what they chose to be, whether they are there, how much they have."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from backbone import directory, presence
from backbone.nats import subjects
from node.rest.requests import agent_asks, answer, context_of


async def list_agents(request: Request) -> Response:
    """`GET /api/v1/agents`: the tenant's active agents."""
    context = context_of(request)
    who = await agent_asks(request, "agent.list")
    agents = [a for a in await directory.list_agents(context.link, who.tenant) if a.active]
    states = await presence.chosen_by_all(context.log, who.tenant, [a.id for a in agents])
    keys = await presence.presence(context.link).keys(subjects.key_filter(who.tenant))
    here = {key.split(".")[1] for key in keys}
    mirror = await context.mirrors.of(who.tenant)
    items = []
    for agent in agents:
        state = states.get(agent.id)
        items.append(
            {
                "id": agent.id,
                "name": agent.name,
                "role": agent.role,
                "team": agent.team,
                "state": state.state if state else "offline",
                "present": agent.id in here,
                "open": mirror.tally.open_of(agent.id),
                "capacity": (state.capacity if state else 0) or agent.capacity,
            }
        )
    return answer({"items": items, "next": None})
