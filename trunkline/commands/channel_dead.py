"""`trunkline channel dead` and `replay`: messages that were given up, and sending them after all."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from trunkline.embedded import StartError

DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to work on. [default: the settings, or ./data if that runs]",
)
TEXT_SHOWN = 40


@click.command("dead")
@click.argument("name")
@click.option("--tenant", default="main", show_default=True)
@click.option("--after", default=0, show_default=True, help="Only letters of a higher number; 1,000 are shown at once.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each.")
@DATA
def dead(name: str, *, tenant: str, after: int, as_json: bool, data: Path | None) -> None:
    """List what channel NAME gave up, oldest first, with the reason: number, time, conversation, text."""
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from backbone.nats.dead import Letter, letters  # noqa: PLC0415  (the other commands don't wait for these)
    from trunkline.connect import common_settings, connected  # noqa: PLC0415  (the same)

    async def work() -> list[Letter]:
        async with connected(common_settings(data), "channel") as link:
            return await letters(link, tenant, name, after)

    try:
        found = asyncio.run(work())
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline channel dead: {error}", err=True)
        sys.exit(1)
    for letter in found:
        told = _told(letter)
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False))
        else:
            at = f"{datetime.fromtimestamp(letter.at_ms / 1000, UTC):%Y-%m-%d %H:%M:%SZ}"
            text = told["text"] if len(told["text"]) <= TEXT_SHOWN else told["text"][: TEXT_SHOWN - 1] + "…"
            click.echo(f"{letter.number:>6}  {at}  {told['conversation']}  {json.dumps(text, ensure_ascii=False)}")
            click.echo(f"        {letter.reason}")
    if not found and not as_json:
        click.echo("none")


@click.command("replay")
@click.argument("name")
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "is_all", is_flag=True, help="Each that there is now.")
@click.option("--tenant", default="main", show_default=True)
@DATA
def replay(name: str, numbers: tuple[int, ...], *, is_all: bool, tenant: str, data: Path | None) -> None:
    """Send what channel NAME gave up after all, by the NUMBERS that `trunkline channel dead` tells."""
    from adapters.channels.kit import replay as replaying  # noqa: PLC0415  (the same)
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from backbone.nats.dead import Letter, letter, letters  # noqa: PLC0415  (the same)
    from trunkline.connect import common_settings, connected  # noqa: PLC0415  (the same)

    async def work() -> int:
        missed = 0
        async with connected(common_settings(data), "channel") as link:
            wanted: dict[int, Letter | None] = {number: await letter(link, tenant, name, number) for number in numbers}
            if is_all:
                wanted = {one.number: one for one in await letters(link, tenant, name)}
            for number, one in wanted.items():
                if one is None:
                    click.echo(f"{number}: there is no such letter of {name}", err=True)
                    missed += 1
                    continue
                try:
                    is_wanted = await replaying.replay(link, one)
                except ValueError as error:
                    click.echo(f"{error}", err=True)
                    missed += 1
                else:
                    click.echo(f"{number}: {'goes out again' if is_wanted else 'was sent meanwhile'}")
        return missed

    if is_all == bool(numbers):
        raise click.UsageError("Name numbers, or --all.")
    try:
        missed = asyncio.run(work())
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline channel replay: {error}", err=True)
        sys.exit(1)
    sys.exit(1 if missed else 0)


def _told(letter: Any) -> dict[str, Any]:
    """A letter as JSON."""
    from backbone.decide import is_readable, parse_tolerant  # noqa: PLC0415  (the same)

    event = parse_tolerant(letter.raw) if is_readable(letter.raw) else None
    return {
        "number": letter.number,
        "at": letter.at_ms,
        "reason": letter.reason,
        "tries": letter.attempts,
        "conversation": getattr(event, "conv", ""),
        "event": getattr(event, "id", ""),
        "text": getattr(event, "text", ""),
    }
