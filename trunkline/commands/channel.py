"""`trunkline channel ...`: which channels there are, their accounts, and whether these are well."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import click

from trunkline.commands import channel_dead
from trunkline.commands.channel_dead import DATA as _DATA
from trunkline.embedded import StartError


@click.group()
def command() -> None:
    """See the channels there are, connect accounts, look after them."""


command.add_command(channel_dead.dead)
command.add_command(channel_dead.replay)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def list_channels(*, as_json: bool) -> None:
    """List the installed channels, and those that can't be used with the reason."""
    from backbone.accounts.registry import discover  # noqa: PLC0415  (the other commands don't wait for these)

    found = discover()
    if as_json:
        answer = {
            "channels": sorted(found.channels),
            "broken": [{"name": b.name, "problem": b.problem} for b in found.broken],
        }
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for name, channel in sorted(found.channels.items()):
        click.echo(f"{name:<12} {', '.join(sorted(channel.caps.kinds))}")
    for broken in found.broken:
        click.echo(f"{click.style(broken.name, fg='red'):<12} {broken.problem}")


@command.command("schema")
@click.argument("name")
def schema(name: str) -> None:
    """Print the JSON schema of an account's settings on channel NAME."""
    import msgspec  # noqa: PLC0415  (the same)

    click.echo(json.dumps(msgspec.json.schema(_channel(name).Account), indent=2, ensure_ascii=False))


@command.command("add")
@click.argument("name")
@click.option("--inbox", required=True, help="Id of the new inbox, unique in the whole system.")
@click.option("--label", default="", help="Its name for agents. [default: the id]")
@click.option("--tenant", default="main", show_default=True)
@click.option(
    "--settings",
    type=click.File("r"),
    required=True,
    help="File of the account's settings as JSON; - for standard input. See `trunkline channel schema NAME`.",
)
@_DATA
def add(name: str, *, inbox: str, label: str, tenant: str, settings: Any, data: Path | None) -> None:
    """Connect an account of channel NAME as an inbox; an inbox that is there gets new settings."""
    from backbone import directory  # noqa: PLC0415  (the same)
    from backbone.accounts.accounts import seal_settings  # noqa: PLC0415  (the same)
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from backbone.sealing import Sealer  # noqa: PLC0415  (the same)
    from trunkline.connect import common_settings, connected  # noqa: PLC0415  (the same)

    async def work() -> bool:
        common = common_settings(data)
        values = json.loads(settings.read())
        sealed = seal_settings(channel, Sealer(common.secrets()), tenant, inbox, values)
        wanted = directory.Inbox(id=inbox, channel=name, name=label or inbox, settings=sealed)
        async with connected(common, "channel") as link:
            return await directory.connect_inbox(link, tenant, wanted)

    channel = _channel(name)
    try:
        is_new = asyncio.run(work())
    except (TrunklineError, StartError, ValueError) as error:
        click.echo(f"trunkline channel add: {error}", err=True)
        sys.exit(1)
    called = f"; its provider calls /hooks/{name}/{inbox} of a node" if channel.caps.callbacks else ""
    click.echo(f"{'connected' if is_new else 'changed'} {inbox}{called}")


@command.command("accounts")
@click.argument("name")
@click.option("--tenant", default="main", show_default=True)
@_DATA
def accounts(name: str, tenant: str, data: Path | None) -> None:
    """Show the accounts of channel NAME and what is wrong with them."""
    from backbone.asks.accounts import ACCOUNTS, AccountState, Nothing  # noqa: PLC0415  (the same)
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from backbone.nats import rpc  # noqa: PLC0415  (the same)
    from trunkline.connect import common_settings, connected  # noqa: PLC0415  (the same)

    async def work() -> list[AccountState]:
        async with connected(common_settings(data), "channel") as link:
            return await rpc.ask(link, name, tenant, ACCOUNTS, Nothing())

    try:
        found = asyncio.run(work())
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline channel accounts: {error}", err=True)
        sys.exit(1)
    for account in found:
        click.echo(f"{account.inbox:<24} {account.ill or account.failing or 'ok'}")


@command.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the package, made if it isn't there. [default: ./trunkline-NAME]",
)
def new(name: str, into: Path | None) -> None:
    """Write the package of a new channel NAME: protocol, client, simulator, tests. As it is it passes `check`."""
    from trunkline import newchannel, newpackage  # noqa: PLC0415  (the same)

    newpackage.command("channel", name, into, newchannel.write)


@command.command("check")
@click.argument("name")
@click.option(
    "--simulator", default="", help="Class that plays the platform, as module:Class. [default: the channel's]"
)
@click.option(
    "--suite",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Checkout of Trunkline with the suite. [default: the one that this runs from, or the current folder]",
)
@click.option("--long", is_flag=True, help="Also the cases that take minutes.")
@click.option("--only", default="", metavar="WORDS", help="Only cases whose names hold these, such as 14.")
def check(name: str, *, simulator: str, suite: Path | None, long: bool, only: str) -> None:
    """Run every case that a channel must pass against the installed channel NAME and a simulator of its platform.

    The simulator is the entry point NAME of group trunkline.simulators, or tests/simulators/NAME of the checkout.
    Exit code 0 once all pass.
    """
    import subprocess  # noqa: PLC0415  (the same)

    from trunkline import suite as cases  # noqa: PLC0415  (the same)

    _channel(name)
    try:
        found = cases.find(suite)
        cases.need_tools()
    except cases.NoSuiteError as error:
        click.echo(f"trunkline channel check: {error}", err=True)
        sys.exit(1)
    asked = cases.command(found, name, simulator, long=long, only=only)
    sys.exit(subprocess.run(asked, cwd=found, check=False).returncode)


def _channel(name: str) -> Any:
    from backbone.accounts.registry import Broken, find  # noqa: PLC0415  (the same)

    channel = find(name)
    if isinstance(channel, Broken):
        click.echo(f"trunkline channel: {channel.name}: {channel.problem}", err=True)
        sys.exit(1)
    return channel
