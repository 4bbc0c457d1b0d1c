"""One system on three nats-servers for a file of tests. Each test leaves all servers running."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backbone.errors import TrunklineError
from backbone.nats import replicas
from backbone.nats.link import Link
from tests.harness.apart import run_apart
from tests.harness.cluster import Cluster
from tests.harness.system import LIN, System
from trunkline.connect import connected

IN_STEP_WITHIN_S = 90.0


class ClusterSystem(System):
    """A test's system whose NATS is a cluster."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cluster = Cluster(folder / "cluster")
        self.nats = self.cluster
        self.more = {"TRUNKLINE_PROFILE": "cluster"}

    def stream(self, name: str) -> dict[str, Any]:
        """What the cluster tells of a stream."""

        async def ask() -> dict[str, Any]:
            async with connected(self.common, "test") as link, asyncio.timeout(IN_STEP_WITHIN_S):
                while True:
                    with contextlib.suppress(TrunklineError):
                        answer: dict[str, Any] = await link.api(f"STREAM.INFO.{name}", {}, timeout_s=2)
                        if answer["cluster"].get("leader"):
                            return answer
                    await asyncio.sleep(0.1)

        return run_apart(ask())

    def until_in_step(self) -> None:
        """Every replica of the log has what its leader has, and every process of ours is ready."""

        async def wait() -> None:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + IN_STEP_WITHIN_S
            async with connected(self.common, "test", within_s=30) as link:
                for s in self.common.log_streams():
                    while missing := await _out_of_step(link, f"CHAT_{s}"):
                        assert all(m.is_running for m in self.cluster.members), "a server didn't start"
                        assert loop.time() < deadline, f"CHAT_{s}: {missing}"
                        await asyncio.sleep(0.2)

        run_apart(wait())
        for process in (*self.nodes, *self.adapters.values()):
            process.wait_ready(60)

    def start_what_ended(self) -> None:
        """Servers that were killed; adapters too: one that lost its lease ends, and systemd and `up` start it again.

        Call it on the main thread: a child ends with the thread that started it.
        """
        self.cluster.start()
        for process in (*self.nodes, *self.adapters.values()):
            if process.process is not None and process.process.poll() is not None:
                process.start()


async def _out_of_step(link: Link, stream: str) -> object:
    """What is missing to a whole stream; empty if nothing is."""
    try:
        info = await link.api(f"STREAM.INFO.{stream}", {}, timeout_s=2)
    except TrunklineError as error:
        return error
    followers = info["cluster"].get("replicas", [])
    found = replicas.of(info)
    if found.can_store and found.present == 3 and all(f["current"] for f in followers):
        return None
    return info["cluster"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSystem]:
    """Two nodes, routing and the warehouse on three servers."""
    made = ClusterSystem(tmp_path_factory.mktemp("cluster"))
    try:
        made.start(nodes=2, adapters=("routing", "warehouse"))
        made.add_agents(LIN)
        yield made
    finally:
        made.end()


@pytest.fixture
def system(running: ClusterSystem) -> ClusterSystem:
    """The same, whole again after what another test did to it."""
    running.start_what_ended()
    running.until_in_step()
    return running
