"""Cursors: how far a reader has come in each stream (bucket `cursors`, keys `<reader>.<s>`)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link


class Cursor(Struct, frozen=True, omit_defaults=True):
    """All at or below `seq`, which belongs to `epoch`, is done."""

    epoch: int
    seq: int
    state: Any = None
    """What the reader made of all of it, as JSON has it, where it keeps that here: one write for both."""


def cursors(link: Link) -> Bucket[Cursor]:
    """The bucket."""
    return Bucket(link, "cursors", Cursor)


async def get_cursor(link: Link, reader: str, s: str) -> Cursor | None:
    """How far `reader` has come in stream `s`, None if it never began."""
    kept = await cursors(link).get(subjects.key(reader, s))
    return kept.value if kept else None


async def forget_cursor(link: Link, reader: str, s: str) -> None:
    """What `reader` made of stream `s` isn't so any more: it begins anew."""
    await cursors(link).delete(subjects.key(reader, s))


async def put_cursor(link: Link, reader: str, s: str, cursor: Cursor) -> None:
    """Moves a cursor. Its reader is alone by lease; a cursor only says what may be purged."""
    await cursors(link).put(subjects.key(reader, s), cursor)
