"""What reached those whom it wasn't meant for, was kept for ever, or took what it shouldn't: closed by its kind."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from backbone import directory
from backbone.directory import Agent
from node.entry.passwords import hash_password
from tests.harness.apart import run_apart
from tests.harness.log import stored_events
from tests.harness.system import LIN, PASSWORD, TENANT, System
from tests.integration.node.test_sockets import hello, raw, told
from trunkline import rest
from trunkline.client import Client
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

WITHIN_S = 30
MARKS_BURST = 20


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A node behind HTTPS, with the demo."""
    system = System(tmp_path_factory.mktemp("public"))
    system.more = {"TRUNKLINE_NODE_PUBLIC_URL": "https://desk.example.com", "TRUNKLINE_NODE_DEMO": "true"}
    try:
        system.start()
        system.add_agents(LIN)
        yield system
    finally:
        system.end()


def get(system: System, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body, whatever the status."""
    request = urllib.request.Request(system.nodes[0].http + path, headers=headers)  # noqa: S310 - our own node
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read().decode()


def admin(system: System, name: str) -> str:
    """The cookie of an admin of this test's."""

    async def add() -> None:
        async with connected(system.common, "test") as link:
            agent = Agent(
                id=name, name=name, email=f"{name}@example.com", password=await hash_password(PASSWORD), role="admin"
            )
            await directory.create_agent(link, TENANT, agent)

    run_apart(add())
    return rest.sign_in(system.nodes[0].http, f"{name}@example.com", PASSWORD).cookie


def test_a_name_that_was_pointed_at_this_machine_reads_nothing(public: System) -> None:
    for path in ("/", "/w.js", "/api/v1/inboxes/web/widget", "/w/web"):
        status, _, body = get(public, path, Host="rebound.evil.example:8080")
        assert (status, json.loads(body)["code"]) == (421, "host.unknown"), path
    for host in ("desk.example.com", "127.0.0.1:1", "localhost"):
        assert get(public, "/", Host=host)[0] == 200
    # Probes and platforms call by whatever name they know.
    assert get(public, "/healthz", Host="node.svc.cluster.local")[0] == 200


def test_a_plain_cookie_that_a_neighbour_set_does_not_count_over_https(public: System) -> None:
    cookie = rest.sign_in(public.nodes[0].http, LIN.email, LIN.password).cookie
    name, _, value = cookie.partition("=")
    assert name == "__Host-tl"
    assert get(public, "/api/v1/me", Cookie=cookie)[0] == 200
    assert get(public, "/api/v1/me", Cookie=f"tl={value}")[0] == 401
    assert get(public, "/api/v1/me", Cookie=f"tl=main.lin.stolen; {cookie}")[0] == 200


def test_the_demo_shop_is_there_only_where_it_is_asked_for_and_runs_nothing_foreign(
    public: System, system: System
) -> None:
    status, headers, _ = get(public, "/demo/")
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert get(system, "/demo/")[0] == 404


@pytest.mark.parametrize("number", ["007", "1" * 5000, "0" * 5000, "1e3", "+5", "٣"])
def test_numbers_of_any_length_and_form_are_refused_and_crash_nothing(system: System, number: str) -> None:
    token, _ = rest.become_visitor(system.nodes[0].http, "web")

    async def write() -> str:
        async with system.visitor(token=token).running() as client:
            return str((await client.send("hello"))["conv"])

    conv = run_apart(write())
    quoted = urllib.request.quote(number)  # type: ignore[attr-defined]  # re-exported
    who = {"Authorization": f"Bearer {token}"}
    for query in (f"after={quoted}", f"limit={quoted}"):
        status, _, body = get(system, f"/api/v1/conversations/{conv}/events?{query}", **who)
        assert (status, json.loads(body)["code"]) == (422, "query.invalid"), query
    for path in (f"files/{quoted}/0", f"files/1/{quoted}"):
        assert get(system, f"/api/v1/conversations/{conv}/{path}", **who)[0] == 404, path


async def test_why_an_agent_resolved_it_reaches_no_visitor(system: System) -> None:
    token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    frames: list[dict[str, Any]] = []
    live = Client([system.nodes[1].ws], token=token, pushed=frames.append)
    async with live.running(), system.agent(LIN).running() as agent:
        conv = (await live.send("you are thieves"))["conv"]
        await live.subscribe(conv)
        await agent.subscribe(conv)
        await agent.act(conv, "take")
        await agent.act(conv, "resolve", reason="a nuisance")
        async with asyncio.timeout(WITHIN_S):
            while not any(f["t"] == "ev" and f["event"]["type"] == "conversation.resolved" for f in frames):
                await asyncio.sleep(0.02)
            while agent.conversations[conv].events[-1].event["type"] != "conversation.resolved":
                await asyncio.sleep(0.02)
        assert agent.conversations[conv].events[-1].event["reason"] == "a nuisance"
    async with system.visitor(token=token).running() as later:
        replayed = [e.event for e in (await later.subscribe(conv)).events]
    path = f"/api/v1/conversations/{conv}/events"
    _, _, listed = await asyncio.to_thread(lambda: get(system, path, Authorization=f"Bearer {token}"))
    assert [e["type"] for e in replayed][-1] == "conversation.resolved"
    for text in (json.dumps(frames), json.dumps(replayed), listed):
        assert "conversation.resolved" in text
        assert "nuisance" not in text


async def test_what_a_host_page_keeps_in_its_query_is_not_stored(system: System) -> None:
    async with raw(system.nodes[0]) as socket:
        token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
        page = "https://shop.example/cart?token=s3cret&utm_source=ad#s3cret"
        greeting = {"t": "hello", "token": token, "page": page, "referrer": "https://sso.example/?code=s3cret"}
        await socket.send(json.dumps(greeting))
        await told(socket, "welcome")
        await socket.send(json.dumps({"t": "send", "id": "01990000-0000-7000-8000-0000000000aa", "text": "hello"}))
        conv = (await told(socket, "ok"))["conv"]
    opened = (await stored_events(system, conv))[0]
    assert b"s3cret" not in opened.raw
    assert opened.event["source"]["page"] == "https://shop.example/cart?utm_source=ad"
    assert opened.event["source"]["referrer"] == "https://sso.example/"


async def test_read_marks_from_many_sockets_do_not_fill_the_log(system: System) -> None:
    token, _ = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    async with system.visitor(token=token).running() as visitor, system.agent(LIN).running() as agent:
        conv = (await visitor.send("hello"))["conv"]
        last = (await agent.send("good morning", conv))["seq"]
        sockets = [raw(system.nodes[0]) for _ in range(2 * MARKS_BURST)]
        opened = [await one.__aenter__() for one in sockets]
        try:
            for one in opened:
                await hello(one, token)
            for one in opened:
                # Each tells of something received; none has read anything new.
                for _ in range(10):
                    await one.send(json.dumps({"t": "mark", "conv": conv, "delivered": last}))
                await one.send('{"t":"ping","n":1}')
            for one in opened:
                await told(one, "pong")
        finally:
            for one in sockets:
                await one.__aexit__(None, None, None)
        # What is stored after the marks is stored behind them.
        await visitor.send("the end", conv)
        stored = [e.event for e in await stored_events(system, conv)]
    marks = [e for e in stored if e["type"] == "read.marked" and e["by"]["kind"] == "visitor"]
    assert 1 <= len(marks) <= MARKS_BURST + 8


async def test_sites_that_may_show_a_widget_are_named_by_an_admin_alone(system: System) -> None:
    cookie = await asyncio.to_thread(admin, system, "webmaster")
    url = f"{system.nodes[0].http}/api/v1/inboxes/web"

    async def change(cookie: str, **body: Any) -> rest.Answer:
        return await asyncio.to_thread(rest.call, "PUT", url, body, headers={"Cookie": cookie})

    by_agent = (await asyncio.to_thread(rest.sign_in, system.nodes[0].http, LIN.email, LIN.password)).cookie
    assert (await change(by_agent, name="Web", origins=["https://evil.example"])).status == 403
    for wrong in ("https://a.example; script-src *", "javascript:1"):
        assert (await change(cookie, name="Web", origins=[wrong])).body["code"] == "inbox.origins"
    name = (await asyncio.to_thread(rest.call, "GET", url, headers={"Cookie": cookie})).body["name"]
    try:
        changed = await change(cookie, name=name, origins=["https://shop.example"])
        assert changed.body["origins"] == ["https://shop.example"]
        # Another name alone leaves them.
        assert (await change(cookie, name=name)).body["origins"] == ["https://shop.example"]
        await _may_be_shown_by(system, "https://shop.example")
    finally:
        assert (await change(cookie, name=name, origins=["*"])).status == 200
        # The node keeps an inbox for some seconds: the next test would meet the former.
        await _may_be_shown_by(system, "*")


async def _may_be_shown_by(system: System, site: str) -> None:
    async with asyncio.timeout(WITHIN_S):
        while f"frame-ancestors 'self' {site}" not in (await asyncio.to_thread(_policy, system)):
            await asyncio.sleep(0.2)


def _policy(system: System) -> str:
    return get(system, "/widget/web")[1]["content-security-policy"]
