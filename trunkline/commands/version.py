"""`trunkline version`."""

import platform
from importlib.metadata import version

import click


@click.command()
def command() -> None:
    """Print the versions of Trunkline and of the Python that runs it."""
    click.echo(f"trunkline {version('trunkline')} (Python {platform.python_version()})")
