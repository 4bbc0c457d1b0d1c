"""Writing a record of the directory as who asks: a lost update is 412, whenever it is noticed.

`If-Match` is compared with what was read; the writer compares once more with what is there when it stores.
"""

from __future__ import annotations

from typing import Any

from backbone import directory
from backbone.directory import Record
from backbone.errors import ChangedError
from backbone.nats.buckets import Kept
from node.rest.contract.api import Ask


async def change(ask: Ask, why: str, kept: Kept[Any], record: Record) -> int:
    """Stores a record in the place of `kept`; its new revision. Raises ChangedError `resource.changed`."""
    try:
        return await directory.change(ask.context.link, ask.who.actor(), why, kept.key, record, kept.revision)
    except directory.ChangedError as moved:
        raise ChangedError("resource.changed", moved.message, field="If-Match") from None


async def remove(ask: Ask, why: str, kept: Kept[Any]) -> None:
    """Removes `kept`. Raises ChangedError `resource.changed`."""
    try:
        await directory.remove(ask.context.link, ask.who.actor(), why, kept.key, kept.revision)
    except directory.ChangedError as moved:
        raise ChangedError("resource.changed", moved.message, field="If-Match") from None
