"""The wire protocol on real nodes: tenants are islands, order, resume, limits, codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from backbone import directory
from backbone.ids import new_event_id
from node.entry.passwords import hash_password
from tests.harness.processes import Process
from tests.harness.system import EMMA, LIN, PASSWORD, System
from trunkline import rest
from trunkline.client import Client, RefusedError
from trunkline.connect import connected

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def raw(node: Process, *, origin: str = "", cookie: str = "") -> AsyncIterator[ClientConnection]:
    async with connect(
        node.ws,
        subprotocols=[Subprotocol("trunkline.v1")],
        origin=Origin(origin or node.http),
        additional_headers={"Cookie": cookie} if cookie else None,
        compression=None,
        ping_interval=None,
    ) as socket:
        yield socket


async def told(socket: ClientConnection, wanted: str, within_s: float = 30) -> dict[str, Any]:
    async with asyncio.timeout(within_s):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["t"] == wanted:
                return frame


async def closed(socket: ClientConnection, within_s: float = 30) -> int:
    try:
        async with asyncio.timeout(within_s):
            while True:
                await socket.recv()
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006


async def hello(socket: ClientConnection, token: str = "") -> dict[str, Any]:
    await socket.send(json.dumps({"t": "hello", "token": token}))
    return await told(socket, "welcome")


def token_of(system: System) -> str:
    return rest.become_visitor(system.nodes[0].http, "web")[0]


def cookie_of(system: System) -> str:
    return rest.sign_in(system.nodes[0].http, LIN.email, LIN.password).cookie


async def test_a_conversation_crosses_two_nodes_in_one_order(system: System) -> None:
    first, second = system.nodes
    async with system.visitor(nodes=[first]).running() as visitor, system.agent(LIN, nodes=[second]).running() as agent:
        conv = (await visitor.send("你好"))["conv"]
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        await asyncio.gather(
            *(visitor.send(f"v{n}", conv) for n in range(10)), *(agent.send(f"a{n}", conv) for n in range(10))
        )
        async with asyncio.timeout(30):
            while not all(len(c.conversations[conv].events) >= 22 for c in (visitor, agent)):
                await asyncio.sleep(0.02)
    seen = [[a.seq for a in c.conversations[conv].events] for c in (visitor, agent)]
    assert seen[0] == seen[1] == sorted(set(seen[0]))


async def test_a_watermark_is_resumed_and_a_foreign_one_is_told_to_begin_again(system: System) -> None:
    async with raw(system.nodes[0]) as socket:
        token = token_of(system)
        await hello(socket, token)
        ids = [new_event_id() for _ in range(5)]
        await socket.send(json.dumps({"t": "send", "id": ids[0], "text": "0"}))
        conv = (await told(socket, "ok"))["conv"]
        for number, one in enumerate(ids[1:], 1):
            await socket.send(json.dumps({"t": "send", "id": one, "conv": conv, "text": str(number)}))
            await told(socket, "ok")
        await socket.send(json.dumps({"t": "sub", "conv": conv}))
        whole = await told(socket, "evs")
    epoch, events = whole["epoch"], whole["events"]
    assert [e[2].get("text") for e in events] == [None, "0", "1", "2", "3", "4"]
    async with raw(system.nodes[1]) as socket:
        await hello(socket, token)
        await socket.send(json.dumps({"t": "sub", "conv": conv, "after": [epoch, events[2][0]]}))
        rest_of_it = await told(socket, "evs")
        assert rest_of_it["events"] == events[3:]
        await socket.send(json.dumps({"t": "sub", "conv": conv, "after": [epoch, events[1][0]], "limit": 2}))
        page = await told(socket, "evs")
        assert (page["events"], page["more"]) == (events[2:4], True)
        for after in ([epoch + 1, events[2][0]], [epoch, events[-1][0] + 1000], [epoch - 5, 1]):
            await socket.send(json.dumps({"t": "sub", "conv": conv, "after": after}))
            assert (await told(socket, "resync"))["epoch"] == epoch
        await socket.send(json.dumps({"t": "sub", "conv": conv, "limit": 2}))
        assert (await told(socket, "evs"))["events"] == events[-2:]
        await socket.send(json.dumps({"t": "history", "conv": conv, "before": [epoch, events[4][0]], "limit": 2}))
        older = await told(socket, "evs")
        assert (older["events"], older["history"], older["more"]) == (events[2:4], True, True)


async def test_an_act_is_named_in_its_frame_as_a_struct_or_in_the_form_before(system: System) -> None:
    async with system.visitor().running() as visitor:
        conv = (await visitor.send("mine"))["conv"]
    async with raw(system.nodes[0], cookie=cookie_of(system)) as socket:
        await hello(socket)
        for what, answer, code in (
            ({"act": {"do": "explode"}}, "err", "frame.invalid"),
            ({"act": {"do": "assign"}}, "err", "frame.invalid"),
            ({}, "err", "frame.invalid"),
            ({"act": {"do": "take"}}, "ok", None),
            ({"act": {"do": "assign", "agent": "nobody"}}, "err", "assign.unknown_agent"),
            ({"do": "resolve", "args": {"reason": "done"}}, "ok", None),
            ({"act": {"do": "reopen"}}, "ok", None),
        ):
            await socket.send(json.dumps({"t": "act", "id": new_event_id(), "conv": conv, **what}))
            assert (await told(socket, answer)).get("code") == code, what


async def test_a_visitor_sees_nothing_of_notes_assignments_and_other_visitors(system: System) -> None:
    async with (
        system.visitor().running() as visitor,
        system.visitor().running() as stranger,
        system.agent(LIN).running() as agent,
    ):
        conv = (await visitor.send("secret of mine"))["conv"]
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        await agent.act(conv, "take")
        await agent.send("between us", conv, note=True)
        await agent.send("hello", conv)
        async with asyncio.timeout(30):
            for client in (visitor, agent):
                while client.conversations[conv].events[-1].event.get("text") != "hello":
                    await asyncio.sleep(0.02)
        types = [a.event["type"] for a in visitor.conversations[conv].events]
        assert types == ["conversation.opened", "message.added", "message.added"]
        assert visitor.conversations[conv].mark == agent.conversations[conv].mark
        frames: list[dict[str, Any]] = [
            {"t": "sub", "conv": conv},
            {"t": "send", "conv": conv, "text": "x"},
            {"t": "history", "conv": conv, "before": [1, 99]},
            {"t": "mark", "conv": conv, "read": 1},
            {"t": "signal", "conv": conv, "kind": "typing"},
        ]
        for frame in frames:
            answer = await refused_raw(system, stranger.token, frame)
            assert answer["code"] in {"resource.not_found", "signal.not_subscribed"}, frame


async def refused_raw(system: System, token: str, frame: dict[str, Any]) -> dict[str, Any]:
    async with raw(system.nodes[0]) as socket:
        await hello(socket, token)
        await socket.send(json.dumps({"id": new_event_id(), **frame} if frame["t"] == "send" else frame))
        return await told(socket, "err")


async def test_an_agent_writes_to_a_contact_who_is_known(system: System) -> None:
    async with system.visitor().running() as visitor, system.agent(LIN).running() as agent:
        conv = (await visitor.send("hi"))["conv"]
        to = {"inbox": "web", "contact": visitor.welcome["me"]["id"]}
        assert (await agent.post({"t": "send", "to": to, "text": "hello"}))["conv"] == conv
        for unknown in ("c" + "a" * 26, "../x"):
            with pytest.raises(RefusedError) as refused:
                await agent.post({"t": "send", "to": {"inbox": "web", "contact": unknown}, "text": "hello"})
            assert refused.value.field == "to.contact"


async def test_tenants_are_islands(system: System) -> None:
    async with connected(system.common, "test") as link:
        await directory.create_tenant(link, "islands", "Islands")
        await directory.create_inbox(link, "islands", directory.Inbox(id="islands-web", channel="web", name="Islands"))
        spy = directory.Agent(id="spy", name="Spy", email="spy@islands.example", password=await hash_password(PASSWORD))
        await directory.create_agent(link, "islands", spy)
        with pytest.raises(Exception, match="taken"):
            await directory.create_inbox(link, "islands", directory.Inbox(id="web", channel="web", name="Mine now"))
    cookie = rest.sign_in(system.nodes[0].http, "spy@islands.example", PASSWORD).cookie
    async with system.visitor().running() as visitor:
        conv = (await visitor.send("canary of main"))["conv"]
    async with raw(system.nodes[0], cookie=cookie) as socket:
        await hello(socket)
        for frame in (
            {"t": "sub", "conv": conv},
            {"t": "send", "id": new_event_id(), "conv": conv, "text": "x"},
            {"t": "act", "id": new_event_id(), "conv": conv, "do": "take"},
            {"t": "history", "conv": conv, "before": [1, 99]},
        ):
            await socket.send(json.dumps(frame))
            assert (await told(socket, "err"))["code"] == "resource.not_found"
        to = {"inbox": "web", "contact": visitor.welcome["me"]["id"]}
        await socket.send(json.dumps({"t": "send", "id": new_event_id(), "to": to, "text": "x"}))
        assert (await told(socket, "err"))["code"] == "inbox.not_found"
        await socket.send(json.dumps({"t": "watch", "view": "all"}))
        assert (await told(socket, "heads"))["rows"] == []
    for path in (f"/api/v1/conversations/{conv}/events", f"/api/v1/conversations/{conv}/files/2/0"):
        answer = rest.call("GET", system.nodes[0].http + path, headers={"Cookie": cookie})
        assert answer.status == 404
    agents = rest.call("GET", system.nodes[0].http + "/api/v1/agents", headers={"Cookie": cookie})
    assert [a["id"] for a in agents.body["items"]] == ["spy"]


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("nonsense", 4400),
        ('{"t":"ping"}', 4401),
        ('{"t":"hello","token":"forged"}', 4401),
        ('{"t":"hello"}', 4401),
        ('{"t":"hello","version":0}', 4426),
        ('{"t":"hello","client":"' + "x" * 200_000 + '"}', 4413),
    ],
)
async def test_what_a_socket_is_closed_for(system: System, first: str, code: int) -> None:
    async with raw(system.nodes[0]) as socket:
        await socket.send(first)
        assert await closed(socket) == code


async def test_another_sites_page_may_not_use_an_agents_cookie(system: System) -> None:
    async with raw(system.nodes[0], origin="https://evil.example", cookie=cookie_of(system)) as socket:
        await socket.send('{"t":"hello"}')
        assert await closed(socket) == 4403


async def test_binary_frames_are_refused_and_invalid_ones_leave_the_socket_alive(system: System) -> None:
    async with raw(system.nodes[0]) as socket:
        await hello(socket, token_of(system))
        await socket.send('{"t":"sub"}')
        assert (await told(socket, "err"))["code"] == "frame.invalid"
        await socket.send('{"t":"ping","n":7}')
        assert (await told(socket, "pong"))["n"] == 7
        await socket.send(b"\x00\x01")
        assert await closed(socket) == 4400


async def test_signing_out_closes_the_sockets_of_the_session_on_every_node(system: System) -> None:
    cookie = cookie_of(system)
    async with raw(system.nodes[1], cookie=cookie) as socket:
        await hello(socket)
        answer = rest.call("DELETE", system.nodes[0].http + "/api/v1/session", headers={"Cookie": cookie})
        assert answer.status == 204
        assert await closed(socket) == 4409


async def test_typing_reaches_the_other_side_only_and_is_stored_nowhere(system: System) -> None:
    frames: list[dict[str, Any]] = []
    own: list[dict[str, Any]] = []
    async with (
        system.visitor(nodes=[system.nodes[0]], pushed=own.append).running() as visitor,
        system.agent(LIN, nodes=[system.nodes[1]], pushed=frames.append).running() as agent,
    ):
        conv = (await visitor.send("hi"))["conv"]
        await visitor.subscribe(conv)
        await agent.subscribe(conv)
        await visitor.say({"t": "signal", "conv": conv, "kind": "typing", "text": "I wa"})
        await agent.say({"t": "signal", "conv": conv, "kind": "viewing"})
        await agent.say({"t": "signal", "conv": conv, "kind": "typing"})
        async with asyncio.timeout(30):
            while not [f for f in frames if f["t"] == "signal"] or not [f for f in own if f["t"] == "signal"]:
                await asyncio.sleep(0.02)
    (heard,) = [f for f in frames if f["t"] == "signal"]
    assert (heard["kind"], heard["text"], heard["by"]) == ("typing", "I wa", visitor.welcome["me"]["id"])
    assert [f["kind"] for f in own if f["t"] == "signal"] == ["typing"]
    events = rest.call(
        "GET", f"{system.nodes[0].http}/api/v1/conversations/{conv}/events", headers={"Cookie": agent.cookie}
    )
    assert [e[2]["type"] for e in events.body["events"]] == ["conversation.opened", "message.added"]


async def test_read_marks_are_merged_and_only_the_owner_and_the_visitor_leave_them(system: System) -> None:
    async with (
        system.visitor().running() as visitor,
        system.agent(LIN).running() as lin,
        system.agent(EMMA).running() as emma,
    ):
        conv = (await visitor.send("hi"))["conv"]
        for agent in (lin, emma):
            await agent.subscribe(conv)
        await lin.act(conv, "take")
        await visitor.send("one", conv)
        seq = (await visitor.send("two", conv))["seq"]
        for read in (seq - 1, seq, seq):
            await emma.say({"t": "mark", "conv": conv, "read": read})
            await lin.say({"t": "mark", "conv": conv, "read": read})
        async with asyncio.timeout(30):
            while reads(lin, conv)[-1:] != [("lin", seq)]:
                await asyncio.sleep(0.05)
        assert reads(lin, conv) == [("lin", seq - 1), ("lin", seq)]


def reads(client: Client, conv: str) -> list[tuple[str, int]]:
    events = [a.event for a in client.conversations[conv].events]
    return [(e["reader"], e["read"]) for e in events if e["type"] == "read.marked"]


@pytest.mark.rest
async def test_too_many_messages_are_told_when_to_come_back(system: System) -> None:
    async with raw(system.nodes[0]) as socket:
        await hello(socket, token_of(system))
        await socket.send(json.dumps({"t": "send", "id": new_event_id(), "text": "first"}))
        conv = (await told(socket, "ok"))["conv"]
        # Far more than the burst, so that a slow node, which allows a few more meanwhile, refuses some all the same.
        for _ in range(100):
            await socket.send(json.dumps({"t": "send", "id": new_event_id(), "conv": conv, "text": "x"}))
        refused = await told(socket, "err")
        assert refused["code"] == "limit.rate"
        assert refused["retry_after_ms"] > 0


async def test_the_presence_of_an_agent_is_told_and_chosen(system: System) -> None:
    async with system.agent(EMMA).running() as emma:
        assert emma.welcome["me"]["state"] == "online"
        await emma.presence("away", capacity=3)
        cookie = cookie_of(system)
        agents = rest.call("GET", system.nodes[1].http + "/api/v1/agents", headers={"Cookie": cookie}).body["items"]
        (found,) = [a for a in agents if a["id"] == "emma"]
        assert (found["state"], found["present"], found["capacity"]) == ("away", True, 3)
        with pytest.raises(RefusedError):
            await emma.presence("asleep")
        await emma.presence("online")
