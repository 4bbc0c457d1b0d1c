"""Channels that are packages of their own and are examined with ours; installed for the run where they aren't."""

from __future__ import annotations

import shutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from backbone.accounts.registry import GROUP
from tests.harness.installed import install, visible

EXAMPLES: Final = {"line": Path(__file__).parents[2] / "docs" / "examples" / "line"}
"""Their sources, by channel."""


def installed(channel: str, folder: Path) -> dict[str, str]:
    """Installs an example below `folder` and lets this process find it; the environment in which others do.

    Empty for a channel that is no example, or is there already.
    """
    if channel not in EXAMPLES or entry_points(group=GROUP, name=channel):
        return {}
    # A build writes beside its sources.
    source = shutil.copytree(EXAMPLES[channel], folder / "source" / channel)
    environment = install(source, folder / "installed")
    visible(environment)
    return environment
