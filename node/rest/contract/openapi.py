"""The OpenAPI 3.1 document of the REST API, made from the table of routes: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, get_type_hints

import msgspec

from backbone.access import ON_CONVERSATION, VISITOR
from backbone.events import Event
from node.rest.contract.api import Media, Route
from node.rest.contract.codes import STATUS
from node.rest.contract.problems import Problem
from node.rest.contract.requests import Contact, Conv, Name, Place, Token

REF: Final = "#/components/schemas/{name}"
PROBLEM: Final = "application/problem+json"

_ALWAYS: Final = ("host.unknown", "internal.error", "log.unavailable", "log.unknown_outcome")
_GUARDED: Final = ("session.expired", "session.missing", "limit.rate")
_AS_VISITOR: Final = ("token.ended", "token.expired", "token.invalid", "inbox.not_found")
_WITH_BODY: Final = ("body.invalid", "body.not_json", "body.too_slow", "file.too_large")
_PARTS: Final[dict[Any, str]] = {
    Name: "id.token",
    Token: "id.token",
    Conv: "id.conversation",
    Contact: "id.contact",
    Place: "route.not_found",
}

_CHANGES: Final = frozenset({"PUT", "DELETE"})
"""Methods that heed `If-Match`."""

_SECURITY: Final = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tl",
        "description": "An agent's session, from `POST /api/v1/session`; over HTTPS its name is `__Host-tl`.",
    },
    "visitor": {"type": "http", "scheme": "bearer", "description": "A visitor's token, from `POST /api/v1/visitors`."},
}


_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A UUID of version 4 or 7, the same at every try: it has one effect and one answer, for a day.",
    "schema": {"type": "string", "format": "uuid"},
}
_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` that was read: refused where somebody has changed it since.",
    "schema": {"type": "string"},
}


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The whole document, ready to be encoded."""
    listed = list(routes)
    kinds = list(dict.fromkeys(kind for made in listed for kind in _kinds(made)))
    schemas, components = msgspec.json.schema_components([Event, Problem, *kinds], ref_template=REF)
    by_kind = dict(zip(kinds, schemas[2:], strict=True))
    parameters = {kind.__name__ for made in listed for kind in (made.at, made.query) if kind is not None}
    paths: dict[str, Any] = {}
    for made in listed:
        paths.setdefault(made.path, {})[made.method.lower()] = _operation(made, by_kind, components)
    whole = {
        "openapi": "3.1.0",
        "info": {"title": "Trunkline", "version": "1", "description": "What a desk does, over REST. Times are UTC."},
        "paths": paths,
        "components": {
            "schemas": {"Event": schemas[0], **{k: v for k, v in components.items() if k not in parameters}},
            "securitySchemes": _SECURITY,
        },
    }
    # `Page[Colleague]` comes as `Page_Colleague_`, with its own title.
    renamed = re.sub(rb"\bPage[_\[](\w+?)[_\]](?=[\"/])", rb"\1Page", msgspec.json.encode(whole, order="sorted"))
    done: dict[str, Any] = msgspec.json.decode(renamed)
    return done


def refusals(made: Route) -> dict[int, list[str]]:
    """The codes of a route's refusals, by status: those that it declares, and those of what is done around it."""
    codes = {(STATUS[code], code) for code in _around(made)} | set(made.refuses)
    found: dict[int, list[str]] = {}
    for status, code in sorted(codes):
        found.setdefault(status, []).append(code)
    return found


def _around(made: Route) -> set[str]:
    codes = set(_ALWAYS)
    if not made.is_public or made.method != "GET":
        codes.add("origin.foreign")
    if not made.is_public:
        codes |= {*_GUARDED, *_AS_VISITOR}
        if made.may == ("visitor",):
            codes.add("access.visitors_only")
        elif made.may != ("signed_in",):
            codes |= {"access.forbidden", "access.admins_only"}
            codes |= set() if set(made.may) <= VISITOR else {"access.agents_only"}
    if set(made.may) & ON_CONVERSATION:
        codes.add("resource.not_found")
    return codes | _of_input(made)


def _of_input(made: Route) -> set[str]:
    """Codes of path, query, headers and body."""
    codes: set[str] = set()
    if made.at is not None:
        parts = get_type_hints(made.at, include_extras=True).values()
        codes |= {_PARTS[part] for part in parts if part in _PARTS}
    if made.method == "POST":
        codes |= {"id.uuid", "id.used", "request.running", "limit.rate"} if made.is_once else {"id.uuid"}
    if made.tagged and made.method in _CHANGES:
        codes.add("resource.changed")
    if made.must_match:
        codes.add("settings.if_match")
    if made.query is not None:
        codes.add("query.invalid")
    if made.body is not None:
        codes |= set(_WITH_BODY)
    return codes


def _kinds(made: Route) -> Iterable[Any]:
    yield from (kind for kind in (made.at, made.query, made.body) if kind is not None)
    yield from (kind for kind in made.answers.values() if kind is not None and not isinstance(kind, Media))


def _operation(made: Route, by_kind: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    text = " ".join((made.handler.__doc__ or "").split())
    summary, _, _ = text.partition(". ")
    found: dict[str, Any] = {
        "operationId": made.name.replace(".", "_"),
        "tags": [made.name.partition(".")[0]],
        "summary": summary.rstrip("."),
        "description": f"{text}\n\nFor: {_for_whom(made)}.",
        "responses": {
            **{str(status): _answer(made, status, kind, by_kind) for status, kind in made.answers.items()},
            **{str(status): _refusal(codes) for status, codes in refusals(made).items()},
        },
        "security": [] if made.is_public else _security(made),
    }
    parameters = [
        *_parameters("path", made.at, components),
        *_parameters("query", made.query, components),
        *([_KEY] if made.method == "POST" else []),
        *([_MATCH | {"required": made.must_match}] if made.tagged and made.method in _CHANGES else []),
    ]
    if parameters:
        found["parameters"] = parameters
    if made.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": by_kind[made.body]}}}
    elif made.takes:
        raw = {made.takes: {"schema": {"type": "string", "format": "binary"}}}
        found["requestBody"] = {"required": True, "content": raw}
    return found


def _for_whom(made: Route) -> str:
    if made.is_public:
        return "anybody"
    if made.may == ("signed_in",):
        return "any visitor or agent"
    return "visitors" if made.may == ("visitor",) else "who may " + " and ".join(f"`{one}`" for one in made.may)


def _security(made: Route) -> list[dict[str, list[str]]]:
    if made.may == ("visitor",):
        return [{"visitor": []}]
    is_both = made.may == ("signed_in",) or set(made.may) <= VISITOR
    return [{"session": []}, {"visitor": []}] if is_both else [{"session": []}]


def _parameters(place: str, kind: Any, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    if kind is None:
        return []
    schema = components[kind.__name__]
    return [
        {
            "name": name,
            "in": place,
            "required": name in schema.get("required", ()),
            "description": each.get("description", ""),
            "schema": {key: value for key, value in each.items() if key != "description"},
        }
        for name, each in schema["properties"].items()
    ]


def _answer(made: Route, status: int, kind: Any, by_kind: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if isinstance(kind, Media):
        if kind.type:
            found["content"] = {kind.type: {"schema": {}}}
        if 300 <= status < 400:
            found["headers"] = {"Location": {"required": True, "schema": {"type": "string"}}}
    elif kind is not None:
        found["content"] = {"application/json": {"schema": by_kind[kind]}}
        if made.tagged:
            found["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    return found


def _refusal(codes: list[str]) -> dict[str, Any]:
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}},
    }
