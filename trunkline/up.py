"""Runs the whole system on one machine: nats-server, a node and the adapters as child processes.

Each child is started by the command line that production uses; `up` adds the order of starting and stopping,
the settings that join them, and what to tell the person who typed it. Standard library alone.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from trunkline import datafolder, embedded
from trunkline.embedded import StartError
from trunkline.supervisor import Part, Supervisor

ADAPTERS: Final = ("routing", "warehouse")
READY_WITHIN_S: Final = 120.0
DURABILITY: Final = {
    "synced": "a message is on the disk before it counts as sent",
    "fast": "on the disk within 10 ms; a power cut may cost the last 10 ms",
}

_READY: Final = "ready"
"""File of the version that last became ready on a data folder."""

_FIRST, _LAST = 0, 9
"""Ranks of stopping: nodes and adapters drain while the log still answers; nats-server goes last."""


class Options(NamedTuple):
    """What the person asked for."""

    data: Path
    host: str
    port: int
    profile: str
    demo: bool


class Prepared(NamedTuple):
    """What `trunkline init --json` answers: a token if there is no admin yet, and the demo's agents."""

    invitation: str
    agents: list[dict[str, str]]


def run(options: Options, say: Callable[[str], None]) -> None:
    """Run until Ctrl-C or SIGTERM. Raises StartError with what to do when it can't start."""
    began = time.monotonic()
    console = _console()
    with datafolder.locked(options.data), _listening(options.host, options.port) as listener:
        supervisor = Supervisor(say)
        supervisor.listen()
        try:
            prepared = _start(options, listener, console, supervisor)
            if not supervisor.is_stopping:
                say(_banner(options, _port(listener), prepared, time.monotonic() - began))
            while not supervisor.is_stopping:
                supervisor.wait(3600)
            say("Stopping.")
        finally:
            supervisor.stop()
            datafolder.forget_running(options.data)


def _start(options: Options, listener: socket.socket, console: Path, supervisor: Supervisor) -> Prepared:
    """Start everything and return once the node is ready, or once somebody asks us to stop."""
    data, port = options.data, _port(listener)
    server, nats = _nats(data, options.profile)
    supervisor.add(nats, adopt=server.process)
    now = datafolder.Running(os.getpid(), server.port, port, options.profile)
    datafolder.say_running(data, now)
    environment = {
        **os.environ,
        "TRUNKLINE_LOG_LEVEL": os.environ.get("TRUNKLINE_LOG_LEVEL", "warning"),
        **datafolder.environment(data, now),
        "TRUNKLINE_NODE_FD": str(listener.fileno()),
        "TRUNKLINE_NODE_CONSOLE_DIR": str(console),
    }
    demo = data / "secret" / "demo" if options.demo else None
    node = _part("node", "node", environment=environment)._replace(sockets=(listener.fileno(),))
    if _has_been_ready(data):
        # All that a node needs is there: it answers first, and the rest doesn't take its time.
        supervisor.add(node)
        _wait_until_ready(supervisor, options.host, port)
        init = _begin_init(environment, demo=demo)
    else:
        init = _begin_init(environment, demo=demo)
        init.wait()
        supervisor.add(node)
    for name in ADAPTERS:
        supervisor.add(_part(name, "adapter", name, environment=environment))
    prepared = _finish_init(init)
    _wait_until_ready(supervisor, options.host, port)
    if supervisor.is_stopping:
        return prepared
    datafolder.keep_private(data / _READY, version("trunkline"))
    if options.demo:
        supervisor.add(_part("visitor", "talk", f"ws://{_reachable(options.host)}:{port}/ws", environment=environment))
    return prepared


def _console() -> Path:
    """The built desk and widget, built now if the sources are newer."""
    from console import build  # noqa: PLC0415  (first the person's mistakes, then our work)

    try:
        return build.ensure()
    except build.BuildError as error:
        raise StartError(str(error)) from error


def _nats(data: Path, profile: str) -> tuple[embedded.Server, Part]:
    password = datafolder.secret(data, "nats").read_text()
    store = (data / "nats").absolute()
    sync = embedded.SYNC_OF_PROFILE[profile]
    log = (data / "nats.log").absolute()
    server = embedded.start(store=store, password=password, sync=sync, log=log)
    part = Part(
        name="nats-server",
        command=embedded.command("--log", str(log)),
        environment={
            **os.environ,
            **embedded.environment(store=store, password=password, sync=sync, port=server.port),
        },
        rank=_LAST,
    )
    return server, part


def _part(name: str, *arguments: str, environment: dict[str, str]) -> Part:
    return Part(name, (sys.executable, "-m", "trunkline", *arguments), environment, rank=_FIRST)


def _begin_init(environment: dict[str, str], *, demo: Path | None) -> subprocess.Popen[bytes]:
    arguments = ["--demo", str(demo)] if demo else []
    return subprocess.Popen(
        [sys.executable, "-m", "trunkline", "init", "--json", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,
        preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509  (one thread)
    )


def _finish_init(init: subprocess.Popen[bytes]) -> Prepared:
    output, _ = init.communicate()
    if init.returncode:
        raise StartError("the streams or the first tenant couldn't be made: see the message above.")
    answer: dict[str, Any] = json.loads(output)
    return Prepared(answer["invitation"], answer["agents"])


def _has_been_ready(data: Path) -> bool:
    """Whether this version has made its streams and buckets here already."""
    ready = data / _READY
    return ready.is_file() and ready.read_text() == version("trunkline")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens on `port`, or on a free one for 0. Raises StartError if it can't.

    We hold it and hand it down: while the node is started again, connections wait and none is refused.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartError(f"{host}:{port} can't be used: {error.strerror}. Give another by --port.") from error
    listener.listen(4096)
    return listener


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def _wait_until_ready(supervisor: Supervisor, host: str, port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not supervisor.is_stopping and not _is_ready(_reachable(host), port):
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


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (read, not bound)


def _banner(options: Options, port: int, prepared: Prepared, took_s: float) -> str:
    address = f"http://{_reachable(options.host)}:{port}"
    lines = [
        f"Trunkline {version('trunkline')}",
        "",
        f"  Desk     {address}/",
        f"  Chat     {address}/w/web",
        *([f"  Shop     {address}/demo/"] if options.demo else []),
        f"  Storage  {options.profile}: {DURABILITY[options.profile]}",
        f"  Data     {options.data.absolute()}",
    ]
    if prepared.invitation:
        lines += ["", "  Become the first admin (this link works once):", f"  {address}/#/join/{prepared.invitation}"]
    if prepared.agents:
        lines += ["", "  Agents of the demo:"]
        width = max(len(agent["email"]) for agent in prepared.agents)
        lines += [f"  {a['email']:<{width}}  {a['password']}  {a['name']}" for a in prepared.agents]
    return "\n".join([*lines, "", f"Ready after {took_s:.1f} s. Ctrl-C stops it."])
