"""Runs the whole system on one machine: nats-server, a node and the adapters as child processes.

Each child is started by the command line that production uses; `up` adds the order of starting and stopping,
the settings that join them, and what to tell the person who typed it. Asked by SIGHUP (`trunkline upgrade`), it
executes the code now installed in its own place, which takes over its children and replaces them one by one.
Standard library alone.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, Final, NamedTuple

from trunkline import datafolder, embedded, handover, progress, replace
from trunkline.embedded import StartError
from trunkline.supervisor import STOPPING, Adopted, Part, Supervisor

NODE: Final = "node"
VISITOR: Final = "visitor"
NATS: Final = "nats-server"
ADAPTERS: Final = ("routing", "warehouse")
"""In the order in which they are replaced."""

CHANNELS: Final = "trunkline.channels"
"""Entry points of channels, each of which is an adapter too: it runs while the channel has an account."""

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
    with datafolder.locked(options.data) as lock, _listening(options.host, options.port) as listener:
        supervisor = Supervisor(say)
        supervisor.listen()
        progress.prepare(options.data)
        with _stopped(supervisor, options.data):
            system = System(options, lock, listener, supervisor, nats_port=0)
            prepared, system = _start(system, console)
            if not supervisor.is_stopping:
                say(_banner(options, _port(listener), prepared, time.monotonic() - began))
            _watch(system)


def go_on(data: Path, say: Callable[[str], None]) -> None:
    """Follow the program that ran in this process before: take its children over and replace them by ours."""
    left = handover.read(data)
    if left.pid != os.getpid():
        raise StartError(f"process {left.pid} left the handover, for itself; this is {os.getpid()}.")
    console = _console()
    with os.fdopen(left.lock), socket.socket(fileno=left.listener) as listener:
        options = Options(data, left.host, _port(listener), left.profile, left.demo)
        supervisor = Supervisor(say)
        supervisor.listen()
        with _stopped(supervisor, data):
            system = System(options, left.lock, listener, supervisor, left.nats_port)
            _adopt(system, console, left.children)
            handover.forget(data)
            _replace_all(system, console, progress.Teller(data, left.request, say))
            _watch(system)


def check(data: Path) -> None:
    """Whether `go_on` could follow what runs on `data` now. Raises StartError; builds the console if it is old."""
    handover.read(data)
    _console()


class System(NamedTuple):
    """One running system: what was asked for, and what this process holds for it."""

    options: Options
    lock: int
    listener: socket.socket
    supervisor: Supervisor
    nats_port: int

    @property
    def running(self) -> datafolder.Running:
        """What the other commands are told."""
        options = self.options
        return datafolder.Running(
            os.getpid(), self.nats_port, _port(self.listener), options.profile, upgrades=hasattr(signal, "SIGHUP")
        )

    @property
    def address(self) -> str:
        """Of the node, as this machine reaches it."""
        return f"{_reachable(self.options.host)}:{_port(self.listener)}"


@contextlib.contextmanager
def _stopped(supervisor: Supervisor, data: Path) -> Iterator[None]:
    """Whatever happens inside: nobody is left behind."""
    try:
        yield
    finally:
        supervisor.stop()
        datafolder.forget_running(data)


def _start(system: System, console: Path) -> tuple[Prepared, System]:
    """Start everything and return once the node is ready, or once somebody asks us to stop."""
    options, supervisor = system.options, system.supervisor
    server = _start_nats(options)
    system = system._replace(nats_port=server.port)
    supervisor.add(_nats(system), adopt=server.process)
    datafolder.say_running(options.data, system.running)
    environment = _environment(system)
    node, *others = _parts(system, console)
    demo = options.data / "secret" / "demo" if options.demo else None
    if _has_been_ready(options.data):
        # All that a node needs is there: it answers first, and the rest doesn't take its time.
        supervisor.add(node)
        _wait_until_ready(system)
        init = _begin_init(environment, demo=demo)
    else:
        init = _begin_init(environment, demo=demo)
        init.wait()
        supervisor.add(node)
    for part in others:
        if part.name != VISITOR:
            supervisor.add(part)
    prepared = _finish_init(init)
    _wait_until_ready(system)
    if supervisor.is_stopping:
        return prepared, system
    datafolder.keep_private(options.data / _READY, version("trunkline"))
    for part in others:
        if part.name == VISITOR:
            supervisor.add(part)
    return prepared, system


def _watch(system: System) -> None:
    """Keep everything running until somebody asks us to stop, or to let newer code go on."""
    supervisor = system.supervisor
    while not supervisor.is_stopping:
        supervisor.wait(3600)
        _follow_accounts(system)
        if supervisor.take_hangup() and not supervisor.is_stopping:
            _hand_over(system)
    supervisor.say("Stopping.")


def _follow_accounts(system: System) -> None:
    """Start the adapter of a channel that got its first account, end that of one that lost its last."""
    supervisor = system.supervisor
    told = next((c.words.get("channels") for c in supervisor.children if c.part.name == NODE and c.words), None)
    if told is None or supervisor.is_stopping:
        return
    installed = _installed()
    there = {child.part.name: child for child in supervisor.children}
    for name in told:
        if name in installed and name not in there:
            supervisor.add(_channel(system, name))
    for name in installed & there.keys() - set(told):
        supervisor.end(there[name])


# --- upgrade ------------------------------------------------------------------------------------


def _hand_over(system: System) -> None:
    """Execute the code now installed in our own place, if it says that it can go on. Returns only if it can't."""
    data, supervisor = system.options.data, system.supervisor
    request = progress.take(data)
    tell = progress.Teller(data, request.id, supervisor.say)
    tell.step("", "checking", f"looking at the code that {request.python} runs")
    command = [request.python, "-P", "-m", "trunkline", "up", "--data", str(data.absolute()), "--go-on"]
    _leave(system, request.id)
    problem = _unfit(supervisor, [*command, "--check"])
    if not problem and not supervisor.is_stopping:
        _refuse_others(system)
        _leave(system, request.id)
        try:
            _execute(system, command)
        except OSError as error:
            problem = f"{request.python} can't be executed: {error.strerror}"
    handover.forget(data)
    tell.end(problem or "somebody asked `up` to stop", version("trunkline"))


def _leave(system: System, request: str) -> None:
    options = system.options
    children = tuple(
        handover.Running(child.part.name, child.process.pid, child.failures)
        for child in system.supervisor.children
        if child.process is not None
    )
    handover.write(
        options.data,
        handover.Handover(
            pid=os.getpid(),
            version=version("trunkline"),
            host=options.host,
            profile=options.profile,
            demo=options.demo,
            lock=system.lock,
            listener=system.listener.fileno(),
            nats_port=system.nats_port,
            children=children,
            request=request,
        ),
    )


def _unfit(supervisor: Supervisor, command: list[str]) -> str:
    """Why the new code can't go on from here, in its own words; empty if it can. Children are kept meanwhile."""
    try:
        asked = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    except OSError as error:
        return f"{command[0]} can't be executed: {error.strerror}"
    deadline = time.monotonic() + READY_WITHIN_S
    while asked.poll() is None and time.monotonic() < deadline and not supervisor.is_stopping:
        supervisor.wait(0.05)
    if asked.poll() is None:
        asked.kill()
    said = asked.communicate()[1].decode(errors="replace").strip()
    if asked.returncode == 0:
        return ""
    return f"the new code can't go on from here: {said.splitlines()[-1] if said else f'code {asked.returncode}'}"


def _execute(system: System, command: list[str]) -> None:
    """Become `command`: same process, same children, same lock and listening socket. Raises OSError."""
    kept = (system.lock, system.listener.fileno())
    signals = {*STOPPING, signal.SIGHUP}
    for descriptor in kept:
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - os's own form
    # Whoever executes anew has no handlers yet: what comes in between waits for those of the new code.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        sys.stdout.flush()
        os.execve(command[0], command, os.environ)  # noqa: S606 - an argument list, never through a shell
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        for descriptor in kept:
            os.set_inheritable(descriptor, False)  # noqa: FBT003
        raise


def _adopt(system: System, console: Path, children: tuple[handover.Running, ...]) -> None:
    """Keep what runs, by the parts of this version; a child that is no part of it any more is ended."""
    supervisor = system.supervisor
    parts = {part.name: part for part in (_nats(system), *_parts(system, console))}
    installed = _installed()
    for running in children:
        part = _channel(system, running.name) if running.name in installed else parts.get(running.name)
        known = part or Part(running.name, (), {})
        child = supervisor.add(known, adopt=Adopted(running.pid))
        child.failures = running.failures
        if part is None:
            supervisor.end(child)


def _replace_all(system: System, console: Path, tell: progress.Teller) -> None:
    """Streams and tables first, then adapters, nodes last; what can't be replaced stays as it is."""
    supervisor, data = system.supervisor, system.options.data
    problem = ""
    began = time.monotonic()
    datafolder.say_running(data, system.running)
    tell.step("", "executed", f"Trunkline {version('trunkline')} has taken over the processes that run")
    try:
        _init_again(system, tell)
        node, *others = _parts(system, console)
        running = {child.part.name for child in supervisor.children}
        channels = [_channel(system, name) for name in sorted(_installed() & running)]
        for part in (*others, *channels, node):
            _refuse_others(system)
            try:
                replace.replace(supervisor, part, tell)
            except replace.UpgradeError as error:
                if not part.is_optional or supervisor.is_stopping:
                    raise
                tell.step(part.name, "kept", str(error))
        datafolder.keep_private(data / _READY, version("trunkline"))
        tell.step(NATS, "kept", "not replaced; its own version changes when `up` is started again")
        tell.step("", "replaced", f"everything is replaced, in {time.monotonic() - began:.1f} s")
    except (replace.UpgradeError, StartError, OSError) as error:
        problem = str(error)
    _refuse_others(system)
    tell.end(problem, version("trunkline"))


def _init_again(system: System, tell: progress.Teller) -> None:
    tell.step("init", "starting", "streams, buckets and tables of this version")
    init = _begin_init(_environment(system), demo=None)
    while init.poll() is None:
        if system.supervisor.is_stopping:
            init.kill()
        system.supervisor.wait(0.05)
    _finish_init(init)


def _refuse_others(system: System) -> None:
    """One upgrade at a time."""
    if system.supervisor.take_hangup():
        data = system.options.data
        other = progress.Teller(data, progress.take(data).id, system.supervisor.say)
        other.end("another upgrade is under way; wait for its end", version("trunkline"))


# --- parts --------------------------------------------------------------------------------------


def _console() -> Path:
    """The built desk and widget, built now if the sources are newer."""
    from console import build  # noqa: PLC0415  (first the person's mistakes, then our work)

    try:
        return build.ensure()
    except build.BuildError as error:
        raise StartError(str(error)) from error


def _start_nats(options: Options) -> embedded.Server:
    data = options.data
    return embedded.start(
        store=(data / "nats").absolute(),
        password=datafolder.secret(data, "nats").read_text(),
        sync=embedded.SYNC_OF_PROFILE[options.profile],
        log=(data / "nats.log").absolute(),
    )


def _nats(system: System) -> Part:
    data = system.options.data
    settings = embedded.environment(
        store=(data / "nats").absolute(),
        password=datafolder.secret(data, "nats").read_text(),
        sync=embedded.SYNC_OF_PROFILE[system.options.profile],
        port=system.nats_port,
    )
    command = embedded.command("--log", str((data / "nats.log").absolute()))
    return Part(NATS, command, {**os.environ, **settings}, rank=_LAST)


def _environment(system: System) -> dict[str, str]:
    """The settings that join our processes."""
    return {
        **os.environ,
        "TRUNKLINE_LOG_LEVEL": os.environ.get("TRUNKLINE_LOG_LEVEL", "warning"),
        **datafolder.environment(system.options.data, system.running),
    }


def _parts(system: System, console: Path) -> list[Part]:
    """Everything but nats-server: the node, the adapters in the order of replacing them, the demo's visitor."""
    environment = _environment(system)
    listener = system.listener.fileno()
    node = Part(
        NODE,
        _command("node"),
        {**environment, "TRUNKLINE_NODE_FD": str(listener), "TRUNKLINE_NODE_CONSOLE_DIR": str(console)},
        rank=_FIRST,
        sockets=(listener,),
        reports=True,
        beside={"TRUNKLINE_NODE_TAKES_OVER": "true"},
    )
    adapters = [Part(name, _command("adapter", name), environment, rank=_FIRST, reports=True) for name in ADAPTERS]
    talk = Part(VISITOR, _command("talk", f"ws://{system.address}/ws"), environment, rank=_FIRST)
    return [node, *adapters, *([talk] if system.options.demo else [])]


def _channel(system: System, name: str) -> Part:
    """The adapter of a channel. Without it all others go on: its code may be somebody else's."""
    environment = _environment(system)
    return Part(name, _command("adapter", name), environment, rank=_FIRST, reports=True, is_optional=True)


def _installed() -> set[str]:
    """Names of all channels that are installed now; one that is called as a part of ours is never run."""
    return {point.name for point in entry_points(group=CHANNELS)} - {NODE, VISITOR, NATS, *ADAPTERS}


def _command(*arguments: str) -> tuple[str, ...]:
    """Without -P Python would look for modules in the folder that somebody happens to stand in."""
    return (sys.executable, "-P", "-m", "trunkline", *arguments)


def _begin_init(environment: dict[str, str], *, demo: Path | None) -> subprocess.Popen[bytes]:
    arguments = ["--demo", str(demo)] if demo else []
    return subprocess.Popen(
        _command("init", "--json", *arguments),
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


def _wait_until_ready(system: System) -> None:
    supervisor = system.supervisor
    deadline = time.monotonic() + READY_WITHIN_S
    while not supervisor.is_stopping and not _is_ready(_reachable(system.options.host), _port(system.listener)):
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
