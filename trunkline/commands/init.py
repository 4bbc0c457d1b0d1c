"""`trunkline init`."""

import asyncio
import os
import sys
from pathlib import Path

import click

from trunkline.embedded import RefusedStartError, StartError


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to work on. [default: the settings, or ./data if that runs]",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@click.option("--demo", type=click.Path(path_type=Path, dir_okay=False), hidden=True)
def command(data: Path | None, demo: Path | None, *, as_json: bool) -> None:
    """Make streams, buckets, the tenant `main`, its inbox `web` and an admin. Safe to repeat.

    TRUNKLINE_ADMIN_EMAIL and TRUNKLINE_ADMIN_PASSWORD make the first admin. Without them, and while there is none,
    init prints the secret of a link that lets one person become it.
    """
    import msgspec  # noqa: PLC0415  (the other commands don't wait for these)

    from backbone.errors import SettingError, TrunklineError  # noqa: PLC0415
    from backbone.private import keep_to_ourselves  # noqa: PLC0415
    from trunkline import strays  # noqa: PLC0415
    from trunkline.connect import common_settings, connected  # noqa: PLC0415
    from trunkline.prepare import Prepared, demo_logins, prepare  # noqa: PLC0415

    strays.refuse()

    async def work() -> Prepared:
        common = common_settings(data)
        async with connected(common, "init") as link:
            return await prepare(link, common, email=email, password=password, demo=logins)

    keep_to_ourselves()
    email, password = (os.environ.pop(f"TRUNKLINE_ADMIN_{name}", "") for name in ("EMAIL", "PASSWORD"))
    logins = demo_logins(demo) if demo else None
    try:
        prepared = asyncio.run(work())
    except (TrunklineError, StartError) as error:
        click.echo(f"trunkline init: {error}", err=True)
        sys.exit(RefusedStartError.exit_code if isinstance(error, SettingError) else 1)
    if as_json:
        click.echo(msgspec.json.encode(prepared))
        return
    click.echo(f"made: {', '.join(prepared.made)}" if prepared.made else "all streams and buckets were there")
    if prepared.admin:
        click.echo(f"admin: {prepared.admin}")
    else:
        click.echo(f"no admin yet: open /#/join/{prepared.invitation} on any node within 24 hours (works once)")
