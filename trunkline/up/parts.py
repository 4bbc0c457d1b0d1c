"""Which processes make a system, and the command line and settings of each."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

from backbone.process import notify
from backbone.settings import Common, load
from trunkline import datafolder, embedded, nats_users
from trunkline.up.child import Part
from trunkline.up.mending import Mending
from trunkline.up.system import Options, System

NODE: Final = "node"
VISITOR: Final = "visitor"
NATS: Final = "nats-server"
HEALTH: Final = "health"
ROUTING: Final = "routing"
ADAPTERS: Final = (ROUTING, "warehouse")
"""In the order in which they are replaced."""

_OURS: Final = frozenset({NODE, VISITOR, NATS, HEALTH, *ADAPTERS})
"""Names of our own parts: a package's channel or adapter that is called so is never run."""

_FIRST, _LATE, _LAST = 0, 5, 9
"""Ranks of stopping: nodes and adapters drain while the log still answers; nats-server goes last."""


def start_nats(options: Options) -> embedded.Server:
    """Start nats-server on a free port; returns once it listens. Raises StartError."""
    data = options.data
    return embedded.start(
        store=(data / "nats").absolute(),
        password=datafolder.secret(data, "nats").read_text(),
        sync=embedded.SYNC_OF_PROFILE[options.profile],
        log=(data / "nats.log").absolute(),
    )


def nats(system: System) -> Part:
    """nats-server, which every restart puts on the port that it had."""
    data = system.options.data
    store = (data / "nats").absolute()
    settings = embedded.environment(
        store=store,
        sync=embedded.SYNC_OF_PROFILE[system.options.profile],
        port=system.nats_port,
    )
    program = embedded.command(embedded.configured_in(store), "--log", str((data / "nats.log").absolute()))
    return Part(NATS, program, embedded.bare(os.environ) | settings, rank=_LAST)


def mending(system: System) -> Mending:
    """What watches over nats-server."""
    data, marks = system.options.data, load(Common).disk_marks()
    return Mending((data / "nats").absolute(), (data / "nats.log").absolute(), ("127.0.0.1", system.nats_port), marks)


def let_in(system: System) -> None:
    """Have nats-server know the users of this version, and of all channels that are installed now."""
    data = system.options.data
    folder = embedded.configured_in((data / "nats").absolute())
    is_changed = embedded.configure(folder, datafolder.secret(data, "nats").read_text())
    if is_changed and system.has_users:
        for child in system.supervisor.children:
            if child.part.name == NATS and child.process is not None:
                child.process.send_signal(signal.SIGHUP)


def all_but_nats(system: System, console: Path) -> list[Part]:
    """Everything but nats-server: the node, the adapters in the order of replacing them (those of other packages last),
    the demo's visitor.
    """
    settings = environment(system, NODE)
    listener = system.listener.fileno()
    node = Part(
        NODE,
        command("node"),
        {
            **settings,
            "TRUNKLINE_NODE_FD": str(listener),
            "TRUNKLINE_NODE_CONSOLE_DIR": str(console),
            **({"TRUNKLINE_NODE_DEMO": "true"} if system.options.demo else {}),
        },
        rank=_FIRST,
        sockets=(listener,),
        reports=True,
        beside={"TRUNKLINE_NODE_TAKES_OVER": "true"},
    )
    # The warehouse signs and opens nothing.
    without = {"warehouse": ("TRUNKLINE_SECRET", "TRUNKLINE_OLD_SECRETS")}
    adapters = [
        Part(
            name,
            command("adapter", name),
            _less(environment(system, name), without.get(name, ())),
            rank=_FIRST,
            reports=True,
        )
        for name in ADAPTERS
    ]
    adapters += [_others(system, name) for name in nats_users.adapters() if name not in _OURS]
    # It is a visitor: it knows the node's address and none of our secrets.
    talk = Part(VISITOR, command("talk", f"ws://{system.address}/ws"), embedded.bare(os.environ), rank=_FIRST)
    return [node, *adapters, *([talk] if system.options.demo else [])]


def health(system: System) -> list[Part]:
    """What gathers health and metrics of all the others, where a port is named for them.

    It is one process for the whole machine: each child would want that port for itself, and one that hangs must not be
    who answers. It signs in to NATS as a user that may read what the server says of itself, and nothing else.
    """
    if system.health is None:
        return []
    data, listener = system.options.data, system.health.fileno()
    secret = datafolder.secret(data, "nats").read_text()
    settings = {
        **embedded.bare(os.environ),
        **{name: value for name, value in os.environ.items() if name.startswith(("TRUNKLINE_LOG_", "TRUNKLINE_HUNG_"))},
        "TRUNKLINE_NATS_URL": f"nats://127.0.0.1:{system.nats_port}",
        "TRUNKLINE_NATS_USER": nats_users.METRICS,
        "TRUNKLINE_NATS_PASSWORD": nats_users.password(secret, nats_users.METRICS),
    }
    program = command("health", "--fd", str(listener), "--data", str(data.absolute()))
    return [Part(HEALTH, program, settings, rank=_LATE, sockets=(listener,), reports=True, hears=True)]


def channel(system: System, name: str) -> Part:
    """The adapter of a channel. Without it all others go on: its code may be somebody else's."""
    return _others(system, name)


def _others(system: System, name: str) -> Part:
    settings = environment(system, name)
    return Part(name, command("adapter", name), settings, rank=_FIRST, reports=True, is_optional=True)


def installed() -> set[str]:
    """Names of all channels that are installed now, but for those that are called as a part of ours."""
    return set(nats_users.channels()) - _OURS


def environment(system: System, process: str = "") -> dict[str, str]:
    """The settings that join our processes: those of one of them, or the operator's.

    A nats-server that an earlier version started knows one user only, until it is started again.
    """
    data = system.options.data
    joined = {
        **{n: v for n, v in os.environ.items() if not n.startswith("TRUNKLINE_NATS_") and n not in notify.NAMES},
        "TRUNKLINE_LOG_LEVEL": os.environ.get("TRUNKLINE_LOG_LEVEL", "warning"),
        **datafolder.environment(data, system.running),
        "TRUNKLINE_LOG_DIR": str((data / "nats").absolute()),
        # The port that the operator named is the machine's: each child takes a free one and tells us which.
        "TRUNKLINE_HEALTH_HOST": "127.0.0.1",
        "TRUNKLINE_HEALTH_PORT": "-1" if system.health else "0",
    }
    if system.is_first:
        joined["TRUNKLINE_FIRST"] = "true"
    if process and system.has_users:
        del joined["TRUNKLINE_NATS_PASSWORD_FILE"]
        joined |= nats_users.credential(datafolder.secret(data, "nats").read_text(), process).settings
    return joined


def _less(environ: dict[str, str], without: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.removesuffix("_FILE") not in without}


def command(*arguments: str) -> tuple[str, ...]:
    """Without -P Python would look for modules in the folder that somebody happens to stand in."""
    return (sys.executable, "-P", "-m", "trunkline", *arguments)
