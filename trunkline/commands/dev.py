"""`trunkline dev ...`: for people who write channels."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from trunkline import datafolder


@click.group()
def command() -> None:
    """Tools for writing a channel."""


@command.command("simulate")
@click.argument("channel")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the platform. [default: a free one]")
@click.option(
    "--node", metavar="URL", default="", help="Node that callbacks go to. [default: that of ./data, if it runs]"
)
@click.option("--inbox", default="", help="Inbox that callbacks go to. [default: CHANNEL-sim]")
@click.option(
    "--simulator", default="", help="Class that plays the platform, as module:Class. [default: the channel's]"
)
@click.option(
    "--suite",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Checkout of Trunkline with the simulators. [default: the one that this runs from, or the current folder]",
)
def simulate(channel: str, *, port: int, node: str, inbox: str, simulator: str, suite: Path | None) -> None:
    """Play the platform of CHANNEL on this machine, with a page on which you are its customer.

    It says the settings of an account that fits: connect that by `trunkline channel add`, write on the page, and answer
    at the desk. Ctrl-C ends it.
    """
    from trunkline import suite as cases  # noqa: PLC0415  (the other commands don't wait for these)

    try:
        sys.path.insert(0, str(cases.find(suite)))
    except cases.NoSuiteError as error:
        click.echo(f"trunkline dev simulate: {error}", err=True)
        sys.exit(1)
    from tests.conformance.simulators import simulator_of  # noqa: PLC0415  (in the checkout that was just found)

    try:
        made: Any = simulator_of(channel, simulator)
    except (LookupError, ImportError, AttributeError) as error:
        click.echo(f"trunkline dev simulate: {error}", err=True)
        sys.exit(1)
    inbox = inbox or f"{channel}-sim"
    node = node or _running_node()
    made.hook = f"{node.rstrip('/')}/hooks/{channel}/{inbox}" if node else ""
    asyncio.run(_serve(made, channel, inbox, port))


async def _serve(simulator: Any, channel: str, inbox: str, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with simulator.running(port):
        settings = json.dumps(simulator.account(), ensure_ascii=False)
        click.echo(f"The page of a customer: {simulator.base}/")
        click.echo(f"Callbacks go to:        {simulator.hook or 'nowhere: give --node'}")
        click.echo("Run Trunkline with:     TRUNKLINE_OUTSIDE_ALLOW=127.0.0.0/8, since the platform is on this machine")
        click.echo(f"Connect the account:    trunkline channel add {channel} --inbox {inbox} --settings - <<'END'")
        click.echo(f"{settings}\nEND")
        await stopped.wait()


def _running_node() -> str:
    now = datafolder.running(datafolder.DEFAULT)
    return f"http://127.0.0.1:{now.node_port}" if now else ""
