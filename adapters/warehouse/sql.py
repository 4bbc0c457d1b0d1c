"""`trunkline sql`: one reading statement of the operator's, of any tenant, checked before it runs.

The engine's `readonly` isn't enough: with it, chDB 26.9 still reads any file by the scalar function
`file`, writes one by INTO OUTFILE and runs several statements in a row. So the engine's own parser is asked
what the text is: first one statement and no more, then its syntax tree, and only the text that was formatted
from that tree is run.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from msgspec import Meta, Struct

from adapters.warehouse.engine import rows
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

REFUSED_FUNCTIONS: Final = frozenset(
    {
        "file",
        "catboostevaluate",
        "aiclassify",
        "aiembed",
        "aiextract",
        "aifilter",
        "aigenerate",
        "airedact",
        "aisimilarity",
        "aitranslate",
        "sleep",
        "sleepeachrow",
    }
)
"""Scalar functions that reach a file or the network, or only waste a reader's time."""


class SqlRequest(Struct, frozen=True):
    """`query`: one statement. `format` is the command line's affair and changes nothing here."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000)]
    format: str = ""


class Table(Struct, frozen=True):
    """A result; values that JSON can't hold are strings. `as_of`: UTC ms of the newest loaded event."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    as_of: int


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
        raise InvalidInputError("sql.refused", _short(str(refused)), field="query") from None
    return Table([c.name for c in result.meta], [c.type for c in result.meta], result.data, as_of)


def checked(client: Client, text: str) -> str:
    """The statement as the engine's parser formats it. Raises InvalidInputError, or DatabaseError for bad syntax."""
    formatted = str(rows(client, "SELECT formatQuery({text:String})", {"text": text.strip().rstrip(";")})[0][0])
    tree = [str(line[0]) for line in client.query(f"EXPLAIN AST {formatted}").result_rows]
    problem = problem_of(tree)
    if problem:
        raise InvalidInputError("sql.not_allowed", problem, field="query")
    return formatted


def problem_of(tree: list[str]) -> str:
    """Why a statement with this syntax tree (one line a node, one space a level) isn't run; empty if it is."""
    if not tree[0].startswith(STATEMENTS):
        return "Only SELECT, SHOW, DESCRIBE and EXPLAIN are allowed."
    above = ""
    for line in tree:
        node = line.strip()
        if line.startswith(" Literal"):
            return "INTO OUTFILE isn't allowed; the answer is printed."
        if node.startswith("Function "):
            name = node.split()[1]
            if above.startswith("TableExpression"):
                return f"Table functions aren't allowed: {name}()."
            if name.lower() in REFUSED_FUNCTIONS:
                return f"Function {name}() isn't allowed."
        above = node
    return ""


def _short(message: str) -> str:
    return " ".join(message.split())[:500]
