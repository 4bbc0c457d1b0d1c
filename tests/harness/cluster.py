"""Three real nats-servers on loopback that replicate each other's streams: nats-cluster.conf, a folder a server."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.harness.nats import PASSWORD
from tests.harness.ports import free_port
from trunkline import embedded

SERVERS = 3
ROUTES = "password-of-the-servers-among-themselves"


class Member:
    """One server of the cluster, killed and started again on its store and ports."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = f"nats{number}"
        self.folder = folder / self.name
        self.port = free_port()
        self.routes_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, routes: list[str]) -> None:
        """Start it; returns when it listens, which may be before the cluster has a leader."""
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "nats-server"
        embedded.configure(conf, PASSWORD)
        settings = embedded.environment(store=self.folder / "store", sync="120s", port=self.port)
        more = {
            "TRUNKLINE_NATS_PASSWORD": json.dumps(ROUTES),
            "TRUNKLINE_NATS_NAME": self.name,
            "TRUNKLINE_NATS_CLUSTER": f"127.0.0.1:{self.routes_port}",
            "TRUNKLINE_NATS_ROUTES": json.dumps(routes),
        }
        self.process = subprocess.Popen(
            [
                embedded.binary(),
                "--config",
                str(conf / "nats-cluster.conf"),
                "--log",
                str(self.folder / "log"),
            ],
            env={**os.environ, **settings, **more},
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509  (tests start processes outside of threads)
        )

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} was dead before it was killed"
        self.process.kill()
        self.process.wait(10)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None


class Cluster:
    """Stands where a test's system has its one nats-server."""

    def __init__(self, folder: Path) -> None:
        self.user = embedded.USER
        self.password = PASSWORD
        self.members = [Member(folder, number) for number in range(SERVERS)]
        self._routes = [f"nats://{embedded.USER}:{ROUTES}@127.0.0.1:{m.routes_port}" for m in self.members]

    @property
    def url(self) -> str:
        """All servers, comma-separated."""
        return ",".join(f"nats://127.0.0.1:{member.port}" for member in self.members)

    @property
    def environment(self) -> dict[str, str]:
        """The settings by which a process of ours joins the cluster."""
        return {
            "TRUNKLINE_NATS_URL": self.url,
            "TRUNKLINE_NATS_USER": self.user,
            "TRUNKLINE_NATS_PASSWORD": self.password,
        }

    def start(self) -> None:
        """Start all that don't run."""
        for member in self.members:
            if not member.is_running:
                member.start(self._routes)

    def named(self, name: str) -> Member:
        """The server of that name."""
        return next(member for member in self.members if member.name == name)

    def stop(self) -> None:
        """End all in order."""
        running = [member.process for member in self.members if member.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + 20
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
                process.wait(10)


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts."""
    cluster = Cluster(folder)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()
