"""Writes a package of one's own from a template: `trunkline channel new`, `trunkline adapter new`."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

SAMPLE: Final = "sample"
"""What a template calls itself."""

NAME: Final = re.compile(r"[a-z][a-z0-9]{1,30}")


class NewPackageError(Exception):
    """The package can't be written, with the reason."""


def write(template: Path, name: str, into: Path) -> list[Path]:
    """Writes the package `trunkline-<name>` into a new folder; returns its files, in order.

    Raises NewPackageError for a folder with something in it.
    """
    if into.exists() and any(into.iterdir()):
        raise NewPackageError(f"{into} isn't empty; name another folder by --into.")
    written = []
    for source in sorted(path for path in template.rglob("*") if path.suffix in {".py", ".toml", ".md"}):
        target = into / named(str(source.relative_to(template)), name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(named(source.read_text(encoding="utf-8"), name), encoding="utf-8")
        written.append(target)
    return written


def named(text: str, name: str) -> str:
    """A text of a template with the name in place of its own, however it is written."""
    for spelt in (str.lower, str.capitalize, str.upper):
        text = text.replace(spelt(SAMPLE), spelt(name))
    return text


def installing() -> str:
    """The command that installs into this environment: one that `make install` or uv made has no pip of its own."""
    if importlib.util.find_spec("pip"):
        return f"{sys.executable} -m pip install"
    beside = Path(sys.prefix).parent / ".uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(beside) if beside.exists() else "uv")
    return f"{uv} pip install --python {sys.executable}"


def command(kind: str, name: str, into: Path | None, writes: Callable[[str, Path], list[Path]]) -> None:
    """What `trunkline <kind> new` does: writes the package, names its files and what to do next, or says why not."""
    folder = into or Path(f"trunkline-{name}")
    try:
        written = writes(name, folder)
    except (NewPackageError, OSError) as error:
        click.echo(f"trunkline {kind} new: {error}", err=True)
        sys.exit(1)
    for file in written:
        click.echo(file)
    click.echo(f"\nNext: {installing()} --editable {folder}; trunkline {kind} check {name}")
