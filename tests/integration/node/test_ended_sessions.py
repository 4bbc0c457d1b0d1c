"""Sessions and tokens that were ended, have expired, or were never made by us: nothing is read or written by them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs
from websockets.asyncio.client import ClientConnection

from backbone import directory
from backbone.directory import Agent
from backbone.ids import key_hash, new_event_id, new_secret
from backbone.nats.buckets import Bucket
from backbone.signing import Signer
from node.entry.passwords import hash_password
from node.entry.sessions import PURPOSE, SessionRecord, Sessions
from tests.harness.system import PASSWORD, SECRET, TENANT, System
from tests.integration.node.test_sockets import closed, hello, raw, told
from trunkline import rest
from trunkline.client import RefusedError
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

WITHIN_S = 2.0
"""From the change to the close."""

LIFE_S = 14 * 86_400


async def an_agent(system: System, name: str, role: directory.Role = "agent") -> Agent:
    """Somebody of this test's alone."""
    agent = Agent(id=name, name=name, email=f"{name}@example.com", password=await hash_password(PASSWORD), role=role)
    async with connected(system.common, "test") as link:
        return await directory.create_agent(link, TENANT, agent)


async def change(system: System, agent: str, **changes: Any) -> None:
    """What somebody at the directory does."""
    async with connected(system.common, "test") as link:
        bucket = directory.directory(link)
        kept = await bucket.get(f"{TENANT}.agent.{agent}")
        assert kept is not None
        await bucket.update(kept.key, structs.replace(kept.value, **changes), kept.revision)


async def call(
    system: System, method: str, path: str, cookie: str = "", body: Any = None, *, node: int = 0
) -> rest.Answer:
    url = system.nodes[node].http + path
    return await asyncio.to_thread(rest.call, method, url, body, headers={"Cookie": cookie} if cookie else None)


async def sign_in(system: System, agent: Agent, password: str = PASSWORD) -> str:
    answer = await asyncio.to_thread(rest.sign_in, system.nodes[0].http, agent.email, password)
    assert answer.status == 200, answer
    return answer.cookie


@asynccontextmanager
async def connection(
    system: System, cookie: str = "", token: str = "", node: int = 1
) -> AsyncIterator[ClientConnection]:
    """A socket that was welcomed, by default on the other node than the one that is asked over HTTP."""
    async with raw(system.nodes[node], cookie=cookie) as socket:
        await hello(socket, token)
        yield socket


async def is_alive(socket: ClientConnection) -> bool:
    await socket.send('{"t":"ping","n":7}')
    return bool(await told(socket, "pong"))


async def test_a_deactivated_agents_open_socket_reads_and_writes_no_more(system: System) -> None:
    agent = await an_agent(system, "gone")
    cookie = await sign_in(system, agent)
    async with connection(system, cookie) as socket, connection(system, cookie, node=0) as other:
        await change(system, "gone", active=False)
        assert [await closed(one, WITHIN_S) for one in (socket, other)] == [4409, 4409]
    assert (await call(system, "GET", "/api/v1/me", cookie)).body["code"] == "session.expired"


async def test_a_role_that_was_taken_away_is_not_kept_by_an_open_socket(system: System) -> None:
    boss, worker = await an_agent(system, "boss", "supervisor"), await an_agent(system, "worker")
    async with (
        connection(system, await sign_in(system, boss)) as socket,
        connection(system, await sign_in(system, worker)) as theirs,
        system.visitor().running() as visitor,
    ):
        conv = (await visitor.send("hello"))["conv"]

        async def released() -> dict[str, Any]:
            await theirs.send(f'{{"t":"act","id":"{new_event_id()}","conv":"{conv}","do":"take"}}')
            await told(theirs, "ok")
            frame_id = new_event_id()
            await socket.send(f'{{"t":"act","id":"{frame_id}","conv":"{conv}","do":"release"}}')
            async with asyncio.timeout(30):
                while (frame := json.loads(await socket.recv())).get("id") != frame_id:
                    pass
            return dict(frame)

        assert (await released())["t"] == "ok"
        await change(system, "boss", role="agent")
        deadline = time.monotonic() + WITHIN_S
        while (answer := await released())["t"] == "ok":
            assert time.monotonic() < deadline
        # As to any agent who isn't its owner: told with the event that decided.
        assert answer["code"] == "conflict"


async def test_a_session_that_expires_closes_its_open_socket(system: System) -> None:
    agent = await an_agent(system, "old")
    cookie = await sign_in(system, agent)
    key = f"{TENANT}.old.{key_hash(cookie.rsplit('.', 1)[1])}"
    async with connected(system.common, "test") as link:
        bucket: Bucket[SessionRecord] = Bucket(link, "sessions", SessionRecord)
        kept = await bucket.get(key)
        assert kept is not None
        soon = structs.replace(kept.value, began=int(time.time()) - LIFE_S + 2)
        parts = (key, soon.began, soon.seen, soon.address, soon.password, soon.ended_ms)
        await bucket.put(key, structs.replace(soon, mark=Signer(SECRET).mark(PURPOSE, *parts)), 3600)
    async with connection(system, cookie) as socket:
        assert await closed(socket, 3 + WITHIN_S) == 4409


async def test_a_session_written_into_the_bucket_opens_nothing(system: System) -> None:
    agent = await an_agent(system, "victim")
    secret, now = new_secret(), int(time.time())
    key = f"{TENANT}.victim.{key_hash(secret)}"
    record = SessionRecord(began=now, seen=now, password=key_hash(agent.password)[:16])
    async with connected(system.common, "test") as link:
        bucket: Bucket[SessionRecord] = Bucket(link, "sessions", SessionRecord)
        # One of the victim's own, put under another secret, is none either.
        await sign_in(system, agent)
        own = (await bucket.all(f"{TENANT}.victim.*"))[0].value
        for forged in (record, structs.replace(record, mark="0" * 64), own):
            await bucket.put(key, forged, 3600)
            answer = await call(system, "GET", "/api/v1/me", f"tl={TENANT}.victim.{secret}")
            assert answer.body["code"] == "session.expired"


async def test_signing_out_elsewhere_ends_the_other_sessions_alone(system: System) -> None:
    agent = await an_agent(system, "everywhere")
    here, there, third = [await sign_in(system, agent) for _ in range(3)]
    async with connection(system, here) as own, connection(system, there) as other:
        listed = (await call(system, "GET", "/api/v1/sessions", here)).body["items"]
        assert [one["current"] for one in listed].count(True) == 1
        assert {one["address"] for one in listed} == {"127.0.0.1"}
        of_third = key_hash(third.rsplit(".", 1)[1])
        assert (await call(system, "DELETE", f"/api/v1/sessions/{of_third}", here)).status == 204
        assert (await call(system, "GET", "/api/v1/me", third, node=1)).body["code"] == "session.expired"
        assert (await call(system, "DELETE", f"/api/v1/sessions/{of_third}", here)).body["code"] == "session.not_found"
        assert (await call(system, "DELETE", "/api/v1/sessions", here)).body == {"ended": 1}
        assert await closed(other, WITHIN_S) == 4409
        assert await is_alive(own)


async def test_another_password_ends_every_session_that_began_with_the_former(system: System) -> None:
    agent = await an_agent(system, "careful")
    here, stolen = [await sign_in(system, agent) for _ in range(2)]
    new = "another battery staple"
    async with connection(system, here) as own, connection(system, stolen) as thief:
        wrong = {"password": "wrong password", "new_password": new}
        assert (await call(system, "PUT", "/api/v1/me/password", stolen, wrong)).body[
            "code"
        ] == "session.bad_credentials"
        weak = {"password": PASSWORD, "new_password": "short"}
        assert (await call(system, "PUT", "/api/v1/me/password", here, weak)).body["code"] == "agent.password_weak"
        right = {"password": PASSWORD, "new_password": new}
        assert (await call(system, "PUT", "/api/v1/me/password", here, right)).status == 204
        assert await closed(thief, WITHIN_S) == 4409
        assert await is_alive(own)
    assert (await call(system, "GET", "/api/v1/me", here)).status == 200
    assert (await call(system, "GET", "/api/v1/me", stolen)).body["code"] == "session.expired"
    await sign_in(system, agent, new)
    # By whatever way it was changed.
    async with connection(system, here) as own:
        await change(system, "careful", password=await hash_password(PASSWORD))
        assert await closed(own, WITHIN_S) == 4409


async def test_an_admin_ends_an_agents_sessions_and_nobody_else_does(system: System) -> None:
    admin, agent = await an_agent(system, "chief", "admin"), await an_agent(system, "lost-phone")
    by_admin, by_agent = await sign_in(system, admin), await sign_in(system, agent)
    path = "/api/v1/agents/lost-phone/sessions"
    for method in ("GET", "DELETE"):
        assert (await call(system, method, path, by_agent)).body["code"] == "access.admins_only"
        assert (await call(system, method, "/api/v1/agents/nobody/sessions", by_admin)).status == 404
    async with connection(system, by_agent) as socket:
        listed = (await call(system, "GET", path, by_admin)).body["items"]
        assert [one["current"] for one in listed] == [False]
        assert (await call(system, "DELETE", f"{path}/{listed[0]['id']}", by_admin)).status == 204
        assert await closed(socket, WITHIN_S) == 4409
    await sign_in(system, agent)
    assert (await call(system, "DELETE", path, by_admin)).body == {"ended": 1}


async def test_a_stolen_token_of_a_visitor_is_ended_everywhere(system: System) -> None:
    agent = await an_agent(system, "helper")
    cookie = await sign_in(system, agent)
    token, contact = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    async with system.visitor(token=token).running() as visitor:
        conv = (await visitor.send("somebody has my phone"))["conv"]
    path = f"/api/v1/contacts/{contact}/sessions"
    assert (await call(system, "DELETE", path)).status == 401
    assert (await call(system, "DELETE", f"/api/v1/contacts/c{'a' * 26}/sessions", cookie)).status == 404
    async with connection(system, token=token) as socket:
        assert (await call(system, "DELETE", path, cookie)).status == 204
        assert await closed(socket, WITHIN_S) == 4401
    for node in system.nodes:
        read = await asyncio.to_thread(
            rest.call,
            "GET",
            f"{node.http}/api/v1/conversations/{conv}/events",
            headers={"Authorization": f"Bearer {token}"},
        )
        assert (read.status, read.body["code"]) == (401, "token.ended")
        # Nor is it worth another one.
        fresh, other = await asyncio.to_thread(rest.become_visitor, node.http, "web", token)
        assert other != contact
        async with system.visitor(token=fresh).running() as stranger:
            with pytest.raises(RefusedError):
                await stranger.send("hello", conv)


async def test_whoever_can_write_the_bucket_ends_no_token_without_the_secret(system: System) -> None:
    token, contact = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
    now = int(time.time())
    async with connected(system.common, "test") as link:
        forged: Bucket[SessionRecord] = Bucket(link, "sessions", SessionRecord)
        async with connection(system, token=token) as socket:
            record = SessionRecord(began=now, seen=now, ended_ms=(now + 60) * 1000)
            await forged.put(f"{TENANT}._ended.{contact}", record, 3600)
            # One that counts, put behind it, has been seen once its own socket is closed.
            other_token, other = await asyncio.to_thread(rest.become_visitor, system.nodes[0].http, "web")
            async with connection(system, token=other_token) as ended:
                await Sessions(link, Signer(SECRET), 3600, LIFE_S, 3600).end_tokens(TENANT, other)
                assert await closed(ended, WITHIN_S) == 4401
            assert await is_alive(socket)
