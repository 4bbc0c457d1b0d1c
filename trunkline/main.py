"""`trunkline`: the command line. Each command is imported when it is called, so that none waits for another."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click

COMMANDS: Final = {
    "up": "Run the whole system on this machine.",
    "upgrade": "Replace what runs on this machine by this version, while it runs.",
    "node": "Run one node: sockets, REST, the desk and the widget.",
    "adapter": "Run one adapter, such as routing or warehouse.",
    "channel": "See channels, connect accounts, look after them; write and check new ones.",
    "dev": "Tools for writing a channel: play a platform and its customers.",
    "init": "Make streams, buckets, the first tenant and its admin. Safe to repeat.",
    "restore": "Put a copy of the log back.",
    "doctor": "Check a running system and say what to do.",
    "nats": "Users of a nats-server of your own, one for each kind of process.",
    "tenant": "Companies that share the system: add one, list them.",
    "audit": "Who changed which setting, when, and what it was before.",
    "sql": "Ask the warehouse a question in SQL.",
    "version": "Print the version.",
}
"""Every command and its line in the list; each lives in `trunkline/commands/<name>.py`."""


class _Commands(click.Group):
    """Knows the commands by name and imports the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS and cmd_name not in _HIDDEN:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"trunkline.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


_HIDDEN: Final = frozenset({"health", "talk"})
"""Commands that `up` starts and nobody types."""


@click.group(
    cls=_Commands,
    epilog="Settings come from TRUNKLINE_* variables and the TOML file that TRUNKLINE_CONFIG names: docs/settings.md.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def cli() -> None:
    """Customer service over every channel, on one ordered, durable log.

    `trunkline up` runs all of it on this machine; `trunkline up --demo` adds agents and a visitor who talks.
    """


def main() -> None:
    """The entry point of the console script and of `python -m trunkline`."""
    sys.exit(cli(prog_name="trunkline"))
