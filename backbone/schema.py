"""The schema of stored data: a number that each stream and bucket, and the data folder of `trunkline up`, carries.

A stream has it in its metadata (`schema`), with the release that raised it (`release`); `streams.ensure` writes both.
The number is raised only by a release whose data an earlier one would misread or overwrite: fields and types that are
added don't raise it, so that neighbouring versions work side by side. The warehouse's tables have numbers of their own
(`schema_migrations`). Pure; the standard library alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Final

from backbone.errors import UnfitError

SCHEMA: Final = 1
"""Of the data that this version writes and reads."""

SCHEMA_KEY: Final = "schema"
RELEASE_KEY: Final = "release"
DIGITS_MOST: Final = 6
RELEASE: Final = version("trunkline")
"""Read once, at import: looking it up reads files."""


class NewerDataError(UnfitError):
    """A newer release wrote the data; nothing was changed."""

    code = "log.newer"


def marks() -> dict[str, str]:
    """The metadata of what this version makes."""
    return {SCHEMA_KEY: str(SCHEMA), RELEASE_KEY: RELEASE}


def schema_of(metadata: Mapping[str, str] | None) -> int:
    """The schema of a stream's data; 0 for one of a release that wrote none, or for a number that isn't one."""
    text = (metadata or {}).get(SCHEMA_KEY, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MOST else 0


def newer(name: str, metadata: Mapping[str, str] | None, known: int = SCHEMA) -> str:
    """Why this version may not touch the stream `name`; empty if it may."""
    schema = schema_of(metadata)
    if schema <= known:
        return ""
    release = " ".join((metadata or {}).get(RELEASE_KEY, "").split())[:40]
    return (
        f"{name} holds data of a newer Trunkline{f' ({release})' if release else ''}: schema {schema}, and this "
        f"version, {RELEASE}, knows {known}. Nothing was changed: start the newer version."
    )


def raised(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    """The metadata of a stream once this version's schema is in force; None where it is already."""
    if schema_of(metadata) >= SCHEMA:
        return None
    return {**(metadata or {}), **marks()}
