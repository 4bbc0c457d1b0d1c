"""`trunkline nats ...`: users of a nats-server that somebody else starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

_CHANNEL = click.option(
    "--channel", "more", multiple=True, help="A channel that isn't installed here. May be given more than once."
)
_ADAPTER = click.option("--adapter", "others", multiple=True, help="The same of an adapter of another package.")


@click.group()
def command() -> None:
    """Users of NATS, one for each kind of process, for a nats-server of your own. `trunkline up` brings its own.

    The one secret is TRUNKLINE_NATS_PASSWORD (or TRUNKLINE_NATS_PASSWORD_FILE), at least 32 characters: the operator's
    password, from which all others are derived. Keep it from every process.
    """


@command.command("users")
@_CHANNEL
@_ADAPTER
def users(more: tuple[str, ...], others: tuple[str, ...]) -> None:
    """Print nats-users.conf: all users, what each may do, and their passwords. Lies beside nats.conf, mode 0600."""
    from trunkline import nats_users  # noqa: PLC0415  (the other commands don't wait for these)

    channels = tuple(sorted({*nats_users.channels(), *map(_name, more)}))
    adapters = tuple(sorted({*nats_users.adapters(), *map(_name, others)}))
    click.echo(nats_users.configuration(_secret(), channels, adapters), nl=False)


@command.command("credential")
@click.argument("process")
@click.option("--adapter", "is_adapter", is_flag=True, help="It is an adapter of another package, not installed here.")
def credential(process: str, *, is_adapter: bool) -> None:
    """Print the settings by which PROCESS (node, routing, warehouse, a channel's or adapter's name, nats) signs in."""
    from trunkline import nats_run, nats_users  # noqa: PLC0415  (the same)

    if process == nats_run.USER:
        click.echo(f"{nats_run.PASSWORD}={nats_users.credential(_secret(), process).password}")
        return
    others = (process,) if is_adapter else None
    for name, value in nats_users.credential(_secret(), _name(process), others).settings.items():
        click.echo(f"{name}={value}")


@command.command("run")
@click.argument("configuration", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def run(configuration: Path) -> None:
    """Run nats-server by CONFIGURATION (nats.conf or nats-cluster.conf) and watch its disk.

    Takes the variables that the configuration names. Nodes are told what there is room for, once a second, as the user
    of `trunkline nats credential nats`; where a full disk has hurt the store, or where it hangs, the server is started
    again. SIGHUP has it read its configuration again.
    """
    from backbone.errors import SettingError  # noqa: PLC0415  (the other commands don't wait for these)
    from backbone.private import keep_to_ourselves  # noqa: PLC0415
    from trunkline import nats_run  # noqa: PLC0415
    from trunkline.embedded import RefusedStartError, StartError  # noqa: PLC0415

    keep_to_ourselves()
    try:
        sys.exit(nats_run.run(configuration, os.environ))
    except StartError as error:
        _fail(str(error), error.exit_code)
    except SettingError as wrong:
        _fail(wrong.message, RefusedStartError.exit_code)


def _name(text: str) -> str:
    from backbone.errors import TrunklineError  # noqa: PLC0415  (the same)
    from backbone.ids import check_token  # noqa: PLC0415  (the same)

    try:
        return check_token(text, "process")
    except TrunklineError as error:
        _fail(error.message)


def _secret() -> str:
    from backbone.errors import SettingError  # noqa: PLC0415  (the same)
    from backbone.settings import SECRET_MIN, Common, load  # noqa: PLC0415  (the same)

    try:
        common = load(Common)
    except SettingError as error:
        _fail(error.message)
    if common.nats_user not in {"", "trunkline"}:
        _fail(f"TRUNKLINE_NATS_USER is {common.nats_user}: give the operator's password, and no user.")
    if len(common.nats_password) < SECRET_MIN:
        _fail(f"TRUNKLINE_NATS_PASSWORD (or _FILE) must have at least {SECRET_MIN} characters: `openssl rand -hex 32`.")
    return common.nats_password


def _fail(message: str, code: int = 1) -> NoReturn:
    click.echo(f"trunkline nats: {message}", err=True)
    sys.exit(code)
