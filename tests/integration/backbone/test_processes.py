"""The register of processes: who is there, who left, who died; and who may speak for whom."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import msgspec
import pytest

from backbone.errors import ForbiddenError
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link
from backbone.process import processes
from backbone.process.processes import Process, Register, fingerprint
from tests.harness.nats import NatsServer
from trunkline import nats_users

SECRET = "a-secret-of-more-than-thirty-two-characters"


def _is_hung(register: Register) -> bool:
    return register.problem is not None


async def _until_written(register: Register, link: Link) -> processes.Registered:
    async with asyncio.timeout(10):
        while not (found := [one for one in await processes.registered(link) if one.process.name == "node"]):
            await asyncio.sleep(0.05)
    assert register.problem is None
    return found[0]


async def test_a_process_is_in_the_register_until_it_leaves_and_gives_no_secret_away(link: Link) -> None:
    """Version, machine, clock and a fingerprint; a clean end takes it out, a failure leaves its sentence."""
    register = Register(link, "node", "node-1", [SECRET, "", " an-earlier-one-of-thirty-two-characters "])
    running = asyncio.create_task(register.run())
    found = (await _until_written(register, link)).process
    running.cancel()
    assert found.version
    assert found.host
    assert found.files_most > 0
    assert found.disks[0].total > found.disks[0].free > 0
    assert abs(found.at - time.time() * 1000) < 60_000
    assert found.secrets[0] == fingerprint(SECRET)
    assert len(found.secrets) == 2
    assert SECRET not in msgspec.json.encode(found).decode()
    await register.leave("CHAT_00 is gone.")
    assert (await _until_written(register, link)).process.failure == "CHAT_00 is gone."
    await register.leave()
    assert await processes.registered(link) == []


async def test_a_record_of_another_version_is_read(link: Link) -> None:
    """One that knows less, and one that knows more and calls it a bad name."""
    raw: Bucket[msgspec.Raw] = Bucket(link, processes.BUCKET, msgspec.Raw)
    await raw.put("node.a", msgspec.Raw(b'{"name":"node"}'))
    await raw.put("node.b", msgspec.Raw(b'{"name":"node","instance":"b","moon":{"phase":3}}'))
    await raw.put("node.c", msgspec.Raw(b'{"name":7}'))
    found = await processes.registered(link)
    assert [one.process for one in found] == [Process(name="node"), Process(name="node", instance="b")]
    assert all(one.stored_ms > 0 for one in found)


async def test_a_process_that_is_taken_over_speaks_for_no_other_kind(nats: NatsServer, link: Link) -> None:
    user, password = nats_users.credential(nats.password, "telegram")
    ours = Link()
    await ours.open(nats.url, name="test", user=user, password=password)
    try:
        await processes.bucket(ours).put(f"{ours.own}.x", Process(name="telegram"))
        with pytest.raises(ForbiddenError):
            await processes.bucket(ours).put("node.x", Process(name="node"))
        with pytest.raises(ForbiddenError):
            await processes.bucket(ours).get("node.x")
    finally:
        await ours.close()
    assert [one.process.name for one in await processes.registered(link)] == ["telegram"]


@pytest.mark.rest
async def test_a_server_that_hangs_is_told_within_seconds(nats: NatsServer, link: Link) -> None:
    """The connection stands: only what isn't answered tells."""
    register = Register(link, "node", "node-1", [])
    running = asyncio.create_task(register.run())
    await _until_written(register, link)
    running.cancel()
    assert nats.process
    os.kill(nats.process.pid, signal.SIGSTOP)
    try:
        running = asyncio.create_task(register.run())
        async with asyncio.timeout(15):
            while not _is_hung(register):
                await asyncio.sleep(0.05)
        assert "hasn't answered for" in (register.problem or "")
    finally:
        os.kill(nats.process.pid, signal.SIGCONT)
    async with asyncio.timeout(15):
        while _is_hung(register):
            await asyncio.sleep(0.05)
    running.cancel()
