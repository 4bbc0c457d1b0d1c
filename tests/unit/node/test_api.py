"""Routes by declaration: what contradicts itself, and what says nowhere who may ask, doesn't start."""

from __future__ import annotations

import ast
import base64
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backbone import access, acts, errors
from backbone.access import ROLES, VISITOR, Who
from backbone.errors import TrunklineError
from node import app
from node.app import refuse_unguarded
from node.rest.contract import codes, reference
from node.rest.contract.api import Ask, refusal, route
from node.rest.contract.openapi import document, refusals
from node.rest.table import ROUTES
from node.settings import NodeSettings

ROOT: Final = Path(__file__).parents[3]


BY_OTHER_MEANS: Final = frozenset(
    {
        *access.REFUSED,
        "audit.busy",
        *acts.SAID,
        "conflict",
        "field.again",
        "field.choice",
        "field.form",
        "field.range",
        "field.required",
        "field.unknown",
        "host.unknown",
        "limit.uploads",
        *(f"mail.{reason}" for reason in ("address", "note", "subject", "whom")),
        "request.refused",
        *(f"{kind}.{reason}" for kind in ("calendar", "role", "skill", "team") for reason in ("not_found", "taken")),
        "record.changed",
        "record.invalid",
        "send.no_conversation",
        "text.empty",
        "text.invalid",
        "text.too_long",
    }
)
"""Codes of a class, or of the HTTP layer, which stand in no `raise` beside their class."""


class Note(Struct):
    text: str


class Other(Struct):
    text: str


class NoteAt(Struct):
    note: str


async def _planted(_request: Request) -> Response:
    return Response("secrets")


def test_a_route_that_was_planted_without_a_guard_doesnt_start() -> None:
    refuse_unguarded([one.mounted() for one in ROUTES])
    with pytest.raises(TypeError, match="says nowhere who may ask"):
        refuse_unguarded([*(one.mounted() for one in ROUTES), Route("/api/v1/secrets", _planted)])


def test_the_node_itself_looks_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    service: Any = SimpleNamespace(name="node", checks=[], facts={})
    context: Any = SimpleNamespace(settings=NodeSettings())
    app.build(service, context)
    monkeypatch.setattr(app.http_health, "routes", lambda *_: [Route("/metrics/all", _planted)])
    with pytest.raises(TypeError, match="/metrics/all says nowhere who may ask"):
        app.build(service, context)


def test_a_route_without_may_doesnt_start() -> None:
    declare: Any = route
    with pytest.raises(TypeError, match="may"):
        declare("GET", "/notes", answers={204: None})


async def _list(ask: Ask) -> None: ...


async def _write(ask: Ask, body: Other) -> None: ...


async def _read(ask: Ask, at: NoteAt) -> None: ...


async def _tell(ask: Ask) -> Note:
    return Note("")


@pytest.mark.parametrize(
    ("handler", "declared", "reason"),
    [
        (_list, {"may": ()}, "nobody"),
        (_list, {"may": "note.invent"}, "unknown"),
        (_list, {"may": ("public", "agent.list")}, "unknown"),
        (_write, {"may": "public", "body": Note}, "other Structs"),
        (_list, {"may": "public", "body": Note}, "other Structs"),
        (_write, {"may": "public"}, "other Structs"),
        (_read, {"may": "public", "at": NoteAt}, "parts"),
        (_tell, {"may": "public", "answers": {204: None}}, "returns"),
    ],
)
def test_a_declaration_that_contradicts_itself_doesnt_start(handler: Any, declared: Any, reason: str) -> None:
    declare: Any = route
    with pytest.raises(TypeError, match=reason):
        declare("GET", "/notes", **{"answers": {204: None}, **declared})(handler)


def test_each_code_is_raised_with_the_status_that_the_table_says() -> None:
    raised = _raised()
    assert len(raised) > 80
    elsewhere = {code for code in codes.STATUS if code not in raised}
    assert elsewhere <= BY_OTHER_MEANS
    assert {code for code, status in codes.STATUS.items() if status not in raised.get(code, {status})} == set()


def _raised() -> dict[str, set[int]]:
    """By code, the statuses with which it is raised somewhere."""
    status = {
        name: kind.status
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, TrunklineError)
    }
    found: dict[str, set[int]] = {}
    for room in ("backbone", "node", "adapters"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id in status
                    and node.args
                ):
                    for code in ast.walk(node.args[0]):
                        if isinstance(code, ast.Constant) and isinstance(code.value, str):
                            found.setdefault(code.value, set()).add(status[node.func.id])
    return found


def test_the_page_has_a_place_for_every_route_shape_and_code_and_neither_script_nor_another_host() -> None:
    described = document(ROUTES)
    shown = reference.page(described)
    ids = re.findall(r' id="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    operations = [one["operationId"] for methods in described["paths"].values() for one in methods.values()]
    wanted = {
        *operations,
        *described["components"]["schemas"],
        *(code for one in ROUTES for c in refusals(one).values() for code in c),
    }
    assert set(ids) == wanted
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= set(ids)
    assert "<script" not in shown
    assert "://" not in shown
    digest = base64.b64encode(
        hashlib.sha256(re.search(r"<style>(.*?)</style>", shown, re.DOTALL)[1].encode()).digest()
    ).decode()  # type: ignore[index]
    assert f"'sha256-{digest}'" in reference.HEADERS["Content-Security-Policy"]


ACTORS: Final = {
    "visitor": (Who(kind="visitor", tenant="main", id="c", inbox="web"), VISITOR),
    **{role: (Who(kind="agent", tenant="main", id="a", role=role), actions) for role, actions in ROLES.items()},
    "a role that isn't known": (Who(kind="agent", tenant="main", id="a", role="janitor"), frozenset[str]()),
    "a role of a record": (
        Who(kind="agent", tenant="main", id="a", role="reader", grants=frozenset({"agent.list"})),
        frozenset({"agent.list"}),
    ),
    "a key without grants": (Who(kind="key", tenant="main", id="k"), frozenset[str]()),
    "an assistant": (
        Who(kind="assistant", tenant="main", id="b", grants=frozenset({"conversation.read"})),
        frozenset({"conversation.read"}),
    ),
}


@pytest.mark.parametrize("name", ACTORS)
def test_every_route_lets_in_exactly_whom_its_declaration_and_the_roles_say(name: str) -> None:
    who, actions = ACTORS[name]
    for made in ROUTES:
        if made.may in {("public",), ("signed_in",)}:
            continue
        wanted = who.kind == "visitor" if made.may == ("visitor",) else set(made.may) <= actions
        assert (refusal(who, made.may) is None) == wanted, made.name
        assert refusal(who, made.may) in {None, *access.REFUSED}


def test_whom_nobody_needs_to_be_is_a_short_list() -> None:
    """A route becomes public, or open to whoever is signed in, by a change of this test."""
    assert {made.name for made in ROUTES if made.may == ("signed_in",)} == {"files.upload"}
    assert {made.name for made in ROUTES if made.is_public} == {
        "files.download",
        "files.preview",
        "inboxes.widget",
        "reference.docs",
        "reference.openapi",
        "sessions.accept_reset",
        "sessions.join",
        "sessions.sign_in",
        "sessions.sign_out",
        "visitors.create",
    }
