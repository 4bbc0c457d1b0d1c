"""`trunkline up`: the whole system on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trunkline.datafolder import DEFAULT
from trunkline.embedded import StartError


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT,
    show_default=True,
    envvar="TRUNKLINE_DATA",
    help="Folder of the log, the warehouse and the secrets.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="Port of the node; 0: a free one."
)
@click.option(
    "--profile",
    type=click.Choice(["synced", "fast"]),
    default="synced",
    show_default=True,
    help="synced: a message counts as sent once it is on the disk. fast: a power cut may cost the last 10 ms.",
)
@click.option("--demo", is_flag=True, help="Add three agents and a visitor who talks.")
@click.option("--go-on", is_flag=True, hidden=True, help="Follow the `up` that ran in this process before.")
@click.option("--check", "only_check", is_flag=True, hidden=True, help="Say only whether --go-on could.")
def command(data: Path, host: str, port: int, profile: str, *, demo: bool, go_on: bool, only_check: bool) -> None:
    """Run the whole system on this machine: log, node, routing, warehouse, and each channel that has an account.

    Prints the addresses and, while there is no admin, a link to become the first one. TRUNKLINE_ADMIN_EMAIL and
    TRUNKLINE_ADMIN_PASSWORD make the first admin without it. Ctrl-C stops everything cleanly.
    """
    # After the options are known to be right.
    from trunkline import strays  # noqa: PLC0415
    from trunkline.up import run as life  # noqa: PLC0415
    from trunkline.up.lines import Lines  # noqa: PLC0415
    from trunkline.up.system import Options  # noqa: PLC0415

    strays.refuse()
    log = Lines()
    try:
        if only_check:
            life.check(data)
        elif go_on:
            life.go_on(data, log.say, log.warn)
        else:
            life.run(Options(data=data, host=host, port=port, profile=profile, demo=demo), log.say, log.warn)
    except StartError as error:
        if only_check:
            # The running `up`, of whatever version, hands on the last line.
            click.echo(f"trunkline up: {error}", err=True)
            sys.exit(1)
        log.fail(f"trunkline up: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        # A folder that isn't ours, a disk that is full: what happened is all that there is to say.
        log.fail(f"trunkline up: {error}")
        sys.exit(1)
