"""`trunkline adapter routing`."""

from __future__ import annotations

from adapters.routing.service import NAME, follower
from adapters.routing.settings import RoutingSettings
from backbone.follow import Follower, Suspects, follow
from backbone.nats.streams import ensure_bucket
from backbone.process import service
from backbone.process.service import Service


def main() -> int:
    """Runs routing; returns its exit code."""
    return service.start(NAME, RoutingSettings, serve)


async def serve(running: Service, settings: RoutingSettings) -> None:
    """Waits for the lease of the group, works while it is held, and stands by again when it is lost."""
    common = running.common

    async def make(suspects: Suspects) -> Follower:
        # The bucket of heads is ours: where it was thrown away it is made and filled again.
        await ensure_bucket(running.link, "heads", common.copies())
        following, routing = follower(
            running.link,
            settings,
            common.need_secret(),
            streams=common.log_streams(),
            lineage=running.lineage,
            suspects=suspects,
        )
        running.guard(routing.log)
        return following

    lease = f"{NAME}.{settings.group}"
    await follow(running, make, lease=lease, lease_s=settings.lease_s, check="heads", tells_how_far=True)
