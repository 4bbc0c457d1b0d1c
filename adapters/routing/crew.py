"""The agents of routing's tenants, live: records of the directory, keys of presence, what they chose."""

from __future__ import annotations

import time

from adapters.routing.absence import Absence
from adapters.routing.assign import AgentNow
from adapters.routing.heads import Projection
from backbone import directory, presence
from backbone.log import Log
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
        self.agents: dict[tuple[str, str], directory.Agent] = {}
        self.reopen_window_ms: dict[tuple[str, str], int] = {}
        self._assigned_at: dict[tuple[str, str], int] = {}
        self._feeds: list[Feed] = []
        self._is_live = False
        self.changed = True

    async def start(self, log: Log) -> None:
        """Begins watching; returns when everything that was there is known."""
        records = directory.directory(self._link)
        self._feeds = [
            records.watch(self._agent_changed, "*.agent.*"),
            records.watch(self._inbox_changed, "*.inbox.*"),
            presence.presence(self._link).watch(self._presence_changed),
        ]
        for feed in self._feeds:
            await feed.caught_up.wait()
        self._is_live = True
        by_tenant: dict[str, list[str]] = {}
        for tenant, agent in self.agents:
            by_tenant.setdefault(tenant, []).append(agent)
        for tenant, agents in by_tenant.items():
            for agent, state in (await presence.chosen_by_all(log, tenant, agents)).items():
                self._projection.states.setdefault((tenant, agent), state)

    async def stop(self) -> None:
        """Ends watching."""
        for feed in self._feeds:
            await feed.close()

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

    def _agent_changed(self, change: Change[directory.Record]) -> None:
        tenant, _, agent = change.key.split(".")
        if isinstance(change.value, directory.Agent):
            self.agents[tenant, agent] = change.value
        else:
            self.agents.pop((tenant, agent), None)
        self.changed = True

    def _inbox_changed(self, change: Change[directory.Record]) -> None:
        tenant, _, inbox = change.key.split(".")
        if isinstance(change.value, directory.Inbox):
            self.reopen_window_ms[tenant, inbox] = change.value.reopen_window_s * 1000

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
