"""Writes the package of a new channel: `trunkline/template`, a whole channel of a made-up platform, under its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("template")
SAMPLE: Final = "sample"
NAME: Final = re.compile(r"[a-z][a-z0-9]{1,30}")


class NewChannelError(Exception):
    """The package can't be written, with the reason."""


def write(name: str, into: Path) -> list[Path]:
    """Writes the package `trunkline-<name>` into a new folder; returns its files, in order.

    Raises NewChannelError for a name that can't be, and for a folder with something in it.
    """
    if not NAME.fullmatch(name):
        raise NewChannelError(f"{name!r} can't be a channel's name: lower-case letters and digits, a letter first.")
    if into.exists() and any(into.iterdir()):
        raise NewChannelError(f"{into} isn't empty; name another folder by --into.")
    written = []
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.suffix in {".py", ".toml", ".md"}):
        target = into / named(str(source.relative_to(TEMPLATE)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(named(source.read_text(encoding="utf-8"), name), encoding="utf-8")
        written.append(target)
    return written


def named(text: str, name: str) -> str:
    """A text of a template with the name of a channel or adapter in place of its own, however it is written."""
    for spelt in (str.lower, str.capitalize, str.upper):
        text = text.replace(spelt(SAMPLE), spelt(name))
    return text
