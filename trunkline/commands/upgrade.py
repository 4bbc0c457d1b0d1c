"""`trunkline upgrade`."""

import json
import sys
from pathlib import Path

import click

from trunkline import datafolder
from trunkline.embedded import StartError


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=datafolder.DEFAULT,
    show_default=True,
    envvar="TRUNKLINE_DATA",
    help="Folder of the `trunkline up` to upgrade.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object a line, one for each step.")
def command(data: Path, *, as_json: bool) -> None:
    """Replace a running `trunkline up` and its processes by this version, without an unserved moment.

    Install the new version first, then run this with it. Each process starts beside the one it follows; if it doesn't
    become ready, the old one goes on, and the exit code is 1. nats-server isn't replaced. As root it works as the
    user whose folder DATA is.
    """
    from trunkline.progress import as_owner, ask  # noqa: PLC0415  (not needed by the other commands)

    is_done = False
    try:
        # Before anything is read there: what it says is its user's word.
        here = as_owner(data)
        for step in ask(here, datafolder.need_running(here, data)):
            is_done = step["state"] == "done"
            click.echo(json.dumps(step, ensure_ascii=False) if as_json else _line(step))
    except StartError as error:
        click.echo(f"trunkline upgrade: {error}", err=True)
        sys.exit(1)
    sys.exit(0 if is_done else 1)


def _line(step: dict[str, str]) -> str:
    return f"{step['part'] + ': ' if step['part'] else ''}{step['text']}"
