"""Lists, a page at a time: `?limit=&after=`, where `after` is the `next` of the page before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

from backbone.errors import InvalidInputError

T = TypeVar("T")


class Page(Struct, Generic[T], kw_only=True):
    """Some of a list, in its order. `next` is null on the last page."""

    items: list[T]
    next: str | None


class Paged(Struct, kw_only=True):
    """Which page."""

    after: Annotated[str, Meta(max_length=128, description="the `next` of the page before")] = ""
    limit: Annotated[int, Meta(ge=1, le=500, description="a whole number from 1 to 500")] = 500


def page(items: Sequence[T], key: Callable[[T], str], query: Paged) -> Page[T]:
    """One page of a list that is whole. Raises InvalidInputError where what `after` names is no longer in it."""
    start = 0
    if query.after:
        start = next((n for n, one in enumerate(items, 1) if key(one) == query.after), 0)
        if not start:
            raise InvalidInputError("query.invalid", "after is no longer in the list; begin again.", field="after")
    shown = list(items[start : start + query.limit])
    return Page(items=shown, next=key(shown[-1]) if len(items) > start + query.limit else None)
