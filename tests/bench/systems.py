"""What is measured: the product and the prototype, each with a nats-server of its own, its nodes as processes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from backbone.nats import subjects
from backbone.nats.link import SECOND_NS, Link
from tests.bench.fill import Fill
from tests.bench.loadgen.speech import Target
from tests.bench.population import STREAMS
from tests.harness.nats import NatsServer
from tests.harness.ports import free_port
from tests.harness.processes import PLAIN
from tests.harness.system import LIN, SECRET, System
from trunkline import rest
from trunkline.embedded import SYNC_OF_PROFILE, die_with_parent

READY_WITHIN_S = 30.0
NO_LIMIT = "1000000"
LAGS = {"routing": "trunkline_routing_lag", "warehouse": "trunkline_warehouse_unread_events"}


class Measured(Protocol):
    """A system under load."""

    name: str

    def pids(self) -> dict[str, int]:
        """Processes whose CPU and memory count, by name."""

    def target(self) -> Target:
        """Where the generator connects."""

    def behind(self) -> dict[str, int]:
        """Stored events that an adapter hasn't dealt with yet, by adapter."""


class Product(System):
    """Trunkline as deployed, without the limits that keep one address or person from being a thousand."""

    module = PLAIN
    name = "trunkline"

    def __init__(self, folder: Path, profile: str) -> None:
        super().__init__(folder, sync=SYNC_OF_PROFILE[profile])
        self.more = {
            "TRUNKLINE_PROFILE": profile,
            "TRUNKLINE_LOG_LEVEL": "warning",
            "TRUNKLINE_NODE_VISITOR_RATE": NO_LIMIT,
            "TRUNKLINE_NODE_VISITOR_BURST": NO_LIMIT,
            "TRUNKLINE_NODE_VISITORS_RATE": NO_LIMIT,
            "TRUNKLINE_NODE_ACTOR_SOCKETS": NO_LIMIT,
            "TRUNKLINE_NODE_LOGIN_ADDRESS_RATE": NO_LIMIT,
        }

    def pids(self) -> dict[str, int]:
        """nats-server, nodes, adapters."""
        assert self.nats.process is not None
        ours = {process.name: process.pid for process in (*self.nodes, *self.adapters.values())}
        return {"nats": self.nats.process.pid, **ours}

    def behind(self) -> dict[str, int]:
        """Stored events that an adapter hasn't dealt with yet, as its metrics say."""
        return {name: _gauge(process.port, LAGS[name]) for name, process in self.adapters.items()}

    def target(self) -> Target:
        """Visitors sign their own tokens with the system's secret; one agent's session serves all viewers."""
        answer = rest.sign_in(self.nodes[0].http, LIN.email, LIN.password)
        assert answer.status == 200, answer
        return Target(
            kind="product",
            nodes=[("127.0.0.1", node.port) for node in self.nodes],
            secret=SECRET,
            cookie=answer.cookie,
        )


class Prototype:
    """The core of the line alone (tests/bench/baseline)."""

    name = "prototype"

    def __init__(self, folder: Path, profile: str) -> None:
        self.nats = NatsServer(folder, sync=SYNC_OF_PROFILE[profile])
        self.nodes: list[Server] = []

    def start(self, *, nodes: int) -> None:
        """NATS, eight streams with RePublish, nodes."""
        self.nats.start()
        asyncio.run(_make_streams(self.nats))
        self.nodes = [Server("tests.bench.baseline.node", self.nats.environment) for _ in range(nodes)]
        for node in self.nodes:
            node.wait_ready()

    def end(self) -> None:
        """Nodes, then NATS."""
        for node in self.nodes:
            node.end()
        self.nats.stop()

    def pids(self) -> dict[str, int]:
        """nats-server and nodes."""
        assert self.nats.process is not None
        return {"nats": self.nats.process.pid, **{f"node{n}": node.pid for n, node in enumerate(self.nodes)}}

    def behind(self) -> dict[str, int]:
        """It has no adapters."""
        return {}

    def target(self) -> Target:
        """Nobody signs in there."""
        return Target(kind="prototype", nodes=[("127.0.0.1", node.port) for node in self.nodes])


class Echo:
    """A bare uvicorn (tests/bench/baseline/echo.py)."""

    name = "bare uvicorn"

    def __init__(self) -> None:
        self._server = Server("tests.bench.baseline.echo", {})
        self._server.wait_ready()

    def end(self) -> None:
        """It goes."""
        self._server.end()

    def pids(self) -> dict[str, int]:
        """The one process."""
        return {"uvicorn": self._server.pid}

    def behind(self) -> dict[str, int]:
        """It has no adapters."""
        return {}

    def target(self) -> Target:
        """It says back what it hears."""
        return Target(kind="echo", nodes=[("127.0.0.1", self._server.port)])


class Server:
    """A module that serves HTTP on the port that it is given."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, str(self.port)],
            env={**os.environ, **environment},
            process_group=0,
            preexec_fn=die_with_parent(),  # noqa: PLW1509  (one thread)
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Returns once it answers. Raises RuntimeError if it doesn't in time."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.02)
            finally:
                connection.close()
        msg = f"nobody listened on port {self.port} within {READY_WITHIN_S:.0f} s"
        raise RuntimeError(msg)

    def end(self) -> None:
        """It goes, at once if it doesn't in time."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


@contextlib.contextmanager
def running_product(
    folder: Path,
    profile: str,
    *,
    nodes: int = 2,
    adapters: tuple[str, ...] = (),
    fill: Fill | None = None,
) -> Iterator[Product]:
    """The product with an agent who can sign in, for as long as the block lasts.

    `fill` puts something into the log before; nats-server then begins anew, so that its memory is that of a server
    which found a full log, not of one that was filled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    system = Product(folder, profile)
    try:
        if fill:
            system.nats.start()
            made = system.run("init", "--json")
            assert made.returncode == 0, made.stderr
            fill(system.nats)
            system.nats.stop()
        system.start(nodes=nodes, adapters=adapters)
        system.add_agents(LIN)
        yield system
    finally:
        system.end()


@contextlib.contextmanager
def running_prototype(folder: Path, profile: str, *, nodes: int = 2) -> Iterator[Prototype]:
    """The prototype, for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    system = Prototype(folder, profile)
    try:
        system.start(nodes=nodes)
        yield system
    finally:
        system.end()


def raise_limits() -> int:
    """As many descriptors a process as we may have; what we start inherits it. Returns the limit."""
    most = int(Path("/proc/sys/fs/nr_open").read_text())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return most
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _gauge(port: int, name: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, f"no {name} in the metrics"
    return int(float(found[1]))


async def _make_streams(nats: NatsServer) -> None:
    link = Link()
    await link.open(nats.url, name="bench", user=nats.user, password=nats.password)
    for stream in STREAMS:
        source, destination = subjects.republish(stream)
        config = {
            "name": f"CHAT_{stream}",
            "subjects": [subjects.stream_subjects(stream)],
            "storage": "file",
            "allow_direct": True,
            "duplicate_window": 60 * SECOND_NS,
            "republish": {"src": source, "dest": destination},
        }
        await link.api(f"STREAM.CREATE.CHAT_{stream}", config)
    await link.close()
