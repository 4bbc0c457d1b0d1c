"""The SQL of this room: one file each, in `queries/` what nodes may ask for, in `internal/` what loading needs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from backbone.access import Scope


@cache
def query(name: str) -> str:
    """The text of `queries/<name>.sql`. Each holds `tenant = {tenant:String}`; a test says so."""
    return _text("queries", name)


@cache
def internal(name: str) -> str:
    """The text of `internal/<name>.sql`: reads across tenants, never on a request of one."""
    return _text("internal", name)


SCOPE: Final = "1 /* scope */"
"""In a query: where the condition of who asks comes."""

_OF: Final = {
    "conversations": "{condition}",
    "messages": "conversation IN (SELECT conversation FROM conversations FINAL"
    " WHERE tenant = {{tenant:String}} AND {condition})",
}


def in_scope(name: str, table: str, scope: Scope) -> tuple[str, dict[str, Any]]:
    """`query(name)`, which reads `table`, for a scope; and the parameters of that."""
    text = query(name)
    if scope.is_all:
        return text, {}
    condition, parameters = scope.sql()
    return text.replace(SCOPE, _OF[table].format(condition=condition)), parameters


def _text(folder: str, name: str) -> str:
    return files("adapters.warehouse").joinpath(folder, f"{name}.sql").read_text(encoding="utf-8")
