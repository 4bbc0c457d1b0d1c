"""The HTTP API on a real node: who may, what is refused, one shape of errors."""

from __future__ import annotations

import asyncio
import io
import urllib.request
from typing import Any

import pytest
from PIL import Image

from backbone import directory
from tests.harness.system import EMMA, LIN, PASSWORD, TENANT, System
from trunkline import rest
from trunkline.client import RefusedError
from trunkline.connect import connected

PUBLIC_GET = {"/healthz", "/readyz", "/api/v1/inboxes/web/widget"}
AGENTS_GET = [
    "/api/v1/me",
    "/api/v1/agents",
    "/api/v1/inboxes",
    "/api/v1/conversations",
    "/api/v1/search/messages?q=x",
    "/api/v1/reports/overview",
]


def cookie(system: System) -> str:
    answer = rest.sign_in(system.nodes[0].http, LIN.email, LIN.password)
    assert answer.status == 200, answer
    return answer.cookie


def get(system: System, path: str, **headers: str) -> rest.Answer:
    return rest.call("GET", system.nodes[0].http + path, headers=headers)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "teal").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("path", AGENTS_GET)
def test_without_a_session_agents_pages_are_refused_and_visitors_are_too(system: System, path: str) -> None:
    anonymous = get(system, path)
    assert (anonymous.status, anonymous.body["code"]) == (401, "session.missing")
    token, _ = rest.become_visitor(system.nodes[0].http, "web")
    visitor = get(system, path, Authorization=f"Bearer {token}")
    assert (visitor.status, visitor.body["code"]) == (403, "access.agents_only")


def test_signing_in_shows_who_one_is_and_signing_out_ends_it(system: System) -> None:
    who = cookie(system)
    me = get(system, "/api/v1/me", Cookie=who)
    assert me.body["agent"]["email"] == LIN.email
    assert me.body["tenant"] == {"id": TENANT, "name": "Main"}
    assert rest.call("DELETE", system.nodes[1].http + "/api/v1/session", headers={"Cookie": who}).status == 204
    assert get(system, "/api/v1/me", Cookie=who).body["code"] == "session.expired"


@pytest.mark.parametrize(
    ("email", "password"),
    [(LIN.email, "wrong password"), ("nobody@example.com", PASSWORD), ("not an address", PASSWORD)],
)
def test_a_wrong_sign_in_says_the_same_whatever_was_wrong(system: System, email: str, password: str) -> None:
    answer = rest.sign_in(system.nodes[0].http, email, password)
    assert (answer.status, answer.body["code"]) == (401, "session.bad_credentials")
    assert answer.body["detail"] == "The e-mail address or the password is wrong."


@pytest.mark.rest
def test_guessing_passwords_is_slowed_down(system: System) -> None:
    def guess(number: int) -> rest.Answer:
        return rest.sign_in(system.nodes[1].http, "victim@example.com", f"guess {number}")

    # While a slow machine looks at ten, a few more are allowed.
    refused = next(answer for number in range(60) if (answer := guess(number)).status != 401)
    assert (refused.status, refused.body["code"]) == (429, "limit.rate")
    assert refused.body["retry_after_ms"] > 0


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"email":5,"password":"x"}', {}, 422, "body.invalid"),
        (b"{", {}, 422, "body.invalid"),
        (b"\xff\xfe", {}, 422, "body.invalid"),
        (b'{"email":"a","password":"b"}', {"Content-Type": "text/plain"}, 415, "body.not_json"),
        (b'{"email":"a","password":"b"}', {"Origin": "https://evil.example"}, 403, "origin.foreign"),
        (b"x" * 300_000, {}, 413, "file.too_large"),
    ],
)
def test_bad_bodies_have_one_shape_of_error(
    system: System, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = rest.call("POST", system.nodes[0].http + "/api/v1/session", body, headers=headers)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert set(answer.body) >= {"type", "title", "status", "code", "detail"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/conversations?view=secret", "view"),
        ("/api/v1/conversations?limit=0", "limit"),
        ("/api/v1/conversations?limit=9999", "limit"),
        ("/api/v1/conversations?limit=x", "limit"),
        ("/api/v1/conversations?after=../..", "after"),
        ("/api/v1/reports/overview?tz=Mars/Olympus", "tz"),
        ("/api/v1/search/messages?q=", "q"),
    ],
)
def test_bad_queries_name_their_field(system: System, path: str, field: str) -> None:
    answer = get(system, path, Cookie=cookie_once(system))
    assert (answer.status, answer.body["field"]) == (422, field)


_cookies: dict[int, str] = {}


def cookie_once(system: System) -> str:
    return _cookies.setdefault(id(system), cookie(system))


def test_unknown_paths_and_methods_are_problems_too(system: System) -> None:
    for path in ("/api/v1/nothing", "/files/nothing", "/w/nothing", "/widget/nothing", "/assets/../secret", "/.env"):
        answer = get(system, path)
        assert answer.status == 404, path
        assert answer.body["code"], path
    assert rest.call("PUT", system.nodes[0].http + "/api/v1/session", {}).body["code"] == "route.method"


def test_the_warehouse_being_away_is_said(system: System) -> None:
    answer = get(system, "/api/v1/reports/overview?tz=UTC", Cookie=cookie_once(system))
    assert (answer.status, answer.body["code"]) == (503, "warehouse.unavailable")


def test_a_file_is_seen_by_those_who_may_see_its_message_only(system: System) -> None:
    http = system.nodes[0].http
    mine, _ = rest.become_visitor(http, "web")
    other, _ = rest.become_visitor(http, "web")
    saved = rest.upload(http, "图.png", png(), "image/png", token=mine)
    assert saved.status == 201
    assert (saved.body["mime"], saved.body["width"]) == ("image/png", 4)

    async def write() -> dict[str, Any]:
        async with system.visitor(token=mine).running() as client:
            return await client.send("", attachments=[saved.body["file"]])

    ok = asyncio.run(write())
    path = f"/api/v1/conversations/{ok['conv']}/files/{ok['seq']}/0"
    for headers in ({"Authorization": f"Bearer {mine}"}, {"Cookie": cookie_once(system)}):
        request = urllib.request.Request(http + path, headers=headers)  # noqa: S310 - our own node
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            assert response.read() == png()
            assert response.headers["Content-Type"] == "image/png"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in response.headers["Content-Security-Policy"]
    assert get(system, path, Authorization=f"Bearer {other}").status == 404
    assert get(system, path).status == 401
    assert get(system, path[:-1] + "1", Authorization=f"Bearer {mine}").body["code"] == "file.not_found"
    assert get(system, "/files/" + "x" * 50).body["code"] == "file.link_expired"


def test_a_file_of_somebody_else_can_not_be_attached(system: System) -> None:
    http = system.nodes[0].http
    theirs, _ = rest.become_visitor(http, "web")
    saved = rest.upload(http, "a.png", png(), "image/png", token=theirs)

    async def write() -> str:
        async with system.visitor().running() as client:
            try:
                await client.send("look", attachments=[saved.body["file"]])
            except RefusedError as refused:
                return refused.code
        return ""

    assert asyncio.run(write()) == "file.not_yours"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "file.empty"),
        (b"MZ" + b"\x00" * 64, 415, "file.type_refused"),
        (b"x" * 21_000_000, 413, "file.too_large"),
    ],
)
def test_bad_files_are_refused(system: System, content: bytes, status: int, code: str) -> None:
    token, _ = rest.become_visitor(system.nodes[0].http, "web")
    try:
        answer = rest.upload(system.nodes[0].http, "x.txt", content, "text/plain", token=token)
    except OSError:
        # The node answers before the whole body has come; the client may see the cut first.
        assert status == 413
        return
    assert (answer.status, answer.body["code"]) == (status, code)


def test_an_invitation_makes_one_agent_once(system: System) -> None:
    async def invite() -> str:
        async with connected(system.common, "test") as link:
            return await directory.invite(link, TENANT, "admin")

    secret = asyncio.run(invite())
    url = system.nodes[0].http + "/api/v1/invitations/accept"
    body = {"token": secret, "name": "Ada", "email": "ada@example.com", "password": "short"}
    assert rest.call("POST", url, body).body["code"] == "agent.password_weak"
    body["password"] = PASSWORD
    taken = rest.call("POST", url, {**body, "email": EMMA.email.upper()})
    assert (taken.status, taken.body["code"]) == (409, "agent.email_taken")
    joined = rest.call("POST", url, body)
    assert (joined.status, joined.body["agent"]["role"]) == (200, "admin")
    assert get(system, "/api/v1/me", Cookie=joined.cookie).body["agent"]["name"] == "Ada"
    again = rest.call("POST", url, {**body, "email": "eve@example.com"})
    assert (again.status, again.body["code"]) == (410, "invitation.gone")


def test_a_known_visitor_stays_the_same_person(system: System) -> None:
    http = system.nodes[0].http
    token, contact = rest.become_visitor(http, "web")
    assert rest.become_visitor(system.nodes[1].http, "web", token)[1] == contact
    assert rest.become_visitor(http, "web", "nonsense")[1] != contact


def test_pages_carry_their_policies(system: System) -> None:
    def headers(path: str) -> dict[str, str]:
        with urllib.request.urlopen(system.nodes[0].http + path, timeout=30) as response:  # noqa: S310
            return {k.lower(): v for k, v in response.headers.items()}

    desk = headers("/")
    assert "frame-ancestors 'none'" in desk["content-security-policy"]
    assert "require-trusted-types-for 'script'" in desk["content-security-policy"]
    assert desk["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self' *" in headers("/widget/web")["content-security-policy"]
    assert headers("/w.js")["cross-origin-resource-policy"] == "cross-origin"


def test_metrics_are_on_the_port_of_health_and_never_on_the_public_one(system: System) -> None:
    """A proxy on the same machine without X-Forwarded-For showed them to everybody: its clients came from loopback."""
    node = system.nodes[0]
    with urllib.request.urlopen(node.health + "/metrics", timeout=30) as response:  # noqa: S310
        text = response.read().decode()
    assert "trunkline_node_sockets" in text
    assert "trunkline_link_up 1.0" in text
    assert rest.call("GET", f"{node.http}/metrics").status == 404


def test_a_name_that_was_pointed_at_the_port_of_health_reads_nothing(system: System) -> None:
    url = system.nodes[0].health + "/metrics"
    assert rest.call("GET", url, headers={"Host": "rebound.evil.example"}).status == 421
    for own in ("localhost:1", "127.0.0.1", "[::1]:9"):
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Host": own}), timeout=30) as answer:  # noqa: S310
            assert answer.status == 200


def test_a_proxy_that_speaks_https_makes_the_cookie_one_of_https(system: System) -> None:
    """Behind a proxy with TLS, and without a setting that says so, the cookie was one that any plain page could set."""
    url = f"{system.nodes[0].http}/api/v1/session"
    body = {"email": LIN.email, "password": LIN.password}
    told = rest.call("POST", url, body, headers={"X-Forwarded-Proto": "https"})
    assert told.cookie.startswith("__Host-tl=")
    assert get(system, "/api/v1/me", Cookie=told.cookie).status == 200
    plain = rest.call("POST", url, body)
    assert plain.cookie.startswith("tl=")
    over_https = {"X-Forwarded-Proto": "https", "Cookie": plain.cookie}
    assert rest.call("GET", f"{system.nodes[0].http}/api/v1/me", headers=over_https).status == 401
