"""A connection to a server with all streams and buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backbone.link import Link
from backbone.streams import ensure
from tests.harness.nats import NatsServer, emptied

STREAMS = ["00", "01"]


@pytest.fixture
async def link(request: pytest.FixtureRequest) -> AsyncIterator[Link]:
    """Connected, and everything made anew. Whoever asks for `nats` as well has a server of its own, to harm it."""
    nats: NatsServer = request.getfixturevalue("nats" if "nats" in request.fixturenames else "nats_of_session")
    link = Link()
    await link.open(nats.url, name="test", user=nats.user, password=nats.password)
    await emptied(link)
    await ensure(link, STREAMS)
    yield link
    await link.close()
