"""`trunkline audit`."""

import asyncio
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from trunkline.embedded import StartError

COLUMNS: Final = ("at", "tenant", "record", "what", "by", "why", "field", "before", "after")
_SPANS: Final = {"m": 60, "h": 3600, "d": 86_400}


def since_ms(text: str, now: float) -> int:
    """`7d`, `12h`, `30m`, or a date or time (ISO 8601, UTC unless it says otherwise), as UTC ms. Raises ValueError."""
    if not text:
        return 0
    if span := re.fullmatch(r"([0-9]{1,6})([mhd])", text):
        return round((now - int(span[1]) * _SPANS[span[2]]) * 1000)
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def rows(entries: list[Any]) -> list[list[Any]]:
    """A row a field; a removal is one row. Pure."""
    found = []
    for one in entries:
        at = datetime.fromtimestamp(one.at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        by = f"{one.by.kind} {one.by.id} {one.by.name}".rstrip() if one.by else "?"
        head = [at, one.tenant, f"{one.kind} {one.id}", one.what, by, one.why]
        if one.what == "removed":
            found.append([*head, "", "", ""])
        else:
            found += [[*head, each.field, _shown(each.before), _shown(each.after)] for each in one.fields]
    return found


def _shown(value: Any) -> Any:
    return "" if value is None else value


@click.command()
@click.option("--tenant", default="", help="Of one tenant alone. [default: all]")
@click.option("--since", default="7d", show_default=True, help="7d, 12h, 30m, or a date such as 2026-11-01.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="The newest so many.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to ask. [default: the settings, or ./data if that runs]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    help="[default: table in a terminal, csv elsewhere]",
)
def command(*, tenant: str, since: str, limit: int, data: Path | None, form: str | None) -> None:
    """Print who changed which setting, when, and what it was before: tenants, inboxes, agents, teams, roles and more.

    No secret is printed: of a password it says that it became another.
    """
    from backbone.directory import audit  # noqa: PLC0415  (the other commands don't wait for these)
    from backbone.errors import TrunklineError  # noqa: PLC0415
    from trunkline import output  # noqa: PLC0415
    from trunkline.connect import common_settings, connected  # noqa: PLC0415

    async def work() -> list[audit.Entry]:
        async with connected(common_settings(data), "audit") as link:
            return await audit.read(link, audit.Wanted(tenant=tenant, since_ms=begin), limit)

    try:
        begin = since_ms(since, time.time())
    except ValueError:
        click.echo(f"trunkline audit: --since {since!r} is no time; say 7d, 12h, 30m or a date.", err=True)
        sys.exit(2)
    try:
        found = rows(asyncio.run(work()))
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline audit: {error}", err=True)
        sys.exit(1)
    write = {"table": output.table, "json": output.as_json, "csv": output.as_csv}
    click.echo(write[form or ("table" if sys.stdout.isatty() else "csv")](COLUMNS, found))
