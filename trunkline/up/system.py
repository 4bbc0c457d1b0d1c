"""One running system: what was asked for, and what the process of `up` holds for it."""

from __future__ import annotations

import os
import signal
import socket
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from trunkline import datafolder
from trunkline.up.supervisor import Supervisor

READY_WITHIN_S: Final = 120.0

_READY: Final = "ready"
"""File of the version that last became ready on a data folder."""


class Options(NamedTuple):
    """What the person asked for."""

    data: Path
    host: str
    port: int
    profile: str
    demo: bool


class System(NamedTuple):
    """Everything that the parts of `up` share; made anew where a field changes."""

    options: Options
    lock: int
    listener: socket.socket
    supervisor: Supervisor
    nats_port: int
    has_users: bool = True
    """Whether nats-server knows a user for each kind of process: one that an earlier version started doesn't."""

    health: socket.socket | None = None
    """Where health and metrics of all processes are asked for; None: nowhere."""

    public_url: str = ""
    """Address by which browsers reach the node, if it isn't this machine's own."""

    is_first: bool = False
    """Whether we have just started nats-server, so that no other process can know what its log was."""

    @property
    def running(self) -> datafolder.Running:
        """What the other commands are told."""
        options = self.options
        return datafolder.Running(
            os.getpid(), self.nats_port, port_of(self.listener), options.profile, upgrades=hasattr(signal, "SIGHUP")
        )

    @property
    def url(self) -> str:
        """The address to open in a browser, without a slash at its end."""
        return self.public_url.rstrip("/") or f"http://{self.address}"

    @property
    def address(self) -> str:
        """Of the node, as this machine reaches it."""
        return f"{reachable(self.options.host)}:{port_of(self.listener)}"


def has_been_ready(data: Path) -> bool:
    """Whether this version has made its streams and buckets here already."""
    ready = data / _READY
    return ready.is_file() and ready.read_text() == version("trunkline")


def note_ready(data: Path) -> None:
    """This version has become ready on `data`."""
    datafolder.keep_private(data / _READY, version("trunkline"))
    datafolder.note_schema(data)


def port_of(listener: socket.socket) -> int:
    """Where it listens."""
    return int(listener.getsockname()[1])


def host_and_port(listener: socket.socket) -> str:
    """How this machine reaches a listening socket, as an address says it."""
    host, port = reachable(listener.getsockname()[0]), port_of(listener)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """How this machine reaches what listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (read, not bound)
