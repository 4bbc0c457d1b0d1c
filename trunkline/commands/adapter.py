"""`trunkline adapter NAME`."""

import importlib
import sys

import click
import click.shell_completion

from trunkline.adapter_names import names


class _Name(click.ParamType[str]):
    """The name of an adapter; completes, and says what there is."""

    name = "name"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in names():
            self.fail(f"there is no adapter {value!r}; there are {', '.join(names())}.", param, ctx)
        return value

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        del ctx, param
        return [click.shell_completion.CompletionItem(name) for name in names() if name.startswith(incomplete)]


@click.command()
@click.argument("name", type=_Name())
def command(name: str) -> None:
    """Run the adapter NAME: routing, warehouse or a channel, such as telegram.

    It needs NATS (TRUNKLINE_NATS_URL). With TRUNKLINE_HEALTH_PORT it answers /healthz, /readyz and /metrics.
    Started twice, one works and the other waits to take over; of a channel both work. SIGTERM lets it finish what it
    has begun.
    """
    from backbone.accounts import registry  # noqa: PLC0415  (not needed by the other commands)
    from backbone.errors import SettingError  # noqa: PLC0415  (the same)
    from backbone.process.service import EXIT_CONFIG  # noqa: PLC0415  (the same)
    from trunkline import extras, strays  # noqa: PLC0415  (the same)

    strays.refuse()
    if name in registry.names():
        from adapters.channels.kit import service  # noqa: PLC0415  (brings all that a channel needs)

        sys.exit(service.main(name))
    try:
        with extras.needed():
            module = importlib.import_module(f"adapters.{name}.main")
    except SettingError as missing:
        click.echo(f"trunkline adapter {name}: {missing.message}", err=True)
        sys.exit(EXIT_CONFIG)
    sys.exit(module.main())
