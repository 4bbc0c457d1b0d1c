"""Asked of the warehouse by the command line: a reading statement, and whether the tables hold what the log holds."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from backbone.nats.rpc import Ask

OPERATOR: Final = "_"
"""In a subject in the place of a tenant: who asks is no tenant, but the command line."""


class SqlRequest(Struct, frozen=True):
    """`query`: one statement. `format` is the command line's affair and changes nothing in the answer."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000)]
    format: str = ""


class Table(Struct, frozen=True, kw_only=True):
    """A result; values that JSON can't hold are strings. `as_of`: UTC ms of the newest loaded event."""

    columns: list[str]
    types: list[str] = []
    rows: list[list[Any]]
    as_of: int = 0


class VerifyRequest(Struct, frozen=True):
    """Sequences `first` to `last` of a stream (two digits); 0 for `last` is its end."""

    stream: Annotated[str, Meta(pattern="^[0-9]{2}$")]
    first: Annotated[int, Meta(ge=1)] = 1
    last: Annotated[int, Meta(ge=0)] = 0


class Block(Struct, frozen=True):
    """One block: counts and checksums of the log and of the table, as decimal strings where 64 bits wide."""

    epoch: int
    first: int
    last: int
    log_count: int
    log_checksum: str
    table_count: int
    table_checksum: str
    equal: bool


class Verdict(Struct, frozen=True):
    """All blocks of a stream's range."""

    stream: str
    equal: bool
    blocks: list[Block]


SQL: Final = Ask("sql", SqlRequest, Table)
VERIFY: Final = Ask("verify", VerifyRequest, Verdict)
