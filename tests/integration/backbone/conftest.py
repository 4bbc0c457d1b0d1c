"""A connection to a server with all streams and buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from backbone.nats.link import Link
from backbone.nats.streams import ensure
from tests.harness.nats import NatsServer, emptied, running_nats

STREAMS = ["00", "01"]


@pytest.fixture(scope="package")
def nats_of_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server for tests that harm no server; each begins with `emptied`."""
    with running_nats(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
async def link(request: pytest.FixtureRequest) -> AsyncIterator[Link]:
    """Connected, and everything made anew. Whoever asks for `nats` as well has a server of its own, to harm it."""
    nats: NatsServer = request.getfixturevalue("nats" if "nats" in request.fixturenames else "nats_of_folder")
    link = Link()
    await link.open(nats.url, name="test", user=nats.user, password=nats.password)
    await emptied(link, nats)
    await ensure(link, STREAMS)
    yield link
    if link.is_usable:
        # What is still on its way would be stored in the streams of the next test.
        await link.flush()
    await link.close()
