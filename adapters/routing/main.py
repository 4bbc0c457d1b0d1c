"""`trunkline adapter routing`."""

from __future__ import annotations

import asyncio

from adapters.routing.service import Routing
from adapters.routing.settings import RoutingSettings
from backbone import service
from backbone.leases import Lease
from backbone.service import Service
from backbone.streams import ensure


def main() -> int:
    """Runs routing; returns its exit code."""
    return service.start("routing", RoutingSettings, serve)


async def serve(running: Service, settings: RoutingSettings) -> None:
    """Waits for the lease of the group, works while it is held, and stands by again when it is lost."""
    problem: list[Routing] = []
    running.ready("heads", lambda: problem[-1].problem() if problem else None)
    await running.link.is_open.wait()
    while not running.stopping.is_set():
        lease = Lease(running.link, f"routing.{settings.group}", running.instance)
        running.facts["role"] = "standby"
        await lease.take()
        # The bucket of heads is ours: where it was thrown away it is made and filled again.
        await ensure(running.link, running.common.log_streams(), running.common.replicas)
        running.facts["role"] = "active"
        routing = Routing(running.link, running.common.log_streams(), settings)
        problem[:] = [routing]
        work = asyncio.create_task(routing.run(), name="routing.run")
        others = [asyncio.create_task(event.wait()) for event in (lease.lost, running.stopping)]
        await asyncio.wait({work, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, *others):
            task.cancel()
        results = await asyncio.gather(work, return_exceptions=True)
        problem.clear()
        await lease.release()
        if isinstance(results[0], Exception):
            raise results[0]
