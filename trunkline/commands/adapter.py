"""`trunkline adapter NAME`, and `trunkline adapter new|check|list`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from trunkline.adapter_names import names


class _Adapters(click.Group):
    """A command for each adapter that is installed, beside those for writing one; completes, and says what there is."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *names()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name not in names():
            return found
        return click.Command(cmd_name, callback=lambda: _run(cmd_name), help=f"Run the adapter {cmd_name}.")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"there is no adapter {args[0]!r}; there are {', '.join(names())}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            known: Sequence[str] = super().list_commands(ctx)
            formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in known])
            formatter.write_dl([(name, "") for name in names()])


@click.group(cls=_Adapters)
def command() -> None:
    """Run an adapter: routing, warehouse, a channel such as telegram, or one of another package. Or write a new one.

    It needs NATS (TRUNKLINE_NATS_URL). With TRUNKLINE_HEALTH_PORT it answers /healthz, /readyz and /metrics.
    Started twice, one works and the other waits to take over; of a channel both work. SIGTERM lets it finish what it
    has begun.
    """


def _run(name: str) -> None:
    from backbone.accounts import registry  # noqa: PLC0415  (not needed by the other commands)
    from backbone.errors import SettingError  # noqa: PLC0415  (the same)
    from backbone.process.service import EXIT_CONFIG  # noqa: PLC0415  (the same)
    from trunkline import adapter_names, extras, strays  # noqa: PLC0415  (the same)

    strays.refuse()
    if name in registry.names():
        from adapters.channels.kit import service  # noqa: PLC0415  (brings all that a channel needs)

        sys.exit(service.main(name))
    try:
        with extras.needed():
            main = adapter_names.load(name)
    except SettingError as missing:
        click.echo(f"trunkline adapter {name}: {missing.message}", err=True)
        sys.exit(EXIT_CONFIG)
    sys.exit(main())


@command.command("list")
def list_adapters() -> None:
    """List the installed adapters, and the package that each is of."""
    from trunkline.adapter_names import installed  # noqa: PLC0415  (the other commands don't wait for these)

    for name, point in sorted(installed().items()):
        package = point.dist.name if point.dist else "?"
        click.echo(f"{name:<12} {package}")


_INTO: Final = "Folder of the package, made if it isn't there. [default: ./trunkline-NAME]"


@command.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), help=_INTO)
def new(name: str, into: Path | None) -> None:
    """Write the package of a new adapter NAME: settings, main, tests. As it is it counts messages by tenant."""
    from trunkline import newadapter, newpackage  # noqa: PLC0415  (the same)

    newpackage.command("adapter", name, into, newadapter.write)


@command.command("check")
@click.argument("name")
@click.option(
    "--suite",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Checkout of Trunkline with the suite. [default: the one that this runs from, or the current folder]",
)
@click.option("--only", default="", metavar="WORDS", help="Only cases whose names hold these, such as rolled_back.")
def check(name: str, *, suite: Path | None, only: str) -> None:
    """Break the installed adapter NAME on purpose: kills, redelivery, a log put back, events that are none.

    Exit code 0 once it has made the same of the log each time as one that read it undisturbed.
    """
    import subprocess  # noqa: PLC0415  (the same)

    from trunkline import adapter_names  # noqa: PLC0415  (the same)
    from trunkline import suite as cases  # noqa: PLC0415  (the same)

    if name not in adapter_names.others():
        there = ", ".join(adapter_names.others()) or "none"
        click.echo(f"trunkline adapter check: no package has an adapter {name!r}; there are {there}.", err=True)
        sys.exit(1)
    try:
        found = cases.find(suite)
        cases.need_tools()
    except cases.NoSuiteError as error:
        click.echo(f"trunkline adapter check: {error}", err=True)
        sys.exit(1)
    asked = cases.command_of_adapter(found, name, only=only)
    sys.exit(subprocess.run(asked, cwd=found, check=False).returncode)
