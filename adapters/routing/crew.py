"""The agents of routing's tenants, live: records of the directory, keys of presence, what they chose."""

from __future__ import annotations

import time

from adapters.routing.absence import Absence
from adapters.routing.assign import AgentNow
from adapters.routing.heads import Projection
from backbone import presence
from backbone.directory import Agent, Inbox, Mirror, Record
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Change
from backbone.nats.feed import Feed
from backbone.nats.link import Link


class Crew:
    """Watches the directory and presence; tells who could take a conversation now."""

    def __init__(self, link: Link, projection: Projection, absence: Absence, capacity: int) -> None:
        self._link = link
        self._projection = projection
        self.absence = absence
        self._capacity = capacity
        self.agents: dict[tuple[str, str], Agent] = {}
        self._assigned_at: dict[tuple[str, str], int] = {}
        self._directory: Mirror | None = None
        self._here: Feed | None = None
        self._is_live = False
        self.changed = True

    async def start(self, log: Log) -> None:
        """Begins watching; returns when everything that was there is known. Raises UnavailableError that says what
        isn't.
        """
        self._directory = Mirror(self._link, ("agent", "inbox"), self._moved)
        self._here = presence.presence(self._link).watch(self._presence_changed)
        await self._directory.caught_up()
        await self._here.caught_up.wait()
        self._is_live = True
        by_tenant: dict[str, list[str]] = {}
        for tenant, agent in self.agents:
            by_tenant.setdefault(tenant, []).append(agent)
        for tenant, agents in by_tenant.items():
            for agent, state in (await presence.chosen_by_all(log, tenant, agents)).items():
                self._projection.states.setdefault((tenant, agent), state)

    async def stop(self) -> None:
        """Ends watching."""
        if self._directory:
            await self._directory.close()
        if self._here:
            await self._here.close()

    async def forget_overdue(self, now: float) -> None:
        """Deletes keys of presence that should have run out. Raises TrunklineError where they can't be."""
        for tenant, agent, socket in self.absence.overdue(now, presence.TTL_S + presence.REFRESH_S):
            self.changed = True
            await presence.leave(self._link, presence.key(tenant, agent, socket))

    def of(self, tenant: str) -> list[AgentNow]:
        """The tenant's agents as they are now."""
        return [self._now(key) for key, agent in self.agents.items() if key[0] == tenant and agent.active]

    def eligible(self, tenant: str, agent: str) -> bool:
        """Whether one agent could take a conversation now."""
        key = (tenant, agent)
        return key in self.agents and self.agents[key].active and self._now(key).has_room()

    def inbox(self, tenant: str, inbox: str) -> Inbox | None:
        """An inbox's record as it is now; None once it was removed."""
        return self._directory.get(Inbox, subjects.key(tenant, "inbox", inbox)) if self._directory else None

    def assigned(self, tenant: str, agent: str, at_ms: int) -> None:
        """They were given one just now."""
        self._assigned_at[tenant, agent] = at_ms

    def _now(self, key: tuple[str, str]) -> AgentNow:
        agent = self.agents[key]
        state = self._projection.states.get(key)
        return AgentNow(
            id=agent.id,
            state=state.state if state else "offline",
            present=self.absence.is_present(*key),
            capacity=(state.capacity if state else 0) or agent.capacity or self._capacity,
            open=self._projection.open[key],
            last_assigned_at=self._assigned_at.get(key, 0),
        )

    def _moved(self, change: Change[Record]) -> None:
        tenant, kind, agent = change.key.split(".")
        if isinstance(change.value, Agent):
            self.agents[tenant, agent] = change.value
        elif kind == "agent":
            self.agents.pop((tenant, agent), None)
        self.changed = True

    def _presence_changed(self, change: Change[presence.Here]) -> None:
        tenant, agent, socket = change.key.split(".")
        now = time.monotonic()
        if change.value is not None:
            # What comes live is now, whatever a node's clock says. The age of what was there before is told by the
            # key alone; it is written again soon.
            age_s = 0.0 if self._is_live else max(0.0, time.time() - change.value.at / 1000)
            self.absence.here(tenant, agent, socket, now - age_s)
        else:
            self.absence.left(tenant, agent, socket, now, expired=change.expired)
        self.changed = True
