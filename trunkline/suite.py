"""Finds the suite that every channel must pass, and the simulators: both are in a checkout of Trunkline, not in the
installed package.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

CASES: Final = Path("tests/conformance")
FOLLOWERS: Final = Path("tests/followers")
SIMULATORS: Final = Path("tests/simulators")
NEEDED: Final = ("pytest", "anyio", "blockbuster", "hypothesis", "pytest_timeout")


class NoSuiteError(Exception):
    """The suite isn't here, or something that it needs; says what to do."""


def find(given: Path | None) -> Path:
    """The checkout with the suite: the one given, else the one this runs from, else the folder somebody stands in.

    Raises NoSuiteError.
    """
    places = [given] if given else [Path(__file__).parents[1], Path.cwd()]
    for place in places:
        if (place / CASES / "rig.py").is_file():
            return place.resolve()
    where = f"isn't in {given}" if given else "isn't part of the installed package"
    raise NoSuiteError(
        f"The suite {where}. Fetch the sources of Trunkline {version('trunkline')}, `make install` there, install the "
        "channel into its .venv, and run this from there; or name the checkout by --suite."
    )


def need_tools() -> None:
    """Raises NoSuiteError where what the suite runs on isn't installed."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise NoSuiteError(
            f"The suite needs {', '.join(missing)}, which {sys.executable} hasn't: `make install` in the checkout of "
            "Trunkline, and run this by its .venv."
        )


def command_of_adapter(suite: Path, name: str, *, only: str) -> list[str]:
    """The command that runs the cases of an adapter that follows the log."""
    return [*_pytest(suite, FOLLOWERS), "--adapter", name, "-m", "", *(["-k", only] if only else [])]


def _pytest(suite: Path, cases: Path) -> list[str]:
    program = (sys.executable, "-m", "pytest", str(suite / cases))
    where = ("--rootdir", str(suite), "-c", str(suite / "pyproject.toml"))
    return [*program, *where, "-p", "no:cacheprovider", "--no-header", "-v"]


def command(suite: Path, name: str, simulator: str, *, long: bool, only: str) -> list[str]:
    """The command that runs the cases of a channel."""
    return [
        *_pytest(suite, CASES),
        *("--channel", name),
        *(["--simulator", simulator] if simulator else []),
        *(["-m", ""] if long else []),
        *(["-k", only] if only else []),
    ]
