"""Message search: newest hits first, a page at a time, never a count of all (warehouse.md, section 4)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import rows
from adapters.warehouse.statements import in_scope, query
from backbone.access import EVERYTHING, Scope
from backbone.asks.search import Hit, Hits, SearchRequest
from backbone.errors import InvalidInputError

WORDS: Final = 8
EXCERPT: Final = 300
BEFORE: Final = 60
_CURSOR: Final = re.compile(r"(\d{1,13})-(\d{1,20})-([A-Za-z0-9_-]{1,64})")
_END: Final = (9_000_000_000_000, 0, "~")
"""A place after every message: the cursor of the first page."""


class _Cursor(NamedTuple):
    at: int
    seq: int
    conv: str


def messages(client: Client, tenant: str, request: SearchRequest, as_of: int, scope: Scope = EVERYTHING) -> Hits:
    """One page of what lies in a scope. Raises InvalidInputError that names `q` or `before`."""
    sought = words(request.q)
    cursor = _cursor(request.before)
    parameters = {
        "tenant": tenant,
        # Words fill the query's eight places; a repeated one costs nothing.
        **{f"w{n}": sought[min(n, len(sought) - 1)] for n in range(WORDS)},
        "at": cursor.at,
        "conv": cursor.conv,
        "seq": cursor.seq,
        "limit": request.limit + 1,
    }
    text, of_scope = in_scope("search_messages", "messages", scope)
    found = rows(client, text, parameters | of_scope)
    page = found[: request.limit]
    names = _names(client, tenant, sorted({str(row[0]) for row in page}))
    items = [
        Hit(
            conv=conv,
            epoch=epoch,
            seq=seq,
            at=at,
            actor_kind=kind,
            actor=actor,
            text=excerpt(shown(text, more), sought),
            contact_name=names.get(conv, ""),
        )
        for conv, epoch, seq, at, kind, actor, text, more in page
    ]
    more = len(found) > request.limit
    onwards = f"{items[-1].at}-{items[-1].seq}-{items[-1].conv}" if more else None
    return Hits(items=items, next=onwards, as_of=as_of)


def words(q: str) -> list[str]:
    """The words of a query, split at white space. Raises InvalidInputError for none, or more than eight."""
    found = list(dict.fromkeys(q.split()))
    if not any(c.isalnum() for c in q):
        raise InvalidInputError("search.empty", "q must hold at least one letter, digit or character.", field="q")
    if len(found) > WORDS:
        raise InvalidInputError("search.too_many_words", f"q may hold {WORDS} words.", field="q")
    return [word for word in found if any(c.isalnum() for c in word)]


def shown(text: str, more: str) -> str:
    """What of a message a hit is shown of: its text, and what was entered or chosen beside it."""
    return "\n".join(filter(None, (text, more)))


def excerpt(text: str, sought: list[str]) -> str:
    """At most 300 characters of `text`, from a little before the first word that occurs as it is written."""
    if len(text) <= EXCERPT:
        return text
    low = text.lower()
    first = min((at for word in sought if (at := low.find(word.lower())) >= 0), default=0)
    start = max(0, min(first - BEFORE, len(text) - EXCERPT))
    return text[start : start + EXCERPT]


def _cursor(before: str | None) -> _Cursor:
    if before is None:
        return _Cursor(*_END)
    match = _CURSOR.fullmatch(before)
    if not match or int(match[2]) >= 1 << 64:
        raise InvalidInputError("search.bad_cursor", "before must be next of the page before.", field="before")
    return _Cursor(int(match[1]), int(match[2]), match[3])


def _names(client: Client, tenant: str, conversations: list[str]) -> dict[str, str]:
    if not conversations:
        return {}
    found = rows(client, query("contact_names"), {"tenant": tenant, "conversations": conversations})
    return {str(conversation): str(name) for conversation, name in found}
