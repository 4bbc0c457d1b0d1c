"""`/api/v1/agents`: who answers, what they chose to be, whether they are there, how much they have."""

from __future__ import annotations

from msgspec import Struct

from backbone import directory, presence
from backbone.events import AgentState
from backbone.nats import subjects
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged, page


class Colleague(Struct, kw_only=True):
    """An active agent. `present`: connected now; `open`: conversations that they have; `capacity`: at once."""

    id: str
    name: str
    role: str
    team: str
    state: AgentState
    present: bool
    open: int
    capacity: int


@route("GET", "/agents", may="agent.list", query=Paged, answers={200: Page[Colleague]})
async def list_agents(ask: Ask, query: Paged) -> Page[Colleague]:
    """The tenant's active agents."""
    context, who = ask.context, ask.who
    agents = [a for a in await directory.list_agents(context.link, who.tenant) if a.active]
    states = await presence.chosen_by_all(context.log, who.tenant, [a.id for a in agents])
    keys = await presence.presence(context.link).keys(subjects.key_filter(who.tenant))
    here = {key.split(".")[1] for key in keys}
    mirror = await context.mirrors.of(who.tenant)
    items = []
    for agent in agents:
        state = states.get(agent.id)
        items.append(
            Colleague(
                id=agent.id,
                name=agent.name,
                role=agent.role,
                team=agent.team,
                state=state.state if state else "offline",
                present=agent.id in here,
                open=mirror.tally.open_of(agent.id),
                capacity=(state.capacity if state else 0) or agent.capacity,
            )
        )
    return page(items, lambda one: one.id, query)
