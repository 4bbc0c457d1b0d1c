"""The SQL of this room: one file each, in `queries/` what nodes may ask for, in `internal/` what loading needs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> str:
    """The text of `queries/<name>.sql`. Each holds `tenant = {tenant:String}`; a test says so."""
    return _text("queries", name)


@cache
def internal(name: str) -> str:
    """The text of `internal/<name>.sql`: reads across tenants, never on a request of one."""
    return _text("internal", name)


def _text(folder: str, name: str) -> str:
    return files("adapters.warehouse").joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")
