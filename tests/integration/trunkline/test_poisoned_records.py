"""Records that this version can't read, in every bucket, before anything starts: everybody starts and serves the rest.

An agent with an unknown role as the last record of the directory kept routing unready and channels from starting.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backbone.nats.streams import BUCKETS
from tests.harness.apart import run_apart
from tests.harness.log import connected
from tests.harness.system import LIN, System
from tests.harness.waiting import until, wait_until

pytestmark = [pytest.mark.rest, pytest.mark.timeout(180)]

RECORDS = Path(__file__).parents[2] / "contract" / "records"
ENUMERATIONS = {"role", "channel", "status", "state", "kind", "reach"}
CONV = "00" + "a" * 26

KEYS = {
    "directory.agent": "main.agent.{n}",
    "directory.inbox": "main.inbox.{n}",
    "directory.invitation": "_.invitation.{n}",
    "directory.claim": "_.claim.{n}",
    "directory.tenant": "tenant-{n}.tenant.self",
    "contacts.contact": "main.c.{n}",
    "contacts.identity": "main.i.{n}",
    "contacts.open": "main.o.{n}",
    "heads.head": "main." + CONV[:-2] + "{n:02}",
    "presence.here": "main.lin.session-{n}",
    "sessions.session": "main.lin.hash-{n}",
    "channels.health": "main.health.{n}",
    "channels.parked": "main.parked." + CONV[:-2] + "{n:02}",
    "channels.unfetched": "main.unfetched." + CONV + ".{n}",
    "cursors.cursor": "routing-0.{n:02}",
    "leases.holder": "routing.{n}",
    "processes.process": "routing.{n}",
    "seen.seen": "main.telegram.{n}",
    "uploads.upload": "main.{n}",
}
"""Where records of each type lie; other types of a bucket under a key of its own."""


def poisons() -> Iterator[tuple[str, str, bytes]]:
    """(bucket, key, value): of each type one with an unknown field, unknown words, an unknown type, and broken JSON."""
    n = 0
    for path in sorted(RECORDS.glob("*.v1.json")):
        name = path.name.removesuffix(".v1.json")
        bucket = name.partition(".")[0]
        record: dict[str, Any] = json.loads(path.read_text())
        words = {key: "galactic" for key in record if key in ENUMERATIONS}
        for value in (
            {**record, "novel": {"of": ["a", "later", "version"]}},
            {**record, **words, "type": "novel"} if "type" in record else {**record, **words},
            {**record, **words},
            None,
        ):
            n += 1
            key = KEYS.get(name, f"main.{name.partition('.')[2]}.{{n}}").format(n=n)
            yield bucket, key, b"{broken" if value is None else json.dumps(value).encode()


class Poisoned(System):
    """One whose buckets hold them before a process starts."""

    async def _prepare(self) -> None:
        await super()._prepare()
        async with connected(self.common, "test") as link:
            for bucket, key, value in poisons():
                await link.request_raw(f"$KV.{bucket}.{key}", value)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    poisoned = Poisoned(tmp_path)
    try:
        yield poisoned.start(nodes=1, adapters=("routing", "warehouse", "telegram", "email"))
    finally:
        poisoned.end()


def test_every_bucket_but_the_one_of_erasures_is_poisoned() -> None:
    assert {bucket for bucket, _, _ in poisons()} == {spec.name for spec in BUCKETS} - {"erased"}


def test_everybody_starts_says_what_was_skipped_and_serves_the_rest(system: System) -> None:
    system.add_agents(LIN)

    async def talk() -> list[str]:
        async with system.visitor().running() as visitor, system.agent(LIN).running() as agent:
            conv = (await visitor.send("is anybody there"))["conv"]
            await visitor.subscribe(conv)
            await agent.subscribe(conv)
            await agent.send("yes", conv)
            await agent.act(conv, "resolve", reason="answered")
            events = visitor.conversations[conv].events
            await until(lambda: any(one.event["type"] == "conversation.resolved" for one in events))
            return [one.event["text"] for one in events if "text" in one.event]

    assert run_apart(talk()) == ["is anybody there", "yes"]
    broken = {key for _, key, value in poisons() if value == b"{broken"}
    for process in (*system.nodes, *(system.adapters[name] for name in ("routing", "telegram", "email"))):
        # Five by name, further ones by their number: a line a record would fill a disk where thousands are newer.
        wait_until(
            lambda log=process.log: any(f'"key": "{key}"' in log.read_text() for key in broken),
            f"{process.name} says which records it skipped",
        )
    for process in (*system.nodes, *system.adapters.values()):
        assert process.ready()[0] == 200, process.tail()
