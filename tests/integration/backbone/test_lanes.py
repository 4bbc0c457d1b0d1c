"""Lanes: the streams of a channel, shared by its replicas."""

from __future__ import annotations

import asyncio

from adapters.channels.api import Api
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.lanes.lane import Lane
from adapters.channels.kit.lanes.lanes import Lanes
from adapters.channels.kit.outgoing.deliver import Deliverer
from backbone.accounts.accounts import Accounts
from backbone.nats.buckets import Bucket
from backbone.nats.leases import Holder
from backbone.nats.link import Link
from backbone.until import cancel
from tests.integration.backbone.conftest import STREAMS
from tests.integration.backbone.rooms import closed, made_room

LANE_S = 2
WITHIN_S = 30.0


async def test_a_replica_that_lost_its_lease_is_counted_again_and_leaves_nothing_behind(link: Link) -> None:
    """As after an outage of the log: others would give it no share for ever."""
    room = await made_room(link, Api(), "one", "main", "lanes", lane_s=LANE_S)
    accounts = Accounts(link, room.channel, room.sealer)
    await accounts.caught_up()
    kits, deliverer = Kits(room), Deliverer(room, accounts)
    lanes = Lanes(room, lambda s: Lane(room, accounts, kits, deliverer, s))
    working = asyncio.create_task(lanes.run())
    leases: Bucket[Holder] = Bucket(link, "leases", Holder)
    try:
        async with asyncio.timeout(WITHIN_S):
            while sorted(lanes.held) != STREAMS or await _holder(leases) != "one":
                await asyncio.sleep(0.02)
            await leases.put("member.api.one", Holder("nobody"), LANE_S)
            while await _holder(leases) != "one":
                await asyncio.sleep(0.02)
        lanes.leave()
        await asyncio.wait_for(working, WITHIN_S)
        assert await leases.all() == []
    finally:
        await cancel(working)
        await accounts.close()
        await closed(room)


async def _holder(leases: Bucket[Holder]) -> str:
    kept = await leases.get("member.api.one")
    return kept.value.holder if kept else ""
