"""A noun of settings is a declaration, from which its five routes are generated:

    GET, POST    /settings/{noun}           list, make
    GET, PUT,
    DELETE       /settings/{noun}/{id}      read, change (with `If-Match`), remove

Each write goes through the directory's writer, which checks, says who and why, and compares revisions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from msgspec import UNSET, Meta, Struct, structs

from backbone import directory
from backbone.access import OnTenant
from backbone.directory import Owned
from backbone.directory.writer import WHY_MOST
from backbone.errors import ConflictError, NotFoundError
from backbone.ids import new_name
from backbone.nats.buckets import Kept, KeyExistsError
from node.rest.contract import writing
from node.rest.contract.api import Ask, Handler, Route, route
from node.rest.contract.paging import Page, Paged, page

Why = Annotated[str, Meta(max_length=WHY_MOST, description="the reason, for the audit")]
RECORDS_MOST: Final = 1000
"""Of one kind in a tenant: lists are read whole."""

_NOT_OF_THE_RECORD: Final = frozenset({"id", "why"})


class Removal(Struct, kw_only=True):
    """Why it is removed."""

    why: Why = ""


async def _no_rule(_ask: Ask, _before: Any, _after: Any) -> None:
    """Nothing but the record's own check."""


async def _nothing_else(_ask: Ask, _kept: Sequence[Kept[Any]]) -> Mapping[str, Mapping[str, Any]]:
    return {}


async def _checked(record: Any) -> Any:
    return directory.check(record)


async def _stored(ask: Ask, record: Any, why: str) -> int:
    """Makes a record; returns its revision. Raises KeyExistsError."""
    key = directory.key_of(ask.who.tenant, record)
    return await directory.change(ask.context.link, ask.who.actor(), why, key, record, 0)


class Noun(NamedTuple):
    """One kind of record. `out` has its fields that are shown, and `revision`; `new` and `changed` those that are given
    when it is made and changed (None: not this way), and `why`. `at` is the path's part, which is called as the kind.

    `built` makes the record of what is given, and `checked` is its own check; `rule(ask, before, after)` raises what
    that can't know of, before anything is stored; `done` is called after a change; `also` gives further fields of `out`
    by id; `make` stores a new one.
    """

    record: type[Owned]
    plural: str
    may: OnTenant
    at: type[Struct]
    out: type[Struct]
    changed: type[Struct]
    new: type[Struct] | None = None
    is_removed: bool = True
    built: Callable[..., Any] | None = None
    checked: Callable[[Any], Awaitable[Any]] = _checked
    rule: Callable[[Ask, Any, Any], Awaitable[None]] = _no_rule
    done: Callable[[Ask, Kept[Any], Kept[Any]], Awaitable[None]] | None = None
    also: Callable[[Ask, Sequence[Kept[Any]]], Awaitable[Mapping[str, Mapping[str, Any]]]] = _nothing_else
    make: Callable[[Ask, Any, str], Awaitable[int]] = _stored
    refuses: tuple[str, ...] = ()
    refuses_removal: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The record's tag, by which paths and codes call it."""
        return str(self.record.__struct_config__.tag)

    @property
    def path(self) -> str:
        """Of all of them."""
        return f"/settings/{self.plural}"

    @property
    def path_of_one(self) -> str:
        """Of one of them."""
        return f"{self.path}/{{{self.kind}}}"

    def id_of(self, at: Struct) -> str:
        """Which one a path names."""
        return str(getattr(at, self.kind))


def routes(noun: Noun) -> tuple[Route, ...]:
    """Its routes: those that it has."""
    found = [_list(noun), _read(noun), _change(noun)]
    if noun.new is not None:
        found.append(_create(noun, noun.new))
    if noun.is_removed:
        found.append(_remove(noun))
    return tuple(found)


async def find(ask: Ask, noun: Noun, identity: str) -> Kept[Any]:
    """One record of the tenant's. Raises NotFoundError `<kind>.not_found`."""
    key = directory.owned_key(ask.who.tenant, noun.kind, identity)
    kept = await directory.directory(ask.context.link).get(key)
    if kept is None or not isinstance(kept.value, noun.record):
        raise NotFoundError(f"{noun.kind}.not_found", f"There is no such {noun.kind}.", field=noun.kind)
    return kept


def _given(body: Struct) -> dict[str, Any]:
    """The fields that a body gives; those that a newer version added, an older client leaves out."""
    fields = {name: getattr(body, name) for name in body.__struct_fields__ if name not in _NOT_OF_THE_RECORD}
    return {name: value for name, value in fields.items() if value is not UNSET}


async def _shown(ask: Ask, noun: Noun, kept: Sequence[Kept[Any]]) -> list[Any]:
    more = await noun.also(ask, kept)
    found = []
    for one in kept:
        also = {"revision": one.revision, **more.get(one.value.id, {})}
        fields = {name: getattr(one.value, name) for name in noun.out.__struct_fields__ if name not in also}
        found.append(noun.out(**fields, **also))
    return found


def _list(noun: Noun) -> Route:
    async def handler(ask: Ask, query: Paged) -> Any:
        kept = await directory.list_kept(ask.context.link, noun.record, ask.who.tenant)
        by_name: list[Kept[Any]] = sorted(kept, key=_name_and_id)
        chosen = page(by_name, lambda one: one.value.id, query)
        return Page(items=await _shown(ask, noun, chosen.items), next=chosen.next)

    listed = Page[noun.out]  # type: ignore[name-defined]
    typed(handler, f"The tenant's {noun.plural}, by name.", query=Paged, returns=listed)
    declare = route(
        "GET", noun.path, may=noun.may, query=Paged, answers={200: listed}, name=f"settings.list_{noun.plural}"
    )
    return declare(handler)


def _read(noun: Noun) -> Route:
    async def handler(ask: Ask, at: Struct) -> Any:
        kept = await find(ask, noun, noun.id_of(at))
        ask.tag(kept.revision)
        return (await _shown(ask, noun, [kept]))[0]

    typed(handler, f"One of the tenant's {noun.plural}.", at=noun.at, returns=noun.out)
    declare = route(
        "GET",
        noun.path_of_one,
        may=noun.may,
        at=noun.at,
        answers={200: noun.out},
        refuses=(f"{noun.kind}.not_found", "bucket.unreadable"),
        tagged=True,
        name=f"settings.read_{noun.kind}",
    )
    return declare(handler)


def _create(noun: Noun, new: type[Struct]) -> Route:
    async def handler(ask: Ask, body: Any) -> Any:
        record = await noun.checked((noun.built or noun.record)(id=body.id or new_name(), **_given(body)))
        await noun.rule(ask, None, record)
        if len(await directory.list_kept(ask.context.link, noun.record, ask.who.tenant)) >= RECORDS_MOST:
            raise ConflictError("record.too_many", f"A tenant has {RECORDS_MOST} {noun.plural} at most; remove some.")
        try:
            revision = await noun.make(ask, record, body.why)
        except KeyExistsError:
            raise ConflictError(
                f"{noun.kind}.taken", f"There is a {noun.kind} of this id already.", field="id"
            ) from None
        ask.tag(revision)
        key = directory.key_of(ask.who.tenant, record)
        return (await _shown(ask, noun, [Kept(key, record, revision)]))[0]

    typed(handler, f"Makes one of the tenant's {noun.plural}; without an id one is made.", body=new, returns=noun.out)
    declare = route(
        "POST",
        noun.path,
        may=noun.may,
        body=new,
        answers={201: noun.out},
        refuses=(f"{noun.kind}.taken", "record.invalid", "record.too_many", "id.token", *noun.refuses),
        tagged=True,
        name=f"settings.create_{noun.kind}",
    )
    return declare(handler)


def _change(noun: Noun) -> Route:
    async def handler(ask: Ask, at: Struct, body: Any) -> Any:
        before = await find(ask, noun, noun.id_of(at))
        ask.check_match(before.revision)
        record = await noun.checked(structs.replace(before.value, **_given(body)))
        await noun.rule(ask, before.value, record)
        after = before._replace(value=record, revision=await writing.change(ask, body.why, before, record))
        if noun.done is not None:
            await noun.done(ask, before, after)
        ask.tag(after.revision)
        return (await _shown(ask, noun, [after]))[0]

    doc = f"Changes one of the tenant's {noun.plural}: to all that the body says."
    typed(handler, doc, at=noun.at, body=noun.changed, returns=noun.out)
    declare = route(
        "PUT",
        noun.path_of_one,
        may=noun.may,
        at=noun.at,
        body=noun.changed,
        answers={200: noun.out},
        refuses=(f"{noun.kind}.not_found", "record.invalid", "bucket.unreadable", "bucket.too_large", *noun.refuses),
        must_match=True,
        name=f"settings.change_{noun.kind}",
    )
    return declare(handler)


def _remove(noun: Noun) -> Route:
    async def handler(ask: Ask, at: Struct, query: Removal) -> None:
        kept = await find(ask, noun, noun.id_of(at))
        ask.check_match(kept.revision)
        await noun.rule(ask, kept.value, None)
        await writing.remove(ask, query.why, kept)

    typed(handler, f"Removes one of the tenant's {noun.plural}.", at=noun.at, query=Removal, returns=None)
    declare = route(
        "DELETE",
        noun.path_of_one,
        may=noun.may,
        at=noun.at,
        query=Removal,
        answers={204: None},
        refuses=(f"{noun.kind}.not_found", "bucket.unreadable", *noun.refuses_removal),
        tagged=True,
        name=f"settings.remove_{noun.kind}",
    )
    return declare(handler)


def typed(handler: Handler, doc: str, *, returns: Any, **takes: Any) -> None:
    """Gives a generated handler what a written one says itself: its Structs and its words."""
    handler.__doc__ = doc
    handler.__annotations__ = {"ask": Ask, **takes, "return": returns}


def _name_and_id(kept: Kept[Any]) -> tuple[str, str]:
    return kept.value.name, kept.value.id
