"""`trunkline sql`: one reading statement of the operator's, of any tenant, checked before it runs.

The engine's `readonly` isn't enough: with it, chDB 26.9 still reads any file by the scalar function
`file`, writes one by INTO OUTFILE and runs several statements in a row. So the engine's own parser is asked
what the text is: first one statement and no more, then its syntax tree, in which only known parts and the functions of
functions.py may stand, and only the text that was formatted from that tree is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from msgspec import Struct

from adapters.warehouse.asking.functions import is_allowed
from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.clickhouse.server import is_away
from backbone.asks.operator import SqlRequest, Table
from backbone.errors import InvalidInputError

STATEMENTS: Final = (
    "SelectWithUnionQuery",
    "SelectIntersectExceptQuery",
    "ShowTables",
    "ShowColumns",
    "ShowCreateTableQuery",
    "ShowCreateViewQuery",
    "DescribeQuery",
    "Explain",
)
"""Roots of syntax trees that only read."""

NODES: Final = frozenset(
    {
        *STATEMENTS,
        "ArrayJoin",
        "Asterisk",
        "ColumnsExceptTransformer",
        "ColumnsListMatcher",
        "ColumnsRegexpMatcher",
        "ColumnsReplaceTransformer",
        "ColumnsReplaceTransformer::Replacement",
        "ColumnsTransformerList",
        "ExpressionList",
        "Function",
        "Identifier",
        "InterpolateElement",
        "Literal",
        "OrderByElement",
        "QualifiedAsterisk",
        "QualifiedColumnsListMatcher",
        "QualifiedColumnsRegexpMatcher",
        "SampleRatio",
        "SelectQuery",
        "Subquery",
        "TableExpression",
        "TableIdentifier",
        "TableJoin",
        "TablesInSelectQuery",
        "TablesInSelectQueryElement",
        "WindowDefinition",
        "WindowListElement",
        "WithElement",
    }
)
"""Parts of a syntax tree of which `EXPLAIN AST` shows everything that is in them."""

_APPLY: Final = re.compile(r"\bAPPLY\b[\s(]*([^\s(),]*)(?:\s*->\s*([^\s(),]*))?", re.IGNORECASE)


class _Column(Struct):
    name: str
    type: str


class _Compact(Struct):
    meta: list[_Column]
    data: list[list[Any]]


_decode = msgspec.json.Decoder(_Compact).decode


def answer(client: Client, request: SqlRequest, as_of: int) -> Table:
    """Runs the statement on a reader. Raises InvalidInputError `sql.*` that says what isn't allowed or wrong."""
    try:
        text = checked(client, request.query)
        result = _decode(client.raw_query(text, fmt="JSONCompact"))
    except DatabaseError as refused:
        if is_away(refused):
            raise  # the server's trouble, not the question's
        raise InvalidInputError("sql.refused", _short(str(refused)), field="query") from None
    except msgspec.DecodeError:
        # chDB 26.9 writes WITH TOTALS of no rows before its beginning.
        raise InvalidInputError("sql.refused", "The engine's answer can't be read: ask it otherwise.") from None
    names, types = [c.name for c in result.meta], [c.type for c in result.meta]
    return Table(columns=names, types=types, rows=result.data, as_of=as_of)


def checked(client: Client, text: str) -> str:
    """The statement as the engine's parser formats it. Raises InvalidInputError, or DatabaseError for bad syntax."""
    formatted = str(rows(client, "SELECT formatQuery({text:String})", {"text": text.strip().rstrip(";")})[0][0])
    tree = [str(line[0]) for line in client.query(f"EXPLAIN AST {formatted}").result_rows]
    problem = problem_of(tree, formatted, functions_of(client))
    if problem:
        raise InvalidInputError("sql.not_allowed", problem, field="query")
    return formatted


def functions_of(client: Client) -> dict[str, str]:
    """Every function that the engine knows, in lower case, and the one that it is another name of (itself else)."""
    known = rows(client, "SELECT name, alias_to FROM system.functions", {})
    return {str(name).lower(): str(alias or name).lower() for name, alias in known}


def problem_of(tree: list[str], text: str, known: Mapping[str, str]) -> str:
    """Why a statement with this syntax tree (one line a node, one space a level) isn't run; empty if it is.

    A function's name can stand in a call, alone as an argument of `arrayMap` and its like, and behind APPLY, which
    the tree doesn't show. `known`: as of `functions_of`.
    """
    if not tree[0].startswith(STATEMENTS):
        return "Only SELECT, SHOW, DESCRIBE and EXPLAIN are allowed."
    if tree[0].startswith("Show") and "(" in text:
        # Its WHERE is no part of the tree.
        return "SHOW takes no functions: ask system.tables or system.columns by SELECT."
    above = ""
    for line in tree:
        if line == " Set" and tree[0].startswith("Explain"):
            continue  # what EXPLAIN shall show
        if line.startswith(" Literal"):
            return "INTO OUTFILE isn't allowed; the answer is printed."
        problem = _problem_of_node(line.split(), above, text, known)
        if problem:
            return problem
        above = line.strip()
    return ""


def _problem_of_node(words: list[str], above: str, text: str, known: Mapping[str, str]) -> str:
    kind, name = words[0], (words[1] if len(words) > 1 else "")
    if kind == "ColumnsApplyTransformer":
        found = _APPLY.search(text)
        applied = (found[2] or found[1]).strip('`"') if found else "?"
        return f"APPLY isn't allowed, since its function ({applied}) can't be checked: write it around each column."
    if kind == "Function" and above.startswith("TableExpression"):
        return f"Table functions aren't allowed: {name}()."
    if kind == "Function" and not is_allowed(known.get(name.lower(), name)):
        return f"Function {name}() isn't allowed."
    if kind == "Identifier" and name.lower() in known and not is_allowed(known[name.lower()]):
        return f"{name} names a function that isn't allowed; if it is a column, write its table before it."
    return "" if kind in NODES else f"{kind} isn't allowed here."  # a Set: SETTINGS


def _short(message: str) -> str:
    return " ".join(message.split())[:500]
