"""Settings of the whole machine, which `up` itself reads, and the socket of its health and metrics."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import NamedTuple

from backbone.errors import SettingError
from backbone.settings import Common, load
from node.settings import NodeSettings
from trunkline.embedded import RefusedStartError, StartError
from trunkline.up.start import listening


class Asked(NamedTuple):
    """What the operator's settings say; `health_port` 0: no port of health and metrics."""

    health_host: str
    health_port: int
    public_url: str


def asked() -> Asked:
    """Read them from the environment and the file of settings. Raises StartError that names the wrong one."""
    try:
        common, node = load(Common), load(NodeSettings, "node")
    except SettingError as wrong:
        raise RefusedStartError(wrong.message) from None
    return Asked(common.health_host, max(common.health_port, 0), node.public_url)


@contextlib.contextmanager
def health(wanted: Asked) -> Iterator[socket.socket | None]:
    """The socket of health and metrics for as long as the block lasts. Raises StartError if the port is taken."""
    if not wanted.health_port:
        yield None
        return
    fix = "TRUNKLINE_HEALTH_PORT says another port for health and metrics."
    with listening(wanted.health_host, wanted.health_port, fix) as listener:
        yield listener


@contextlib.contextmanager
def health_after(descriptor: int, wanted: Asked, say: Callable[[str], None]) -> Iterator[socket.socket | None]:
    """The same where the program before us left one, -1 for none; one that can't be had doesn't stop an upgrade."""
    if descriptor >= 0:
        with socket.socket(fileno=descriptor) as listener:
            yield listener
        return
    with contextlib.ExitStack() as stack:
        found = None
        try:
            found = stack.enter_context(health(wanted))
        except StartError as error:
            say(f"No health and metrics: {error}")
        yield found
