"""The stream AUDIT: nats-server copies each version of a record into it, and no secret."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec import structs

from backbone import directory
from backbone.directory import Agent, Reset, Team, audit
from backbone.directory.audit import Difference, Entry
from backbone.events import Actor
from backbone.nats import streams
from backbone.nats.link import Link

pytestmark = pytest.mark.anyio

LIN = Actor("agent", "lin", "Lin\r\nKV-Operation: DEL")
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA"


async def entries(link: Link, count: int) -> list[Entry]:
    """As soon as there are so many."""
    async with asyncio.timeout(20):
        while len(found := await audit.read(link)) < count:
            await asyncio.sleep(0.05)
    return found


async def everything(link: Link) -> bytes:
    """All bytes that AUDIT holds, headers too."""
    info = await link.api("STREAM.INFO.AUDIT", {})
    found = b""
    for seq in range(1, info["state"]["last_seq"] + 1):
        reply = await link.request_raw("$JS.API.DIRECT.GET.AUDIT", msgspec.json.encode({"seq": seq}))
        found += (reply.header or b"") + reply.data
    return found


async def test_a_changed_setting_stands_in_the_audit_with_who_when_before_and_after_and_no_secret(link: Link) -> None:
    agent = await directory.create_agent(
        link, "main", Agent(id="emma", name="Emma", email="emma@example.com", password=HASH), LIN
    )
    kept = await directory.get_whole(link, "main.agent.emma")
    assert kept is not None
    changed = structs.replace(agent, role="supervisor", password=HASH[::-1])
    revision = await directory.change(link, LIN, "grew", kept.key, changed, kept.revision)
    await directory.remove(link, LIN, "left", kept.key, revision)
    made, change, removed = await entries(link, 3)
    assert (made.what, change.what, removed.what) == ("made", "changed", "removed")
    assert change.fields == (Difference("password", "(set)", "(another)"), Difference("role", "agent", "supervisor"))
    assert (change.by, change.why, change.tenant, change.kind, change.id) == (LIN, "grew", "main", "agent", "emma")
    assert made.at <= change.at <= removed.at
    stored = await everything(link)
    assert b"emma@example.com" in stored
    for secret in (HASH, HASH[::-1]):
        assert secret.encode() not in stored


async def test_the_audit_begins_behind_what_earlier_versions_stored_and_goes_on_after_each_init(link: Link) -> None:
    """Ten versions of a record with its hash inside are in a bucket that was there before the audit."""
    info = await link.api("STREAM.INFO.AUDIT", {})
    await link.api("STREAM.UPDATE.AUDIT", {**info["config"], "sources": None, "max_age": 0, "max_bytes": -1})
    bucket, agent = directory.directory(link), Agent(id="emma", name="Emma", email="e@example.com", password=HASH)
    revision = await bucket.create("main.agent.emma", agent)
    revision = await bucket.update("main.agent.emma", agent, revision)
    for _ in range(2):
        await streams.ensure(link, ["00", "01"])
    before = await _sources(link)
    await directory.change(link, LIN, "", "main.agent.emma", structs.replace(agent, name="E"), revision)
    [entry] = await entries(link, 1)
    assert (entry.what, entry.by) == ("changed", LIN)
    assert HASH.encode() not in await everything(link)
    # Once more: nothing is copied twice.
    await streams.ensure(link, ["00", "01"])
    assert await _sources(link) == before
    await directory.change(link, LIN, "", "main.team.a", Team(id="a", name="A"), 0)
    assert [one.kind for one in await entries(link, 2)] == ["agent", "team"]


async def test_an_audit_that_an_earlier_release_began_takes_up_a_further_kind_and_nothing_twice(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(streams, "AUDITED", tuple(kind for kind in streams.AUDITED if kind != "reset"))
        await streams.ensure(link, ["00", "01"])
    reset = Reset(id="lin", hash="a" * 52, exp=1)
    revision = await directory.change(link, LIN, "", "main.team.a", Team(id="a", name="A"), 0)
    await directory.change(link, LIN, "", "main.reset.lin", reset, 0)
    assert [one.kind for one in await entries(link, 1)] == ["team"]
    await streams.ensure(link, ["00", "01"])
    await directory.change(link, LIN, "", "main.reset.mei", structs.replace(reset, id="mei"), 0)
    await directory.change(link, LIN, "", "main.team.a", Team(id="a", name="B"), revision)
    found = await entries(link, 3)
    assert [(one.kind, one.id, one.what) for one in found] == [
        ("team", "a", "made"),
        ("reset", "mei", "made"),
        ("team", "a", "changed"),
    ]


async def _sources(link: Link) -> Any:
    return (await link.api("STREAM.INFO.AUDIT", {}))["config"]["sources"]
