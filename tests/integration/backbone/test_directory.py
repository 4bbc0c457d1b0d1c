"""The directory's writer and mirror on a real bucket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import msgspec
import pytest
from msgspec import structs

from backbone import directory
from backbone.directory import OPERATOR, Agent, CustomRole, Inbox, Mirror, Team
from backbone.errors import ConflictError, InvalidInputError, UnavailableError
from backbone.events import Actor
from backbone.nats.buckets import Bucket, Kept
from backbone.nats.link import Link

pytestmark = pytest.mark.anyio

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"
EMMA = Actor("agent", "emma", "Emma\r\nNats-Rollup: all\r\n\r\n 林")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def stored(link: Link, key: str = ">") -> list[tuple[str, bytes]]:
    """Every message of the bucket's stream, the older versions of a key too: header and bytes."""
    info = await link.api("STREAM.INFO.KV_directory", {})
    found = []
    for seq in range(1, info["state"]["last_seq"] + 1):
        raw = msgspec.json.encode({"seq": seq})
        reply = await link.request_raw("$JS.API.DIRECT.GET.KV_directory", raw)
        header = (reply.header or b"").decode()
        if " 404 " not in header[:20] and (key == ">" or f"$KV.directory.{key}\r\n" in header):
            found.append((header, reply.data))
    return found


async def made(link: Link, *records: directory.Owned) -> list[Kept[directory.Record]]:
    found = []
    for record in records:
        key = directory.key_of("main", record)
        found.append(Kept(key, record, await directory.change(link, OPERATOR, "", key, record, 0)))
    return found


async def test_a_lost_update_is_refused_and_says_what_to_do(link: Link) -> None:
    [team] = await made(link, Team(id="sales", name="Sales"))
    named = Team(id="sales", name="Sales, first")
    await directory.change(link, OPERATOR, "", team.key, named, team.revision)
    for late in (
        directory.change(link, EMMA, "", team.key, Team(id="sales", name="Sales, second"), team.revision),
        directory.remove(link, EMMA, "", team.key, team.revision),
    ):
        with pytest.raises(ConflictError) as refused:
            await late
        assert refused.value.code == "record.changed"
        assert "Read it again" in refused.value.message
    assert await directory.list_all(link, Team, "main") == [named]


async def test_two_who_write_at_once_are_one_change_and_one_refusal(link: Link) -> None:
    [agent] = await made(link, Agent(id="emma", name="Emma", email="emma@example.com", password=HASH))
    asked = [
        directory.change(
            link, OPERATOR, "", agent.key, structs.replace(agent.value, password=f"{HASH}{n}"), agent.revision
        )
        for n in range(5)
    ]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, int) for answer in answers) == 1
    assert {a.code for a in answers if isinstance(a, ConflictError)} == {"record.changed"}
    won = next(n for n, answer in enumerate(answers) if isinstance(answer, int))
    whole = await directory.get_whole(link, agent.key)
    assert whole is not None
    assert isinstance(whole.value, Agent)
    assert whole.value.password == f"{HASH}{won}"
    # Neither the loser's secrets nor the former one are left.
    assert b"".join(data for _, data in await stored(link)).count(HASH.encode()) == 1


async def test_who_and_why_stand_in_headers_whatever_their_name_holds(link: Link) -> None:
    team = Team(id="sales", name="Sales")
    await directory.change(link, EMMA, "asked for\r\nKV-Operation: DEL", "main.team.sales", team, 0)
    [(header, data)] = await stored(link, "main.team.sales")
    lines = dict(line.split(": ", 1) for line in header.splitlines() if ": " in line)
    assert json.loads(lines["Trunkline-By"]) == {"kind": "agent", "id": "emma", "name": EMMA.name}
    assert json.loads(lines["Trunkline-Why"]) == "asked for\r\nKV-Operation: DEL"
    assert "KV-Operation" not in lines
    assert json.loads(data)["name"] == "Sales"
    with pytest.raises(InvalidInputError, match="200 characters"):
        await directory.change(link, EMMA, "x" * 201, "main.team.other", team, 0)


async def test_what_a_record_names_must_be_there(link: Link) -> None:
    agent = Agent(id="emma", name="Emma", email="emma@example.com")
    for wrong, field in (
        ({"role": "night"}, "role"),
        ({"team": "sales"}, "team"),
        ({"teams": ("sales",)}, "teams"),
        ({"inboxes": ("web",)}, "inboxes"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            await made(link, structs.replace(agent, **wrong))
        assert refused.value.field == field
    with pytest.raises(InvalidInputError):
        await directory.invite(link, "main", "night")
    role = CustomRole(id="night", name="Night", actions=("conversation.read",))
    [role_kept, kept] = await made(link, role, structs.replace(agent, role="night"))
    # What was named before may go: the record can be changed still.
    await directory.remove(link, OPERATOR, "", role_kept.key, role_kept.revision)
    await directory.change(link, OPERATOR, "", kept.key, structs.replace(agent, role="night", name="E"), kept.revision)


async def test_no_history_keeps_a_password_hash_or_an_accounts_settings(link: Link) -> None:
    agent = Agent(id="emma", name="Emma", email="emma@example.com", password=HASH)
    inbox = Inbox(id="shop", channel="api", name="Shop", settings="sealed-settings-of-shop")
    # As an earlier version stored them: the secret inside, twice.
    old: Bucket[directory.Record] = directory.directory(link)
    for key, record in (("main.agent.emma", agent), ("main.inbox.shop", inbox)):
        revision = await old.update(key, record, await old.create(key, record))
        whole = await directory.get_whole(link, key)
        assert whole is not None
        assert whole.value == record, "it is read where it is"
        await directory.change(link, OPERATOR, "", key, record, revision)
        assert await directory.get_whole(link, key) != whole
        again = await directory.get_whole(link, key)
        assert again is not None
        for secret in (HASH, "sealed-settings-of-shop"):
            assert all(secret.encode() not in data for _, data in await stored(link, key))
    whole = await directory.get_whole(link, "main.agent.emma")
    assert whole is not None
    assert isinstance(whole.value, Agent)
    assert whole.value.password == HASH
    # Another password: the former is nowhere; no password: neither is.
    changed = structs.replace(whole.value, password=HASH[::-1])
    revision = await directory.change(link, OPERATOR, "", whole.key, changed, whole.revision)
    everything = b"".join(data for _, data in await stored(link))
    assert HASH.encode() not in everything
    assert HASH[::-1].encode() in everything
    await directory.remove(link, OPERATOR, "", whole.key, revision)
    assert HASH[::-1].encode() not in b"".join(data for _, data in await stored(link))


async def test_a_record_read_without_its_secret_keeps_it_when_it_is_written(link: Link) -> None:
    agent = await directory.create_agent(
        link, "main", Agent(id="emma", name="Emma", email="emma@example.com", password=HASH)
    )
    kept = await directory.directory(link).get("main.agent.emma")
    assert kept is not None
    assert isinstance(kept.value, Agent)
    assert kept.value.password == ""
    await directory.change(link, OPERATOR, "", kept.key, structs.replace(kept.value, name="E"), kept.revision)
    found = await directory.find_login(link, agent.email)
    assert found is not None
    assert (found[1].name, found[1].password) == ("E", HASH)


async def test_the_mirror_tells_what_it_cannot_read_apart_and_goes_on(link: Link) -> None:
    await made(link, Team(id="sales", name="Sales"))
    await link.request_raw("$KV.directory.main.team.broken", b'{"type":"team","id":7}')
    seen: list[str] = []
    mirror = Mirror(link, ("team", "agent"), lambda change: seen.append(change.key))
    try:
        await mirror.caught_up()
        assert list(mirror.all(Team)) == ["main.team.sales"]
        assert list(mirror.unreadable) == ["main.team.broken"]
        assert mirror.get(Agent, "main.team.sales") is None
        # What was known of a key counts on while its newest record can't be read.
        await link.request_raw("$KV.directory.main.team.sales", b"{")
        await until(lambda: "main.team.sales" in mirror.unreadable)
        assert mirror.get(Team, "main.team.sales") == Team(id="sales", name="Sales")
        await directory.directory(link).put("main.team.sales", Team(id="sales", name="Sold"))
        await until(lambda: "main.team.sales" not in mirror.unreadable)
        assert mirror.all(Team) == {"main.team.sales": Team(id="sales", name="Sold")}
        assert seen == ["main.team.sales"] * 2
    finally:
        await mirror.close()


async def test_a_mirror_that_cannot_be_read_says_so_in_time(link: Link) -> None:
    await link.api("STREAM.DELETE.KV_directory", {})
    mirror = Mirror(link, ("team",))
    try:
        with pytest.raises(UnavailableError, match=r"\(team\) couldn't be read within 0\.3 s"):
            await mirror.caught_up(0.3)
    finally:
        await mirror.close()
