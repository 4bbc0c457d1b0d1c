"""`trunkline doctor`."""

import asyncio
import json
import sys
from pathlib import Path

import click

from trunkline import datafolder
from trunkline.embedded import StartError

_MARKS = {"ok": ("ok", "green"), "warning": ("look", "yellow"), "wrong": ("WRONG", "red")}


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the `trunkline up` to look at. [default: the settings, or ./data if that runs]",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def command(data: Path | None, *, as_json: bool) -> None:
    """Check a running system and say what to do.

    Looks at NATS, streams and buckets, durability, disks, clocks, all processes and their machines, adapters, what was
    given up, channels and their accounts, the built console and the node. Exit code 1 if something is wrong.
    """
    import msgspec  # noqa: PLC0415  (the other commands don't wait for these)

    from backbone.errors import SettingError  # noqa: PLC0415
    from trunkline.connect import common_settings  # noqa: PLC0415
    from trunkline.doctor import examine  # noqa: PLC0415
    from trunkline.doctor.findings import Check  # noqa: PLC0415

    async def work() -> list[Check]:
        found: list[Check] = []
        async for check in examine(common, folder if now else None, now):
            found.append(check)
            if not as_json:
                _print(check.name, check.state, check.detail, check.todo)
        return found

    folder = data or datafolder.DEFAULT
    try:
        now = datafolder.running(folder)
        common = common_settings(data)
    except (SettingError, StartError) as error:
        click.echo(f"trunkline doctor: {error}", err=True)
        sys.exit(1)
    found = asyncio.run(work())
    is_well = all(check.state != "wrong" for check in found)
    counts = {state: sum(check.state == state for check in found) for state in _MARKS}
    if as_json:
        answer = {"ok": is_well, "counts": counts, "checks": msgspec.to_builtins(found)}
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(f"{counts['wrong']} wrong, {counts['warning']} to look at, {counts['ok']} well")
    sys.exit(0 if is_well else 1)


def _print(name: str, state: str, detail: str, todo: str) -> None:
    mark, colour = _MARKS[state]
    click.echo(f"{click.style(f'{mark:<5}', fg=colour)} {name:<11} {detail}")
    if todo:
        click.echo(f"{'':<17} {click.style(todo, bold=True)}")
