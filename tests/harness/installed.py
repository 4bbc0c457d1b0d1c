"""Installs a package of a folder beside what is installed, for one test: built as anybody builds it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def install(folder: Path, target: Path) -> dict[str, str]:
    """Builds the package and installs it into `target`; the environment in which processes find it."""
    command = [str(ROOT / ".ci" / "uv"), "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(folder)]
    made = subprocess.run(
        [*command, "--python", sys.executable], capture_output=True, text=True, timeout=120, check=False
    )
    assert made.returncode == 0, made.stderr
    return {"PYTHONPATH": str(target)}


def hidden(environment: Mapping[str, str]) -> None:
    """This process finds it no more: another test may count what is installed."""
    for place in environment.get("PYTHONPATH", "").split(os.pathsep):
        if place in sys.path:
            sys.path.remove(place)
    importlib.invalidate_caches()


def visible(environment: Mapping[str, str]) -> None:
    """Lets this process find it too."""
    for place in environment.get("PYTHONPATH", "").split(os.pathsep):
        if place and place not in sys.path:
            sys.path.append(place)
    importlib.invalidate_caches()
