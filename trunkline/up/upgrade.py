"""An upgrade, from both sides: the program that leaves its process to newer code, and the one that follows it there.

The first looks whether the new code can go on, writes the handover and executes it. The second keeps the children that
run, then replaces them one by one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from trunkline import datafolder, progress
from trunkline.embedded import StartError
from trunkline.up import handover, initialise, parts, replace
from trunkline.up.child import Adopted, Part
from trunkline.up.supervisor import STOPPING, Supervisor
from trunkline.up.system import READY_WITHIN_S, System, note_ready


def hand_over(system: System) -> None:
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
    """Write the handover; a child tells whole lines, so that what it told is either in it or still in its pipe."""
    options = system.options
    for child in system.supervisor.children:
        child.listen()
    children = tuple(
        handover.Running(child.part.name, child.process.pid, child.failures, child.report, child.words, child.restarts)
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
            nats_users=system.has_users,
            health=system.health.fileno() if system.health else -1,
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
    """Become `command`: same process, same children and their pipes, same lock and socket. Raises OSError."""
    pipes = [child.report for child in system.supervisor.children if child.report is not None]
    health = [system.health.fileno()] if system.health else []
    kept = (system.lock, system.listener.fileno(), *health, *pipes)
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


def adopt(system: System, console: Path, children: tuple[handover.Running, ...]) -> None:
    """Keep what runs, by the parts of this version; a child that is no part of it any more is ended."""
    supervisor = system.supervisor
    all_parts = (parts.nats(system), *parts.health(system), *parts.all_but_nats(system, console))
    ours = {part.name: part for part in all_parts}
    installed = parts.installed()
    for running in children:
        part = parts.channel(system, running.name) if running.name in installed else ours.get(running.name)
        known = part or Part(running.name, (), {})
        child = supervisor.add(known, adopt=Adopted(running.pid))
        child.failures, child.restarts = running.failures, running.restarts
        child.go_on_listening(running.report, running.words)
        if part is None:
            supervisor.end(child)
    parts.let_in(system)


def replace_all(system: System, console: Path, tell: progress.Teller) -> None:
    """Streams and tables first, then adapters, nodes last; what can't be replaced stays as it is."""
    supervisor, data = system.supervisor, system.options.data
    problem = ""
    began = time.monotonic()
    datafolder.say_running(data, system.running)
    tell.step("", "executed", f"Trunkline {version('trunkline')} has taken over the processes that run")
    try:
        _init_again(system, tell)
        node, *others = parts.all_but_nats(system, console)
        running = {child.part.name for child in supervisor.children}
        channels = [parts.channel(system, name) for name in sorted(parts.installed() & running)]
        for part in (*parts.health(system), *others, *channels, node):
            _refuse_others(system)
            try:
                replace.replace(supervisor, part, tell)
            except replace.UpgradeError as error:
                if not part.is_optional or supervisor.is_stopping:
                    raise
                tell.step(part.name, "kept", str(error))
        note_ready(data)
        tell.step(parts.NATS, "kept", "not replaced; its own version changes when `up` is started again")
        if not system.has_users:
            tell.step(parts.NATS, "kept", "all processes share one user of it until `up` is started again")
        tell.step("", "replaced", f"everything is replaced, in {time.monotonic() - began:.1f} s")
    except (replace.UpgradeError, StartError, OSError) as error:
        problem = str(error)
    _refuse_others(system)
    tell.end(problem, version("trunkline"))


def _init_again(system: System, tell: progress.Teller) -> None:
    tell.step("init", "starting", "streams, buckets and tables of this version")
    init = initialise.begin(parts.environment(system), demo=None)
    while init.poll() is None:
        if system.supervisor.is_stopping:
            init.kill()
        system.supervisor.wait(0.05)
    initialise.finish(init)


def _refuse_others(system: System) -> None:
    """One upgrade at a time."""
    if system.supervisor.take_hangup():
        data = system.options.data
        other = progress.Teller(data, progress.take(data).id, system.supervisor.say)
        other.end("another upgrade is under way; wait for its end", version("trunkline"))
