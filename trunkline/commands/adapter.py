"""`trunkline adapter NAME`."""

import importlib
import sys
from pathlib import Path

import click
import click.shell_completion


def names() -> list[str]:
    """The adapters that this installation has: every folder of `adapters` with a `main.py`."""
    import adapters  # noqa: PLC0415  (not needed by the other commands)

    folders = (Path(folder) for folder in adapters.__path__)
    return sorted(main.parent.name for folder in folders for main in folder.glob("*/main.py"))


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
    """Run the adapter NAME: routing or warehouse.

    It needs NATS (TRUNKLINE_NATS_URL). With TRUNKLINE_HEALTH_PORT it answers /healthz, /readyz and /metrics.
    Started twice, one works and the other waits to take over. SIGTERM lets it finish what it has begun.
    """
    sys.exit(importlib.import_module(f"adapters.{name}.main").main())
