"""`trunkline talk`: the visitors of the demo, started by `trunkline up --demo`."""

import asyncio

import click


@click.command(hidden=True)
@click.argument("url")
@click.option("--inbox", default="web", show_default=True)
def command(url: str, inbox: str) -> None:
    """Let visitors talk to the node at URL (ws://host:port/ws) until stopped."""
    from trunkline.talk import until_told  # noqa: PLC0415  (not needed by the other commands)

    asyncio.run(until_told(url, inbox))
