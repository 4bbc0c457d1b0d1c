"""Writes the package of a new channel: `trunkline/template`, a whole channel of a made-up platform, under its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline import newpackage
from trunkline.newpackage import NAME, NewPackageError

TEMPLATE: Final = Path(__file__).with_name("template")


def write(name: str, into: Path) -> list[Path]:
    """Writes the package `trunkline-<name>` into a new folder; returns its files, in order.

    Raises NewPackageError for a name that can't be, and for a folder with something in it.
    """
    if not NAME.fullmatch(name):
        raise NewPackageError(f"{name!r} can't be a channel's name: lower-case letters and digits, a letter first.")
    return newpackage.write(TEMPLATE, name, into)
