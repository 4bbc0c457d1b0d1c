"""`trunkline tenant ...`: the companies that share a system."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from trunkline.embedded import StartError

R = TypeVar("R")

_DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to work on. [default: the settings, or ./data if that runs]",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


@click.group()
def command() -> None:
    """Several companies on one system, each of which sees its own alone."""


@command.command("add")
@click.argument("name")
@click.option("--label", default="", help="Its name for people. [default: NAME]")
@_DATA
@_JSON
def add(name: str, *, label: str, data: Path | None, as_json: bool) -> None:
    """Make tenant NAME (an id: letters, digits, - and _) and print the secret of a link for its first admin.

    Its inbox for the widget has the tenant's id. Run again while it has no admin: another link; the former ends.
    """
    from trunkline.prepare import add_tenant  # noqa: PLC0415  (the other commands don't wait for these)

    made = _with_link(data, lambda link: add_tenant(link, name, label or name))
    if as_json:
        click.echo(json.dumps({"tenant": name, "made": made.made, "invitation": made.invitation}))
        return
    click.echo(f"{'made' if made.made else 'was there:'} {name}")
    if made.invitation:
        click.echo(f"no admin yet: open /#/join/{made.invitation} on any node within 24 hours (works once)")


@command.command("list")
@_DATA
@_JSON
def list_tenants(*, data: Path | None, as_json: bool) -> None:
    """List the tenants there are."""
    from backbone.directory import list_tenants  # noqa: PLC0415  (the same)
    from trunkline import output  # noqa: PLC0415  (the same)

    found = [(one.id, one.name) for one in _with_link(data, list_tenants)]
    click.echo((output.as_json if as_json else output.table)(("tenant", "name"), found))


def _with_link(data: Path | None, work: Callable[[Any], Coroutine[Any, Any, R]]) -> R:
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from trunkline.connect import common_settings, connected  # noqa: PLC0415  (the same)

    async def run() -> R:
        async with connected(common_settings(data), "tenant") as link:
            return await work(link)

    try:
        return asyncio.run(run())
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline tenant: {error}", err=True)
        sys.exit(1)
