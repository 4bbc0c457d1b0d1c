"""A rate that counts some kinds of messages alone holds up no others, and replicas share it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.channels.kit.outgoing.rates import Rates
from backbone.accounts import stores
from backbone.channel import Rate
from backbone.nats.link import Link
from backbone.nats.streams import ensure
from tests.harness.nats import running_nats

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

OF_VIDEO = Rate(n=2, seconds=3600, kinds=frozenset({"video", "audio"}))
OF_ALL = Rate(n=1000, seconds=1)


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    """Connected to a server with the buckets."""
    with running_nats(tmp_path) as server:
        link = Link()
        await link.open(server.url, name="test", user=server.user, password=server.password)
        await ensure(link, ["00"])
        yield link
        await link.close()


async def test_a_rate_of_some_kinds_holds_up_no_others(link: Link) -> None:
    first, second = (Rates(link, "main", "page", (OF_ALL, OF_VIDEO)) for _ in range(2))
    await first.turn("ann", "video")
    await second.turn("ann", "audio")
    waiting = asyncio.create_task(first.turn("ann", "video"))
    while not first.waiting:
        await asyncio.sleep(0.01)
    for _ in range(20):
        await first.turn("ann", "text")
    assert not waiting.done()
    assert (first.expected_s("text"), first.expected_s("video")) == (0.0, 1800.0)
    # What is used up is used up for all replicas.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(second.turn("ann", "video"), 0.3)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_an_account_that_is_removed_leaves_no_budget(link: Link) -> None:
    await Rates(link, "main", "page", (OF_ALL, OF_VIDEO)).turn("ann", "video")
    keys = [stores.rate_key("main", "page"), stores.rate_key("main", "page", "audio-video")]
    bucket = stores.channels(link)
    assert all([await bucket.get(key) for key in keys])
    await stores.forget_account(link, "main", "page")
    assert not any([await bucket.get(key) for key in keys])
