"""`trunkline sql QUERY`."""

import sys
from pathlib import Path

import click

from trunkline.embedded import StartError


@click.command()
@click.argument("query")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to ask, running or not. [default: the settings, or ./data if that runs]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    help="[default: table in a terminal, csv elsewhere]",
)
def command(query: str, data: Path | None, form: str | None) -> None:
    """Ask the warehouse one question in SQL (QUERY, or - to read it from standard input).

    Only reading is allowed. Tables: events, messages, conversations, loads; see docs/warehouse.md.

    \b
    trunkline sql "SELECT at, actor, text FROM messages FINAL ORDER BY at DESC LIMIT 20"
    """  # noqa: D301  (the backspace is click's mark for a paragraph to keep as it is)
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the other commands don't wait for these)
    from backbone.private import keep_to_ourselves  # noqa: PLC0415
    from trunkline import output  # noqa: PLC0415
    from trunkline.ask import ask  # noqa: PLC0415

    # Without a running adapter the engine writes into its folder, if only a log.
    keep_to_ourselves()
    text = sys.stdin.read() if query == "-" else query
    try:
        found = ask(text, data)
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline sql: {error}", err=True)
        sys.exit(1)
    write = {"table": output.table, "json": output.as_json, "csv": output.as_csv}
    click.echo(write[form or ("table" if sys.stdout.isatty() else "csv")](found.columns, found.rows))
