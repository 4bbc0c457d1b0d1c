"""Writes the package of a new adapter: `trunkline/template_adapter`, one that counts messages, under its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline import newpackage, strays
from trunkline.newpackage import NAME, NewPackageError

TEMPLATE: Final = Path(__file__).with_name("template_adapter")
TAKEN: Final = frozenset({"new", "check", "list", "health", "visitor", "log"})
"""Commands, parts of `trunkline up`, and sections of settings."""


def write(name: str, into: Path) -> list[Path]:
    """Writes the package `trunkline-<name>` into a new folder; returns its files, in order.

    Raises NewPackageError for a name that can't be, and for a folder with something in it.
    """
    from trunkline.adapter_names import names  # noqa: PLC0415  (reads what is installed)

    if not NAME.fullmatch(name):
        raise NewPackageError(f"{name!r} can't be an adapter's name: lower-case letters and digits, a letter first.")
    if name in TAKEN or name in names() or strays.begins_a_setting(name):
        raise NewPackageError(f"{name!r} is taken: an adapter, a command or settings are called so. Choose another.")
    return newpackage.write(TEMPLATE, name, into)
