"""The life of `trunkline up`: start or follow, keep running, stop."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from backbone import private
from backbone.process import notify
from trunkline import datafolder, progress
from trunkline.embedded import StartError
from trunkline.up import handover, initialise, logmark, machine, parts, upgrade, word
from trunkline.up.banner import banner
from trunkline.up.mending import Mending
from trunkline.up.start import listening, start
from trunkline.up.supervisor import Supervisor
from trunkline.up.system import Options, System, port_of

LOOK_S: Final = 1.0

Say = Callable[[str], None]


def run(options: Options, say: Say, warn: Say) -> None:
    """Run until Ctrl-C or SIGTERM; `say` gets each sentence that is worth telling, `warn` what shouldn't be.

    Raises StartError with what to do when it can't start.
    """
    began = time.monotonic()
    private.keep_to_ourselves()
    secrets = initialise.take_secrets(os.environ)
    asked = machine.asked()
    console = _console()
    with (
        datafolder.locked(options.data, warn) as lock,
        listening(options.host, options.port) as listener,
        machine.health(asked) as health,
    ):
        datafolder.refuse_newer(options.data)
        supervisor = Supervisor(say, warn)
        supervisor.listen()
        supervisor.note = lambda children: word.leave(options.data, children)
        supervisor.note([])
        progress.prepare(options.data)
        with _stopped(supervisor, options.data) as mark:
            system = System(
                options, lock, listener, supervisor, nats_port=0, health=health, public_url=asked.public_url
            )
            prepared, system = start(system, console, secrets)
            if not supervisor.is_stopping:
                # For whoever typed it, and no line of log.
                print(banner(system, prepared, time.monotonic() - began), flush=True)  # noqa: T201
            _watch(system, mark)


def go_on(data: Path, say: Say, warn: Say) -> None:
    """Follow the program that ran in this process before: take its children over and replace them by ours."""
    private.keep_to_ourselves()
    initialise.take_secrets(os.environ)
    asked = machine.asked()
    datafolder.close_to_others(data, warn)
    left = handover.read(data)
    if left.pid != os.getpid():
        raise StartError(f"process {left.pid} left the handover, for itself; this is {os.getpid()}.")
    console = _console()
    with (
        os.fdopen(left.lock),
        socket.socket(fileno=left.listener) as listener,
        machine.health_after(left.health, asked, warn) as health,
    ):
        options = Options(data, left.host, port_of(listener), left.profile, left.demo)
        supervisor = Supervisor(say, warn)
        supervisor.listen()
        supervisor.note = lambda children: word.leave(data, children)
        with _stopped(supervisor, data) as mark:
            system = System(
                options, left.lock, listener, supervisor, left.nats_port, left.nats_users, health, asked.public_url
            )
            upgrade.adopt(system, console, left.children)
            handover.forget(data)
            upgrade.replace_all(system, console, progress.Teller(data, left.request, say))
            _watch(system, mark)


def check(data: Path) -> None:
    """Whether `go_on` could follow what runs on `data` now. Raises StartError; builds the console if it is old."""
    handover.read(data)
    datafolder.refuse_newer(data)
    machine.asked()
    _console()


@contextlib.contextmanager
def _stopped(supervisor: Supervisor, data: Path) -> Iterator[logmark.Mark]:
    """Whatever happens inside: nobody is left behind, and it is known how far the log had come."""
    mark = logmark.Mark(data)
    try:
        yield mark
    finally:
        # From here on no sign of life is expected of us.
        notify.notify(notify.STOPPING)
        supervisor.stop()
        mark.note(_how_far(supervisor))
        datafolder.forget_running(data)


def _watch(system: System, mark: logmark.Mark) -> None:
    """Keep everything running until somebody asks us to stop, or to let newer code go on."""
    supervisor = system.supervisor
    mending = parts.mending(system)
    followed: list[str] | None = None
    notify.notify(notify.READY)
    while not supervisor.is_stopping:
        supervisor.wait(LOOK_S)
        followed = _follow_accounts(system, followed)
        _mend_nats(system, mending)
        mark.note(_how_far(supervisor))
        if supervisor.take_hangup() and not supervisor.is_stopping:
            upgrade.hand_over(system)
    supervisor.say("Stopping.")


def _mend_nats(system: System, mending: Mending) -> None:
    """Start nats-server again where it lives and can't be what it was."""
    supervisor = system.supervisor
    nats = next((c for c in supervisor.children if c.part.name == parts.NATS), None)
    if nats is None or nats.process is None or supervisor.is_stopping:
        return
    stuck_s = max((float(c.words.get("stuck_s") or 0) for c in supervisor.children), default=0.0)
    is_away = any(c.problem.startswith("nats:") for c in supervisor.children)
    if why := mending.look(time.monotonic(), stuck_s=stuck_s, is_away=is_away):
        supervisor.renew(nats, why)


def _follow_accounts(system: System, followed: list[str] | None) -> list[str] | None:
    """Start the adapter of a channel that got its first account, end that of one that lost its last.

    `followed`: the channels that have accounts, as they were followed last; returned as they are now.
    """
    supervisor = system.supervisor
    told = next((c.words.get("channels") for c in supervisor.children if c.part.name == parts.NODE and c.words), None)
    if told is None or told == followed or supervisor.is_stopping:
        return followed
    installed = parts.installed()
    there = {child.part.name: child for child in supervisor.children}
    for name in told:
        if name in installed and name not in there:
            parts.let_in(system)
            supervisor.add(parts.channel(system, name))
    for name in installed & there.keys() - set(told):
        supervisor.end(there[name])
    return list(told)


def _how_far(supervisor: Supervisor) -> Mapping[str, int] | None:
    """How far the log has come, as routing tells it."""
    return next((c.words.get("log") for c in supervisor.children if c.part.name == parts.ROUTING and c.words), None)


def _console() -> Path:
    """The built desk and widget, built now if the sources are newer."""
    from console import build  # noqa: PLC0415  (first the person's mistakes, then our work)

    try:
        return build.ensure()
    except build.BuildError as error:
        raise StartError(str(error)) from error
