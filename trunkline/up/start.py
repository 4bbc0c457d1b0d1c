"""The first start of everything, in the order in which each finds what it needs."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from trunkline import datafolder
from trunkline.embedded import StartError
from trunkline.up import initialise, logmark, parts
from trunkline.up.initialise import Prepared
from trunkline.up.system import READY_WITHIN_S, System, has_been_ready, note_ready, port_of, reachable


def listening(host: str, port: int, fix: str = "Give another by --port.") -> socket.socket:
    """A socket that listens on `port`, or on a free one for 0. Raises StartError, with the `fix`, if it can't.

    We hold it and hand it down: while the node is started again, connections wait and none is refused.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartError(f"{host}:{port} can't be used: {error.strerror}. {fix}") from error
    listener.listen(4096)
    return listener


def start(system: System, console: Path, secrets: Mapping[str, str]) -> tuple[Prepared, System]:
    """Start everything and return once the node is ready, or once somebody asks us to stop.

    `secrets` make the first admin: `init` gets them and nobody else.
    """
    options, supervisor = system.options, system.supervisor
    server = parts.start_nats(options)
    system = system._replace(nats_port=server.port, is_first=True)
    supervisor.add(parts.nats(system), adopt=server.process)
    datafolder.say_running(options.data, system.running)
    for part in parts.health(system):
        supervisor.add(part)
    environment = {**parts.environment(system), **secrets}
    node, *others = parts.all_but_nats(system, console)
    demo = options.data / "secret" / "demo" if options.demo else None
    if has_been_ready(options.data):
        # All that a node needs is there: it answers first, and the rest doesn't take its time.
        supervisor.add(node)
        _wait_until_ready(system)
        init = initialise.begin(environment, demo=demo)
    else:
        init = initialise.begin(environment, demo=demo)
        init.wait()
        supervisor.add(node)
    for part in others:
        if part.name != parts.VISITOR:
            supervisor.add(part)
    prepared = initialise.finish(init)
    if lost := logmark.lost(logmark.read(options.data), prepared.log):
        supervisor.say(logmark.sentence(lost))
    _wait_until_ready(system)
    if supervisor.is_stopping:
        return prepared, system
    note_ready(options.data)
    for part in others:
        if part.name == parts.VISITOR:
            supervisor.add(part)
    return prepared, system


def _wait_until_ready(system: System) -> None:
    supervisor = system.supervisor
    deadline = time.monotonic() + READY_WITHIN_S
    while not supervisor.is_stopping and not _is_ready(reachable(system.options.host), port_of(system.listener)):
        if time.monotonic() > deadline:
            raise StartError(f"the node wasn't ready within {READY_WITHIN_S:.0f} s: see its messages above.")
        supervisor.wait(0.02)


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=0.5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
