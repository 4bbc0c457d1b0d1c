"""A connection to a server of the module's own, with all streams and buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backbone.link import Link
from backbone.streams import ensure
from tests.harness.nats import NatsServer

STREAMS = ["00", "01"]


@pytest.fixture
async def link(nats: NatsServer) -> AsyncIterator[Link]:
    """Connected, and everything made."""
    link = Link()
    await link.open(nats.url, name="test", user=nats.user, password=nats.password)
    await ensure(link, STREAMS)
    yield link
    await link.close()
