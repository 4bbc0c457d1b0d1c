"""What is done around each handler, in its order: page, who, whether they may, rate, `If-Match`, input, answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from backbone.access import Who
from backbone.errors import NotAuthenticatedError, TrunklineError
from backbone.ids import new_event_id
from node.entry.limits import RateByKey
from node.entry.quotas import Quotas
from node.rest.contract import api, problems
from node.rest.contract.api import Ask, Media, Route, route
from node.rest.contract.requests import Name
from node.settings import NodeSettings

pytestmark = pytest.mark.anyio

LIN: Final = Who(kind="agent", tenant="main", id="lin", role="agent")
HOST: Final = "desk.example"


TRIES: Final[list[str]] = []
"""Addresses of which a try to sign in was counted."""

KEY: Final = "018f0000-0000-7000-8000-0000000000aa"


class NoteAt(Struct):
    note: Name


class Words(Struct):
    q: str = ""


class Note(Struct):
    text: str


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """Of a refusal; empty if it is none."""
        return str(self.body["code"]) if self.status >= 400 else ""


Call = Callable[..., Any]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Asks a route alone as `who`, nobody where that is None."""
    settings = NodeSettings()
    counted = SimpleNamespace(address=lambda network, _now: TRIES.append(network))
    context = SimpleNamespace(settings=settings, requests=RateByKey(60), quotas=Quotas(settings), logins=counted)

    async def call(
        made: Route, path: str, who: Who | None = LIN, body: bytes = b"", method: str = "", **headers: str
    ) -> Answer:
        async def who_asks(_request: Request) -> Who:
            if who is None:
                raise NotAuthenticatedError("session.missing", "Sign in first.")
            return who

        monkeypatch.setattr(api, "who_asks", who_asks)
        app = Starlette(routes=[made.mounted()], exception_handlers={TrunklineError: problems.on_trunkline_error})
        app.state.context = context
        given = {
            "host": HOST,
            "content-type": "application/json",
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        bare, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method or made.method,
            "path": bare,
            "raw_path": bare.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "scheme": "http",
            "server": (HOST, 80),
            "client": ("192.0.2.1", 4711),
            "headers": [(k.lower().encode(), v.encode()) for k, v in given.items()],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        raw = b"".join(one.get("body", b"") for one in sent)
        told = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        is_json = "json" in told.get("content-type", "")
        return Answer(sent[0]["status"], told, json.loads(raw) if is_json else raw)

    return call


@route("GET", "/notes/{note}", may="agent.list", at=NoteAt, query=Words, answers={200: Note}, tagged=True)
async def read(ask: Ask, at: NoteAt, query: Words) -> Note:
    ask.tag(7)
    return Note(f"{ask.who.id} {at.note} {query.q}")


@route("PUT", "/notes", may="agent.list", body=Note, answers={201: Note}, must_match=True)
async def write(ask: Ask, body: Note) -> Note:
    ask.check_match(7)
    return body


@route("DELETE", "/notes", may=("agent.list", "agent.manage"), answers={204: None})
async def remove(ask: Ask) -> None: ...


@route("GET", "/notes", may="public", answers={200: Media("text/plain")})
async def anybodys(ask: Ask) -> Response:
    return Response("words", 200, {"X-Note": "yes"}, media_type="text/plain")


@route("POST", "/notes", may="public", answers={204: None})
async def drop(ask: Ask) -> None: ...


@route("GET", "/mine", may="visitor", answers={204: None})
async def of_visitors(ask: Ask) -> None: ...


@route("GET", "/ours", may="signed_in", answers={204: None})
async def of_all(ask: Ask) -> None: ...


@route("POST", "/say", may="conversation.read", body=Note, answers={201: Note}, counts="message")
async def say(ask: Ask, body: Note) -> Note:
    return Note(ask.event_id(body.text))


@route("GET", "/more", may="agent.list", answers={204: None})
async def more(ask: Ask) -> None:
    ask.require("audit.read")


@route("GET", "/who", may="public", answers={204: None})
async def asks_whom_nobody_asked(ask: Ask) -> None:
    assert ask.actor == ""
    assert ask.who


async def test_an_answer_is_of_what_was_asked_and_says_its_version(serve: Call) -> None:
    answer = await serve(read, "/api/v1/notes/a?q=b")
    assert (answer.status, answer.body) == (200, {"text": "lin a b"})
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len('{"text":"lin a b"}'))
    assert answer.headers["ratelimit-policy"] == '"actor";q=60;w=60'
    assert answer.headers["ratelimit"].startswith('"actor";r=59;')
    assert (await serve(read, "/api/v1/notes/_a")).code == "id.token"


async def test_an_answer_that_isnt_json_goes_out_as_it_is(serve: Call) -> None:
    answer = await serve(anybodys, "/api/v1/notes", None)
    assert (answer.status, answer.body, answer.headers["x-note"]) == (200, b"words", "yes")
    nothing = await serve(drop, "/api/v1/notes", None)
    assert (nothing.status, nothing.body) == (204, b"")


@pytest.mark.parametrize(
    ("made", "path", "who", "code"),
    [
        (read, "/api/v1/notes/a", None, "session.missing"),
        (read, "/api/v1/notes/a", Who(kind="visitor", tenant="main", id="c", inbox="web"), "access.agents_only"),
        (remove, "/api/v1/notes", LIN, "access.admins_only"),
        (remove, "/api/v1/notes", Who(kind="agent", tenant="main", id="a", role="admin"), ""),
        (
            remove,
            "/api/v1/notes",
            Who(kind="agent", tenant="main", id="a", grants=frozenset({"agent.manage"})),
            "access.forbidden",
        ),
        (of_visitors, "/api/v1/mine", LIN, "access.visitors_only"),
        (of_visitors, "/api/v1/mine", Who(kind="visitor", tenant="main", id="c", inbox="web"), ""),
        (of_all, "/api/v1/ours", LIN, ""),
        (of_all, "/api/v1/ours", Who(kind="agent", tenant="main", id="a", role="janitor"), ""),
        (of_all, "/api/v1/ours", None, "session.missing"),
        (more, "/api/v1/more", LIN, "access.admins_only"),
        (more, "/api/v1/more", Who(kind="agent", tenant="main", id="a", role="admin"), ""),
    ],
)
async def test_who_may_not_is_refused(serve: Call, made: Route, path: str, who: Who | None, code: str) -> None:
    assert (await serve(made, path, who)).code == code


async def test_another_sites_page_may_ask_for_nothing_but_what_is_public_and_only_read(serve: Call) -> None:
    foreign = {"Origin": "https://evil.example"}
    assert (await serve(anybodys, "/api/v1/notes", None, **foreign)).status == 200
    assert (await serve(drop, "/api/v1/notes", None, **foreign)).code == "origin.foreign"
    assert (await serve(read, "/api/v1/notes/a", **foreign)).code == "origin.foreign"
    # Before anybody is looked up.
    assert (await serve(read, "/api/v1/notes/a", None, **foreign)).code == "origin.foreign"
    assert (await serve(read, "/api/v1/notes/a", Origin=f"http://{HOST}")).status == 200


@pytest.mark.parametrize(
    ("match", "code"),
    [
        ("", "settings.if_match"),
        (" ", "settings.if_match"),
        ("*", ""),
        ('"7"', ""),
        ('"6", "7"', ""),
        ('"6"', "resource.changed"),
        ("7", "resource.changed"),
    ],
)
async def test_what_must_name_its_version_does(serve: Call, match: str, code: str) -> None:
    answer = await serve(write, "/api/v1/notes", LIN, b'{"text":"x"}', If_Match=match)
    assert answer.code == code
    if not code:
        assert (answer.status, answer.body) == (201, {"text": "x"})


async def test_the_guard_comes_before_the_version_and_that_before_the_body(serve: Call) -> None:
    assert (await serve(write, "/api/v1/notes", None, b"{")).code == "session.missing"
    assert (await serve(write, "/api/v1/notes", LIN, b"{")).code == "settings.if_match"
    assert (await serve(write, "/api/v1/notes", LIN, b"{", If_Match="*")).code == "body.invalid"
    assert (await serve(write, "/api/v1/notes", LIN, b"[]", If_Match="*")).code == "body.invalid"


async def test_where_it_is_optional_none_counts_as_any(serve: Call) -> None:
    @route("DELETE", "/one", may="agent.list", answers={204: None}, tagged=True)
    async def one(ask: Ask) -> None:
        ask.check_match(7)

    assert one.tagged
    assert not one.must_match
    assert (await serve(one, "/api/v1/one")).status == 204
    assert (await serve(one, "/api/v1/one", If_Match='"6"')).code == "resource.changed"


async def test_requests_are_counted_by_actor(serve: Call) -> None:
    answers = [await serve(of_all, "/api/v1/ours") for _ in range(62)]
    assert [one.status for one in answers[:60]] == [204] * 60
    assert {one.code for one in answers[60:]} <= {"", "limit.rate"}
    assert answers[-1].code == "limit.rate"
    assert "ratelimit" in answers[-1].headers
    assert (await serve(of_all, "/api/v1/ours", Who(kind="agent", tenant="main", id="mei"))).status == 204


async def test_a_message_is_counted_as_one_and_a_request_isnt(serve: Call) -> None:
    visitor = Who(kind="visitor", tenant="main", id="c", inbox="web")
    body = json.dumps({"text": new_event_id()}).encode()
    said = [(await serve(say, "/api/v1/say", visitor, body)).status for _ in range(40)]
    assert said[0] == 201
    assert said[-1] == 429
    asked = [(await serve(of_visitors, "/api/v1/mine", visitor)).status for _ in range(15)]
    assert set(asked) == {204}


@pytest.mark.parametrize(
    ("given", "key", "answer"),
    [
        ("018f0000-0000-7000-8000-000000000001", "", "018f0000-0000-7000-8000-000000000001"),
        ("", "018f0000-0000-7000-8000-000000000002", "018f0000-0000-7000-8000-000000000002"),
        (
            "018f0000-0000-7000-8000-000000000003",
            "018f0000-0000-7000-8000-000000000003",
            "018f0000-0000-7000-8000-000000000003",
        ),
        ("018f0000-0000-7000-8000-000000000004", "018f0000-0000-7000-8000-000000000005", "id.uuid"),
        ("mine", "", "id.uuid"),
        ("", "mine", "id.uuid"),
        ("018f0000-0000-8000-8000-000000000006", "", "id.uuid"),
    ],
)
async def test_the_id_of_an_event_is_the_bodys_or_the_key(serve: Call, given: str, key: str, answer: str) -> None:
    told = await serve(say, "/api/v1/say", LIN, json.dumps({"text": given}).encode(), Idempotency_Key=key)
    assert (told.code or told.body["text"]) == answer
    made = await serve(say, "/api/v1/say", LIN, b'{"text":""}')
    assert made.body["text"][14] == "4"


@route("POST", "/once", may="agent.list", body=Note, answers={201: Note})
async def once(ask: Ask, body: Note) -> Note:
    if body.text == "no":
        raise NotAuthenticatedError("session.missing", "no")
    return body


@route("POST", "/raw", may="agent.list", answers={204: None}, takes="*/*")
async def raw(ask: Ask) -> None: ...


class _Once:
    """Notes what an endpoint says to `Once`, whose own tests are `test_rest_once.py`."""

    def __init__(self, _context: Any, actor: str, key: str, request: bytes) -> None:
        self.said: list[Any] = [(actor, key, request)]
        MADE.append(self)

    async def found(self) -> Response | None:
        return ANSWERS[0] if ANSWERS else None

    async def keep(self, response: Response) -> None:
        self.said.append(bytes(response.body))

    async def give_back(self) -> None:
        self.said.append("given back")


MADE: Final[list[_Once]] = []
ANSWERS: Final[list[Response]] = []


async def test_a_key_is_kept_with_its_answer_and_given_back_with_a_refusal(
    serve: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Once", _Once)
    MADE.clear()
    TRIES.clear()
    key = {"Idempotency_Key": KEY, "Content_Length": "12"}
    assert (await serve(once, "/api/v1/once?a=b", LIN, b'{"text":"x"}', **key)).status == 201
    assert (await serve(once, "/api/v1/once", LIN, b'{"text":"no"}', **key)).code == "session.missing"
    assert (await serve(once, "/api/v1/once", LIN, b'{"text":"x"}')).status == 201
    assert (await serve(raw, "/api/v1/raw", LIN, b"0123456789ab", **key)).status == 204
    assert [one.said for one in MADE] == [
        [("main.agent.lin", KEY, b'/api/v1/once?a=b \n{"text":"x"}'), b'{"text":"x"}'],
        [("main.agent.lin", KEY, b'/api/v1/once? \n{"text":"no"}'), "given back"],
        # What it streams isn't read beforehand: its length tells it from another one.
        [("main.agent.lin", KEY, b"/api/v1/raw? 12\n"), b""],
    ]
    assert TRIES == []


async def test_the_answer_of_an_earlier_try_is_given_and_nothing_is_done(
    serve: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Once", _Once)
    MADE.clear()
    ANSWERS[:] = [Response(b"as before", 201)]
    try:
        answer = await serve(once, "/api/v1/once", LIN, b'{"text":"no"}', Idempotency_Key=KEY)
    finally:
        ANSWERS.clear()
    assert (answer.status, answer.body) == (201, b"as before")
    assert len(MADE[0].said) == 1


async def test_guessing_what_a_sign_in_was_answered_counts_as_a_try_to_sign_in(
    serve: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "Once", _Once)
    TRIES.clear()
    assert (await serve(drop, "/api/v1/notes", None, Idempotency_Key=KEY)).status == 204
    assert TRIES == ["192.0.2.1"]
    assert MADE[-1].said[0][0] == ""


async def test_nobody_is_asked_who_they_are_on_a_public_route(serve: Call) -> None:
    with pytest.raises(RuntimeError, match="public route"):
        await serve(asks_whom_nobody_asked, "/api/v1/who", None)


def test_what_a_declaration_says_of_itself() -> None:
    assert [one.is_public for one in (anybodys, of_all, read)] == [True, False, False]
    assert [one.is_once for one in (drop, say, read, write)] == [True, False, False, False]
    assert (write.tagged, write.must_match, read.must_match) == (True, True, False)
    assert read.name == "test_api_endpoint.read"
    named = route("GET", "/named", may="public", answers={204: None}, name="notes.named")(drop.handler)
    assert named.name == "notes.named"
    mixed = route("GET", "/r", may="public", answers={204: None}, refuses=((409, "own.code"), "limit.rate"))(
        drop.handler
    )
    assert mixed.refuses == ((409, "own.code"), (429, "limit.rate"))
