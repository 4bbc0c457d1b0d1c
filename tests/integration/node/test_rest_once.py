"""`Idempotency-Key`, `ETag` with `If-Match`, pages and rates of the REST API, on two nodes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx2
import pytest

from backbone import directory
from backbone.directory import Agent
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.system import PASSWORD, TENANT, System
from trunkline import rest
from trunkline.connect import connected

EMAIL: Final = "once@example.com"
WECHAT: Final = {"app_id": "wx1234567890", "app_secret": "very secret", "token": "a token of ours"}

Ask = Callable[..., rest.Answer]


@pytest.fixture(scope="module")
def ask(system: System) -> Ask:
    """An admin at any node."""

    async def add() -> None:
        hashed = await hash_password(PASSWORD)
        async with connected(system.common, "test") as link:
            agent = Agent(id="once", name="Once", email=EMAIL, password=hashed, role="admin")
            await directory.create_agent(link, TENANT, agent)

    run_apart(add())
    cookie = rest.sign_in(system.nodes[0].http, EMAIL, PASSWORD).cookie

    def call(method: str, path: str, body: Any = None, *, node: int = 0, **headers: str) -> rest.Answer:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return rest.call(method, f"{system.nodes[node].http}/api/v1/{path}", body, headers={"Cookie": cookie, **more})

    return call


def new(inbox: str, name: str = "Shop") -> dict[str, Any]:
    return {"id": inbox, "channel": "wechat", "name": name, "settings": WECHAT}


def test_a_key_sent_to_two_nodes_has_one_effect_and_one_answer(ask: Ask) -> None:
    key = str(uuid.uuid4())
    first = ask("POST", "inboxes", new("once-a"), Idempotency_Key=key)
    again = ask("POST", "inboxes", new("once-a"), node=1, Idempotency_Key=key)
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    without = ask("POST", "inboxes", new("once-a"), node=1)
    assert (without.status, without.body["code"]) == (409, "inbox.taken")


def test_another_body_or_route_under_the_same_key_is_refused_and_does_nothing(ask: Ask) -> None:
    key = str(uuid.uuid4())
    assert ask("POST", "inboxes", new("once-b"), Idempotency_Key=key).status == 201
    for path, body in (("inboxes", new("once-c")), ("inboxes/once-b/retry", {})):
        other = ask("POST", path, body, node=1, Idempotency_Key=key)
        assert (other.status, other.body["code"], other.body["field"]) == (409, "id.used", "Idempotency-Key")
    assert ask("GET", "inboxes/once-c").status == 404


def test_a_refusal_gives_the_key_back(ask: Ask) -> None:
    key = str(uuid.uuid4())
    assert ask("POST", "inboxes", new("once-d", name=""), Idempotency_Key=key).status == 422
    assert ask("POST", "inboxes", new("once-d"), node=1, Idempotency_Key=key).status == 201


def test_two_at_once_are_done_once(ask: Ask) -> None:
    key, together = str(uuid.uuid4()), threading.Barrier(8)

    def one(n: int) -> rest.Answer:
        together.wait(20)
        return ask("POST", "inboxes", new("once-e"), node=n % 2, Idempotency_Key=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert {answer.body["code"] for answer in answers if answer.status == 409} <= {"request.running"}
    assert len({str(answer.body) for answer in answers if answer.status == 201}) == 1


@pytest.mark.usefixtures("ask")
def test_a_sign_in_sent_twice_is_one_session(system: System) -> None:
    body, headers = {"email": EMAIL, "password": PASSWORD}, {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (rest.call("POST", f"{node.http}/api/v1/session", body, headers=headers) for node in system.nodes)
    assert first.cookie
    assert (again.status, again.cookie) == (200, first.cookie)
    guess = {**body, "password": "what is the password"}
    stranger = rest.call("POST", f"{system.nodes[0].http}/api/v1/session", guess, headers=headers)
    assert (stranger.status, stranger.body["code"], stranger.cookie) == (409, "id.used", "")


def test_what_is_kept_of_an_answer_is_sealed(system: System) -> None:
    """Whoever reads the bucket finds no cookie and no token in it."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    made = rest.call("POST", f"{system.nodes[0].http}/api/v1/visitors", {"inbox": "web"}, headers=headers)
    assert made.status == 200

    contents = b"".join(path.read_bytes() for path in system.folder.rglob("*.blk") if "KV_answers" in str(path))
    assert b"sealed" in contents
    assert made.body["token"].encode() not in contents


@pytest.mark.parametrize("key", ["1", "00000000-0000-8000-8000-000000000000", "x" * 4000])
def test_a_key_that_is_no_clients_uuid_is_refused(ask: Ask, key: str) -> None:
    answer = ask("POST", "inboxes", new("once-f"), Idempotency_Key=key)
    assert (answer.status, answer.body["code"], answer.body["field"]) == (422, "id.uuid", "Idempotency-Key")


def test_a_lost_update_is_refused_by_if_match(system: System, ask: Ask) -> None:
    assert ask("POST", "inboxes", new("once-g")).status == 201
    tag = _tag(system, "once-g")
    assert ask("PUT", "inboxes/once-g", {"name": "First"}, If_Match=tag).status == 200
    lost = ask("PUT", "inboxes/once-g", {"name": "Second"}, node=1, If_Match=tag)
    assert (lost.status, lost.body["code"]) == (412, "resource.changed")
    kept = ask("DELETE", "inboxes/once-g", node=1, If_Match=tag)
    assert kept.status == 412
    assert ask("GET", "inboxes/once-g").body["name"] == "First"
    now = _tag(system, "once-g")
    assert now != tag
    assert ask("DELETE", "inboxes/once-g", If_Match=f'"1", {now}').status == 204


def _tag(system: System, inbox: str) -> str:
    """The `ETag` of an inbox; it is told to whoever may read it."""
    return str(_head(system, f"inboxes/{inbox}")["ETag"])


def _head(system: System, path: str) -> httpx2.Headers:
    """The headers of an answer."""
    cookie = rest.sign_in(system.nodes[0].http, EMAIL, PASSWORD).cookie
    return httpx2.get(f"{system.nodes[1].http}/api/v1/{path}", headers={"Cookie": cookie}).headers


def test_a_list_comes_in_pages_without_gap_or_repetition(ask: Ask) -> None:
    for n in range(5):
        assert ask("POST", "inboxes", new(f"paged-{n}")).status == 201
    whole = [one["id"] for one in ask("GET", "inboxes").body["items"]]
    found, after = [], ""
    while True:
        page = ask("GET", f"inboxes?limit=2&after={after}").body
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert found == whole
    gone = ask("GET", "inboxes?after=nowhere")
    assert (gone.status, gone.body["code"], gone.body["field"]) == (422, "query.invalid", "after")


@pytest.mark.usefixtures("ask")
def test_answers_say_how_many_requests_are_left(system: System) -> None:
    told = _head(system, "me")
    assert told["RateLimit-Policy"] == '"actor";q=1200;w=60'
    assert told["RateLimit"].startswith('"actor";r=1')
