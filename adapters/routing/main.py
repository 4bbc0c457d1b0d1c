"""`trunkline adapter routing`."""

from __future__ import annotations

import asyncio
import random

from adapters.routing.service import Routing
from adapters.routing.settings import RoutingSettings
from backbone.errors import TrunklineError
from backbone.nats.leases import Lease
from backbone.nats.streams import ensure_bucket
from backbone.process import service
from backbone.process.service import LOOK_S, Service

TELL_EVERY_S = 2.0


def main() -> int:
    """Runs routing; returns its exit code."""
    return service.start("routing", RoutingSettings, serve)


async def serve(running: Service, settings: RoutingSettings) -> None:
    """Waits for the lease of the group, works while it is held, and stands by again when it is lost."""
    working: list[Routing] = []
    running.ready("heads", lambda: working[-1].problem() if working else None)

    running.keeps_up(lambda: working[-1].load() if working else None)

    async def reconnected() -> None:
        for routing in working:
            await routing.reconnected()

    running.link.on_reconnect(reconnected)
    if running.common.report_fd >= 0:
        running.tell(log={})
        running.spawn(_tell_how_far(running, working), "routing.how_far")
        running.on_drain(lambda: _tell(running, working))
    await running.link.is_open.wait()
    while not running.stopping.is_set():
        running.stand_by()
        lease = Lease(running.link, f"routing.{settings.group}", running.instance, settings.lease_s)
        try:
            if await running.unless_stopping(lease.take()):
                running.take_over()
                await running.unless_stopping(_work(running, settings, lease, working))
        except* TrunklineError as ended:
            # The log went away, or back: what is known is made anew from what it holds.
            running.logger.warning("routing.begins_again", errors=[repr(error) for error in ended.exceptions])
            await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311 - jitter
        finally:
            working.clear()
            await lease.release()


async def _tell_how_far(running: Service, working: list[Routing]) -> None:
    """Whoever started us keeps how far the log has come."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        await _tell(running, working)


async def _tell(running: Service, working: list[Routing]) -> None:
    lasts = working[-1].lasts() if working else {}
    if lasts and lasts != running.told("log"):
        running.tell(log=lasts)
        # Written by another task, which a leaving process ends soon.
        await asyncio.sleep(LOOK_S)


async def _work(running: Service, settings: RoutingSettings, lease: Lease, working: list[Routing]) -> None:
    """Routes until the lease is lost. Raises what ends routing before."""
    # The bucket of heads is ours: where it was thrown away it is made and filled again.
    await ensure_bucket(running.link, "heads", running.common.copies())
    await running.lineage.known()
    routing = Routing(
        running.link, running.common.log_streams(), settings, running.common.need_secret(), running.lineage
    )
    running.guard(routing.log)
    working.append(routing)
    await lease.while_held(routing.run())
