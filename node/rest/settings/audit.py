"""`/api/v1/settings/audit`: who changed which record, when, and what it was before.

Each request reads the stream AUDIT from its beginning, as far as its filters let through: what stood before a change is
in the version before it. So it is bounded by time, by a number at once and by a rate.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from backbone.directory import audit
from backbone.directory.audit import Difference, Entry, Wanted
from backbone.errors import InvalidInputError
from backbone.events import Actor
from backbone.ids import check_token
from node.rest.contract.api import Ask, route
from node.rest.contract.paging import Page, Paged
from node.rest.contract.requests import MOST

AUDITS_AT_ONCE: Final = 2
"""On a node, one of each tenant."""

AUDITS_A_MINUTE: Final = 60.0
"""Of one agent."""

WITHIN_S: Final = 10.0

_TOKEN: Final = "^[A-Za-z0-9_-]{1,64}$"  # noqa: S105 - the form of an id


class Audits(Paged, kw_only=True):
    """Which page, and of what: one kind of record, one record, what one person changed, since when (UTC ms)."""

    limit: Annotated[int, Meta(ge=1, le=500, description="a whole number from 1 to 500")] = 100
    kind: Annotated[
        Literal["", "tenant", "inbox", "agent", "invitation", "team", "skill", "calendar", "role", "reset"],
        Meta(description="a kind of record, such as agent or inbox"),
    ] = ""
    id: Annotated[str, Meta(extra_json_schema={"pattern": _TOKEN}, description="the id of a record")] = ""
    by: Annotated[str, Meta(extra_json_schema={"pattern": _TOKEN}, description="the id of whoever changed it")] = ""
    since: Annotated[int, Meta(ge=0, le=MOST, description="UTC ms")] = 0


class AuditEntry(Struct, kw_only=True):
    """One change. `seq` tells it from others; `at`: UTC ms; `by` is null where an earlier version wrote it. Of a secret
    it is told that it was set, or became another.
    """

    seq: int
    at: int
    kind: str
    id: str
    by: Actor | None
    why: str
    what: Literal["made", "changed", "removed"]
    fields: tuple[Difference, ...]


@route(
    "GET",
    "/settings/audit",
    may="audit.read",
    query=Audits,
    answers={200: Page[AuditEntry]},
    refuses=("audit.busy", "id.token"),
    name="settings.list_audit",
)
async def list_audit(ask: Ask, query: Audits) -> Page[AuditEntry]:
    """The newest change first. An agent's changes are told with those of links for their password."""
    wanted = Wanted(
        tenant=ask.who.tenant,
        kind=query.kind,
        id=check_token(query.id, "id") if query.id else "",
        by=query.by,
        since_ms=query.since,
        before=_place(query.after),
    )
    context = ask.context
    async with context.audits.turn("audit.busy", ask.who.tenant, ask.actor):
        found = await audit.read(context.link, wanted, query.limit + 1, within_s=WITHIN_S)
    newest = [_shown(one) for one in reversed(found)]
    items = newest[: query.limit]
    return Page(items=items, next=str(items[-1].seq) if len(newest) > query.limit else None)


def _place(after: str) -> int:
    """Raises InvalidInputError `query.invalid`."""
    if not after:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) <= 16 and int(after)):
        raise InvalidInputError("query.invalid", "after is the `next` of the page before.", field="after")
    return int(after)


def _shown(one: Entry) -> AuditEntry:
    return AuditEntry(
        seq=one.seq,
        at=one.at,
        kind=one.kind,
        id=one.id,
        by=one.by,
        why=one.why,
        what=one.what,
        fields=one.fields,
    )


ROUTES: Final = (list_audit,)
