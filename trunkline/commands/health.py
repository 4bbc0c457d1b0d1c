"""`trunkline health`: health and metrics of all processes of a machine, started by `trunkline up`."""

from pathlib import Path

import click


@click.command(hidden=True)
@click.option("--fd", "descriptor", type=int, required=True)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True)
def command(descriptor: int, data: Path) -> None:
    """Answer on the listening socket DESCRIPTOR until stopped."""
    from trunkline.gathering.main import main  # noqa: PLC0415  (not needed by the other commands)

    main(descriptor, data)
