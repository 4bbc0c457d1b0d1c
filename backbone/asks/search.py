"""Asked of the warehouse: messages that have words."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from backbone.nats.rpc import Ask

QUERY_MOST: Final = 200
"""Characters of a query."""

HITS_MOST: Final = 100


class SearchRequest(Struct, frozen=True):
    """`q`: words, all of which must occur; `before`: `next` of the page before, or None."""

    q: Annotated[str, Meta(max_length=QUERY_MOST)]
    before: str | None = None
    limit: Annotated[int, Meta(ge=1, le=HITS_MOST)] = 20


class Hit(Struct, frozen=True, kw_only=True):
    """A message that has all the words. `text` is an excerpt of at most 300 characters; `at` is UTC ms."""

    conv: str
    epoch: int
    seq: int
    at: int
    actor_kind: str
    actor: str
    text: str
    contact_name: str


class Hits(Struct, frozen=True, kw_only=True):
    """Newest first; `next` is null on the last page. `as_of`: UTC ms at which the newest of all was stored."""

    items: list[Hit]
    next: str | None
    as_of: int


SEARCH: Final = Ask("search.messages", SearchRequest, Hits)
