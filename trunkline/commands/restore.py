"""`trunkline restore`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trunkline.datafolder import DEFAULT
from trunkline.embedded import StartError


@click.command()
@click.argument("copy", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=True,
    envvar="TRUNKLINE_DATA",
    help="Folder of `trunkline up` to restore into; nothing may run on it.",
)
@click.option("--begin-epochs", is_flag=True, help="The log was put back by other means: have everybody look again.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def command(copy: Path | None, data: Path, *, begin_epochs: bool, yes: bool) -> None:
    """Put COPY, a copy of DATA/nats or of the whole data folder, in place of the log of DATA.

    The copy is tried first; the log that was there is kept beside it (nats.replaced-...). What the copy lacks is lost
    to everybody, and everybody is told: clients go on from the copy's end, the warehouse sets the lost events aside.

    With --begin-epochs and no COPY, for a nats-server of your own whose streams you have put back while it ran
    (`nats stream restore`): stop Trunkline's processes, restore, run this with their settings, start them.
    """
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the other commands don't wait for these)
    from backbone.private import keep_to_ourselves  # noqa: PLC0415
    from trunkline import restoring  # noqa: PLC0415

    keep_to_ourselves()
    if begin_epochs == (copy is not None):
        raise click.UsageError("Give COPY, or --begin-epochs.")
    try:
        if copy is None:
            _begin_epochs()
            return
        restoring.store_in(copy)
        if not yes and (data / "nats").exists():
            click.confirm(f"Replace the log in {data / 'nats'} by that in {copy}? It is kept beside it.", abort=True)
        done = restoring.restore(copy, data, click.echo)
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline restore: {error}", err=True)
        sys.exit(1)
    click.echo(f"The log has {done.events:,} events now.")
    if done.lost:
        click.echo(f"It lacks {done.lost:,} of those that were there.")
    if done.kept:
        click.echo(f"What was there is in {done.kept}: delete it once all is well.")
    if done.sealed_by_another:
        click.echo(
            "The copy was made under another signing secret: set TRUNKLINE_OLD_SECRETS to the text of its "
            "secret/signing, or its channels' settings can't be opened."
        )
    click.echo(f"Start it: trunkline up --data {data}")


def _begin_epochs() -> None:
    import asyncio  # noqa: PLC0415

    from trunkline import restoring  # noqa: PLC0415
    from trunkline.connect import common_settings  # noqa: PLC0415

    count = asyncio.run(restoring.begin_epochs(common_settings(None)))
    click.echo(f"An epoch begins at the end of {count} streams.")
