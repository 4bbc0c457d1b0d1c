"""A real nats-server for a test: the product's own nats.conf, a free port, a folder of its own."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from backbone.nats.link import Link
from tests.harness.ports import free_port
from trunkline import embedded

PASSWORD = "password-of-a-server-that-lives-for-one-test"


class NatsServer:
    """A server that can be killed and started again on the same store and port."""

    def __init__(self, folder: Path, *, sync: str = "10ms") -> None:
        self.folder = folder
        self.sync = sync
        self.user = embedded.USER
        self.password = PASSWORD
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect; user and password go apart."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The settings by which a process of ours joins this server."""
        return {
            "TRUNKLINE_NATS_URL": self.url,
            "TRUNKLINE_NATS_USER": self.user,
            "TRUNKLINE_NATS_PASSWORD": self.password,
        }

    def start(self) -> None:
        """Start it, on the port it had before."""
        server = embedded.start(
            store=self.folder / "nats",
            password=self.password,
            sync=self.sync,
            port=self.port or free_port(),
            log=self.folder / "nats.log",
        )
        self.process, self.port = server.process, server.port

    def kill(self) -> None:
        """`kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End it in order; nothing to do if it is dead."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


async def emptied(link: Link, server: NatsServer) -> None:
    """Deletes all streams and buckets of a server that tests share: what a test finds is its own."""
    # After the last stream nats-server removes the folder of streams, late and only if empty: the next stream that is
    # made meanwhile finds no folder ("error creating store for stream"). A file keeps it.
    streams = server.folder / "nats" / "jetstream" / "$G" / "streams"
    streams.mkdir(parents=True, exist_ok=True)
    (streams / "kept").touch()
    for name in (await link.api("STREAM.NAMES", {}))["streams"] or []:
        await link.api(f"STREAM.DELETE.{name}", {})


@contextlib.contextmanager
def running_nats(folder: Path, *, sync: str = "10ms") -> Iterator[NatsServer]:
    """A server for as long as the block lasts."""
    server = NatsServer(folder, sync=sync)
    server.start()
    try:
        yield server
    finally:
        server.stop()
