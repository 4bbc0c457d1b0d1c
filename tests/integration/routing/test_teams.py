"""Two teams: an agent whose reach is their teams sees the conversations of these alone, wherever they ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from msgspec import structs
from websockets.asyncio.client import ClientConnection

from backbone import directory
from backbone import events as ev
from backbone.clock import utc_ms
from backbone.conversation import Head
from backbone.decide import read_head
from backbone.directory import OPERATOR, Agent, CustomRole, Team
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from node.entry.passwords import hash_password
from tests.harness.system import PASSWORD, TENANT, System, running_system
from tests.integration.node.test_sockets import closed, hello, raw, told
from trunkline import rest
from trunkline.client import Client
from trunkline.connect import connected

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SAM = Agent(id="sam", name="Sam", email="sam@example.com", reach="teams", teams=("sales",))
OLA = Agent(id="ola", name="Ola", email="ola@example.com")
NINA = Agent(id="nina", name="Nina", email="nina@example.com", role="reader")
READER = CustomRole(id="reader", name="Reader", actions=("conversation.read", "conversation.list", "profile.manage"))
RESTARTS = 1012


class Talk(NamedTuple):
    """A conversation of one team's, and the sequence of its message with a file."""

    conv: str
    contact: str
    seq: int


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A node and routing; two teams, three agents of whom nobody is there until they connect."""
    with running_system(tmp_path_factory.mktemp("teams"), adapters=("routing",)) as running:
        asyncio.run(_people(running))
        yield running


async def _people(system: System) -> None:
    password = await hash_password(PASSWORD)
    async with connected(system.common, "test") as link:
        for record in (Team(id="sales", name="Sales"), Team(id="support", name="Support"), READER):
            await directory.change(link, OPERATOR, "", directory.key_of(TENANT, record), record, 0)
        for agent in (SAM, OLA, NINA):
            await directory.create_agent(link, TENANT, structs.replace(agent, password=password))


async def _change(system: System, agent: str, **changes: Any) -> None:
    async with connected(system.common, "test") as link:
        kept = await directory.get_whole(link, f"{TENANT}.agent.{agent}")
        assert kept is not None
        await directory.change(link, OPERATOR, "", kept.key, structs.replace(kept.value, **changes), kept.revision)


async def _publish(system: System, conv: str, kind: Any, **more: Any) -> None:
    """Somebody's decision, as routing or an automation will make it; returns once the heads' bucket has it."""
    async with connected(system.common, "test") as link, asyncio.timeout(20):
        head = await read_head(Log(link), TENANT, conv, None)
        assert head is not None
        event = kind(
            id=new_event_id(),
            tenant=TENANT,
            channel="web",
            conv=conv,
            at=utc_ms(),
            by=ev.Actor("system", "test"),
            **more,
        )
        stored = await Log(link).publish(subjects.chat(TENANT, "web", conv), event, head.seq)
        heads: Bucket[Head] = Bucket(link, "heads", Head)
        while (kept := await heads.get(subjects.key(TENANT, conv))) is None or kept.value.seq < stored.seq:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _talk(system: System, team: str) -> AsyncIterator[tuple[Talk, Client]]:
    token, contact = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    uploaded = await asyncio.to_thread(
        rest.upload, system.nodes[0].http, "a.txt", f"for {team}".encode(), "text/plain", token=token
    )
    async with system.visitor_at(system.nodes[0].ws, token).running() as visitor:
        sent = await visitor.send(f"hello {team}", None, attachments=[uploaded.body["file"]])
        # Somebody who isn't there, of the team: nobody else is given it.
        await _publish(system, sent["conv"], ev.ConversationAssigned, agent=f"of-{team}", team=team)
        yield Talk(sent["conv"], contact, sent["seq"]), visitor


@asynccontextmanager
async def _socket(system: System, cookie: str) -> AsyncIterator[ClientConnection]:
    async with raw(system.nodes[0], cookie=cookie) as socket:
        await hello(socket)
        yield socket


async def _cookie(system: System, agent: Agent) -> str:
    answer = await asyncio.to_thread(rest.sign_in, system.nodes[0].http, agent.email, PASSWORD)
    assert answer.status == 200, answer
    return answer.cookie


async def _get(system: System, cookie: str, path: str) -> rest.Answer:
    url = f"{system.nodes[0].http}/api/v1/{path}"
    return await asyncio.to_thread(rest.call, "GET", url, headers={"Cookie": cookie})


async def _view(socket: ClientConnection, view: str) -> tuple[set[str], dict[str, int]]:
    await socket.send(json.dumps({"t": "watch", "view": view, "limit": 100}))
    async with asyncio.timeout(20):
        while not (frame := await told(socket, "heads")).get("reset") or frame["view"] != view:
            pass
    return {row["conv"] for row in frame["rows"]}, frame["counts"]


async def _answer(socket: ClientConnection, frame: dict[str, Any]) -> dict[str, Any]:
    """What a frame about a conversation is answered: its own `err`, `ok` or `evs`."""
    frame = {"id": new_event_id(), **frame} if frame["t"] in {"send", "act"} else frame
    await socket.send(json.dumps(frame))
    async with asyncio.timeout(20):
        while True:
            said: dict[str, Any] = json.loads(await socket.recv())
            if said["t"] in {"err", "ok", "evs"}:
                return said


async def test_an_agent_of_one_team_sees_and_touches_nothing_of_the_other(system: System) -> None:
    async with _talk(system, "sales") as (sales, _), _talk(system, "support") as (support, _):
        by_sam, by_ola = await _cookie(system, SAM), await _cookie(system, OLA)
        async with _socket(system, by_sam) as sam, _socket(system, by_ola) as ola:
            # Lists and counts.
            everything, counts = await _view(ola, "all")
            assert {sales.conv, support.conv} <= everything
            shown, in_scope = await _view(sam, "all")
            assert shown == {sales.conv}
            assert (await _view(sam, "team:support"))[0] == set()
            assert (await _view(sam, "team:sales"))[0] == {sales.conv}
            assert in_scope["all"] == 1
            assert counts["all"] >= 2
            for cookie, has_both in ((by_sam, False), (by_ola, True)):
                listed = {one["conv"] for one in (await _get(system, cookie, "conversations?view=all")).body["items"]}
                assert (sales.conv in listed, support.conv in listed) == (True, has_both)
            # By id: events, files, history, everything that a frame can ask.
            for path in ("events", f"files/{support.seq}/0"):
                refused = await _get(system, by_sam, f"conversations/{support.conv}/{path}")
                assert (refused.status, refused.body["code"]) == (404, "resource.not_found"), path
                assert (await _get(system, by_ola, f"conversations/{support.conv}/{path}")).status == 200, path
                own = path.replace(str(support.seq), str(sales.seq))
                assert (await _get(system, by_sam, f"conversations/{sales.conv}/{own}")).status == 200, path
            for frame in (
                {"t": "sub", "limit": 10},
                {"t": "history", "before": [1, support.seq + 5], "limit": 10},
                {"t": "send", "text": "hello"},
                {"t": "send", "text": "between us", "note": True},
                {"t": "act", "act": {"do": "take"}},
                {"t": "act", "do": "resolve"},
                {"t": "mark", "read": support.seq},
            ):
                said = await _answer(sam, {**frame, "conv": support.conv})
                assert (said["t"], said["code"]) == ("err", "resource.not_found"), frame
            said = await _answer(sam, {"t": "send", "text": "hi", "to": {"inbox": "web", "contact": support.contact}})
            assert said["code"] == "contact.not_found"
            said = await _answer(sam, {"t": "send", "text": "hi", "to": {"inbox": "web", "contact": sales.contact}})
            assert (said["t"], said["conv"]) == ("ok", sales.conv)
            assert (await _answer(sam, {"t": "sub", "conv": sales.conv, "limit": 10}))["t"] == "evs"


async def test_a_conversation_that_is_handed_to_another_team_is_shown_no_longer(system: System) -> None:
    async with _talk(system, "sales") as (sales, visitor), _socket(system, await _cookie(system, SAM)) as sam:
        await _view(sam, "all")
        assert (await _answer(sam, {"t": "sub", "conv": sales.conv, "limit": 10}))["t"] == "evs"
        await _publish(system, sales.conv, ev.ConversationAssigned, agent="of-support", team="support")
        seen: list[dict[str, Any]] = []
        async with asyncio.timeout(20):
            # From the view and from what it was attached to, in either order.
            while not any(sales.conv in one.get("gone", []) for one in seen) or "err" not in {one["t"] for one in seen}:
                seen.append(json.loads(await sam.recv()))
        [said] = [one for one in seen if one["t"] == "err"]
        assert (said["conv"], said["code"]) == (sales.conv, "resource.not_found")
        await visitor.send("not for sales", sales.conv)
        await sam.send('{"t":"ping","n":3}')
        async with asyncio.timeout(20):
            while seen[-1]["t"] != "pong":
                seen.append(json.loads(await sam.recv()))
        assert not any("not for sales" in json.dumps(one) for one in seen)
        assert (await _answer(sam, {"t": "sub", "conv": sales.conv, "limit": 10}))["code"] == "resource.not_found"


async def test_other_teams_count_at_once_and_an_unknown_reach_is_the_narrowest(system: System) -> None:
    async with _talk(system, "support") as (support, _):
        cookie = await _cookie(system, SAM)
        async with _socket(system, cookie) as sam:
            await _change(system, "sam", teams=("sales", "support"))
            assert await closed(sam) == RESTARTS
        async with _socket(system, cookie) as sam:
            assert support.conv in (await _view(sam, "all"))[0]
            async with connected(system.common, "test") as link:
                kept = await directory.get_whole(link, f"{TENANT}.agent.sam")
                assert kept is not None
                assert isinstance(kept.value, Agent)
                # Another version's word, past the writer.
                bare = await directory.directory(link).get(kept.key)
                assert bare is not None
                await directory.directory(link).put(kept.key, structs.replace(bare.value, reach="galaxy"))
            assert await closed(sam) == RESTARTS
        async with _socket(system, cookie) as sam:
            assert (await _view(sam, "all"))[0] == set()
        await _change(system, "sam", reach="teams", teams=("sales",))


async def test_a_custom_role_may_what_its_record_says_as_it_is_now(system: System) -> None:
    async with _talk(system, "support") as (support, _), _socket(system, await _cookie(system, NINA)) as nina:
        assert (await _answer(nina, {"t": "sub", "conv": support.conv, "limit": 10}))["t"] == "evs"
        take = {"t": "act", "act": {"do": "reopen"}, "conv": support.conv}
        assert (await _answer(nina, take))["code"] == "access.forbidden"
        key = directory.key_of(TENANT, READER)
        async with connected(system.common, "test") as link:
            kept = await directory.directory(link).get(key)
            assert kept is not None
            more = structs.replace(READER, actions=(*READER.actions, "conversation.reopen"))
            revision = await directory.change(link, OPERATOR, "", key, more, kept.revision)
            async with asyncio.timeout(20):
                # The same socket, a moment later; it isn't resolved, which is another refusal.
                while (said := await _answer(nina, take))["code"] == "access.forbidden":
                    await asyncio.sleep(0.05)
            # Allowed, and refused for what the conversation is.
            assert said["code"] == "conflict"
            await directory.remove(link, OPERATOR, "", key, revision)
            async with asyncio.timeout(20):
                while (said := await _answer(nina, take))["code"] != "access.forbidden":
                    await asyncio.sleep(0.05)
        assert (await _answer(nina, {"t": "sub", "conv": support.conv, "limit": 10}))["code"] == "access.forbidden"
