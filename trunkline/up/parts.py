"""Which processes make a system, and the command line and settings of each."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from trunkline import datafolder, embedded
from trunkline.up.child import Part
from trunkline.up.system import Options, System

NODE: Final = "node"
VISITOR: Final = "visitor"
NATS: Final = "nats-server"
ADAPTERS: Final = ("routing", "warehouse")
"""In the order in which they are replaced."""

CHANNELS: Final = "trunkline.channels"
"""Entry points of channels, each of which is an adapter too: it runs while the channel has an account."""

_FIRST, _LAST = 0, 9
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
    settings = embedded.environment(
        store=(data / "nats").absolute(),
        password=datafolder.secret(data, "nats").read_text(),
        sync=embedded.SYNC_OF_PROFILE[system.options.profile],
        port=system.nats_port,
    )
    program = embedded.command("--log", str((data / "nats.log").absolute()))
    return Part(NATS, program, {**os.environ, **settings}, rank=_LAST)


def all_but_nats(system: System, console: Path) -> list[Part]:
    """Everything but nats-server: the node, the adapters in the order of replacing them, the demo's visitor."""
    settings = environment(system)
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
    adapters = [Part(name, command("adapter", name), settings, rank=_FIRST, reports=True) for name in ADAPTERS]
    talk = Part(VISITOR, command("talk", f"ws://{system.address}/ws"), settings, rank=_FIRST)
    return [node, *adapters, *([talk] if system.options.demo else [])]


def channel(system: System, name: str) -> Part:
    """The adapter of a channel. Without it all others go on: its code may be somebody else's."""
    settings = environment(system)
    return Part(name, command("adapter", name), settings, rank=_FIRST, reports=True, is_optional=True)


def installed() -> set[str]:
    """Names of all channels that are installed now; one that is called as a part of ours is never run."""
    return {point.name for point in entry_points(group=CHANNELS)} - {NODE, VISITOR, NATS, *ADAPTERS}


def environment(system: System) -> dict[str, str]:
    """The settings that join our processes."""
    return {
        **os.environ,
        "TRUNKLINE_LOG_LEVEL": os.environ.get("TRUNKLINE_LOG_LEVEL", "warning"),
        **datafolder.environment(system.options.data, system.running),
    }


def command(*arguments: str) -> tuple[str, ...]:
    """Without -P Python would look for modules in the folder that somebody happens to stand in."""
    return (sys.executable, "-P", "-m", "trunkline", *arguments)
