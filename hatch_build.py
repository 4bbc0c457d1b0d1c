"""Hatch's build hook: every wheel, sdist and editable install gets a console built from its sources."""

from __future__ import annotations

import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleBuildHook(BuildHookInterface):  # type: ignore[misc]  # hatchling is there in the isolated build only
    """Calls `console.build.ensure()`, which does nothing when `console/dist` is what the sources say."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Build the console before the files of the target are collected."""
        sys.path.insert(0, self.root)
        try:
            from console import build  # noqa: PLC0415  # importable only once the project's root is on the path

            build.ensure()
        finally:
            sys.path.remove(self.root)
