"""Writes the package of a new adapter: `trunkline/template_adapter`, one that counts messages, under its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from trunkline import strays
from trunkline.newchannel import NAME, named

TEMPLATE: Final = Path(__file__).with_name("template_adapter")
TAKEN: Final = frozenset({"new", "check", "list", "health", "visitor", "log"})
"""Commands, parts of `trunkline up`, and sections of settings."""


class NewAdapterError(Exception):
    """The package can't be written, with the reason."""


def write(name: str, into: Path) -> list[Path]:
    """Writes the package `trunkline-<name>` into a new folder; returns its files, in order.

    Raises NewAdapterError for a name that can't be, and for a folder with something in it.
    """
    from trunkline.adapter_names import names  # noqa: PLC0415  (reads what is installed)

    if not NAME.fullmatch(name):
        raise NewAdapterError(f"{name!r} can't be an adapter's name: lower-case letters and digits, a letter first.")
    if name in TAKEN or name in names() or strays.begins_a_setting(name):
        raise NewAdapterError(f"{name!r} is taken: an adapter, a command or settings are called so. Choose another.")
    if into.exists() and any(into.iterdir()):
        raise NewAdapterError(f"{into} isn't empty; name another folder by --into.")
    written = []
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.suffix in {".py", ".toml", ".md"}):
        target = into / named(str(source.relative_to(TEMPLATE)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(named(source.read_text(encoding="utf-8"), name), encoding="utf-8")
        written.append(target)
    return written
