"""Data folders that earlier releases left behind (tests/fixtures): today's code goes on where each was killed, and the
release that made it goes on where today's code stopped.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from backbone.accounts.about import About
from backbone.signing import Signer
from tests.contract.kinds import KINDS
from tests.fixtures.kept import TENANT, Kept, all_kept, records, unpack
from tests.fixtures.living import ENVIRONMENT, OTHER, conversations, loaded_events, rows
from tests.harness.ports import free_port
from tests.harness.up import Up, up
from tests.harness.upgrade import earlier_version, has_history
from tests.harness.waiting import until, wait_until
from trunkline import rest
from trunkline.client import Client
from trunkline.connect import common_settings, connected

pytestmark = pytest.mark.timeout(240)

ALL = all_kept()
CHANGED = "another horse battery"
MORE: Final[dict[str, Any]] = {"about": About}
"""What `init` writes anew at each start: no contract."""

PROCESSES = {"node", "routing", "warehouse", "api", "telegram"}


@pytest.fixture(params=ALL, ids=[kept.name for kept in ALL])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """One, unpacked where `up` looks for it."""
    found: Kept = request.param
    unpack(found, tmp_path / "data")
    return found


def settings() -> dict[str, str]:
    """Of `up`: the platforms were on this machine, and one port tells of every process."""
    return {**ENVIRONMENT, "TRUNKLINE_HEALTH_PORT": str(free_port())}


def is_ready(running: Up) -> bool:
    """Every process that the release ran, the adapters of its channels included."""
    answer = rest.call("GET", f"http://127.0.0.1:{running.health_port}/readyz", timeout_s=30)
    return answer.status == 200 and set(answer.body["processes"]) == PROCESSES


def events_of(running: Up, kept: Kept) -> dict[str, list[tuple[int, str, str]]]:
    """Those of each conversation, over REST."""
    found = conversations(running, [(one.conv, one.inbox) for one in kept.conversations])
    return {one.conv: one.events for one in found}


def assert_as_it_was(running: Up, kept: Kept) -> None:
    """Each conversation begins as it was left; what came since stands behind."""
    now = events_of(running, kept)
    for one in kept.conversations:
        assert now[one.conv][: len(one.events)] == one.events


async def talk(running: Up, kept: Kept, word: str) -> list[str]:
    """The visitor of then writes, with a token signed by the folder's own secret; the agent signs in with the password
    of then and answers. Returns the texts that the visitor has.
    """
    ws = running.http.replace("http", "ws", 1) + "/ws"
    secret = (running.data / "secret" / "signing").read_text().strip()
    token = Signer(secret).visitor_token(TENANT, "web", kept.contact)
    signed_in = await asyncio.to_thread(rest.sign_in, running.http, kept.agent, kept.password)
    assert signed_in.status == 200, signed_in
    async with (
        Client([ws], token=token).running() as visitor,
        Client([ws], cookie=signed_in.cookie).running() as agent,
    ):
        conv = str((await visitor.send(f"{word}: are you there?"))["conv"])
        await agent.subscribe(conv)
        known = await visitor.subscribe(conv)
        answer = await agent.send(f"{word}: yes", conv)
        await until(lambda: known.mark is not None and known.mark.seq >= answer["seq"], running.said)
        return [one.event["text"] for one in known.events if "text" in one.event]


def change_password(running: Up, kept: Kept) -> None:
    """The other agent's record is written anew, as today's code writes one."""
    cookie = rest.sign_in(running.http, OTHER, kept.password).cookie
    asked = {"password": kept.password, "new_password": CHANGED}
    changed = rest.call("PUT", f"{running.http}/api/v1/me/password", asked, headers={"Cookie": cookie})
    assert changed.status == 204, changed


def wait_until_loaded(running: Up, kept: Kept) -> None:
    """The warehouse has what the log has, what is no event included; and no fewer rows than then."""

    def differs() -> dict[str, tuple[int, int]]:
        loaded = loaded_events(running)
        held = {conv: len(events) + (conv == kept.poisoned) for conv, events in events_of(running, kept).items()}
        return {conv: (loaded.get(conv, 0), n) for conv, n in held.items() if loaded.get(conv, 0) != n}

    wait_until(lambda: not differs(), differs)
    now = rows(running)
    assert all(now[table] >= n for table, n in kept.warehouse.items()), (now, kept.warehouse)


def skipped(running: Up) -> list[str]:
    """Lines about records that the code can't read."""
    return [line for line in running.said().splitlines() if "bucket.skipped" in line]


async def unread(running: Up) -> list[str]:
    """Records that no Struct of today reads, each with why: what is asked for by its key alone is skipped unsaid."""
    async with connected(common_settings(running.data), "test", to_any=True) as link:
        held = await records(link)
    found = []
    for bucket, kept in held.items():
        for key, value in kept:
            try:
                kind = json.loads(value).get("type", next(iter(KINDS[bucket])))
                msgspec.json.decode(value, type=(KINDS[bucket] | MORE)[kind])
            except (KeyError, msgspec.DecodeError) as why:
                found.append(f"{bucket} {key}: {why!r}")
    return found


def test_today_s_code_goes_on_where_a_release_was_killed(kept: Kept, tmp_path: Path) -> None:
    """Every process is ready, conversations are as they were and go on, no record is skipped."""
    with up(tmp_path, environment=settings()) as running:
        wait_until(lambda: is_ready(running), running.said)
        assert asyncio.run(unread(running)) == []
        assert_as_it_was(running, kept)
        assert asyncio.run(talk(running, kept, "now"))[-2:] == ["now: are you there?", "now: yes"]
        wait_until_loaded(running, kept)
        assert skipped(running) == []


@pytest.mark.long
def test_the_release_goes_on_where_today_s_code_stopped(kept: Kept, tmp_path: Path) -> None:
    """What today's code wrote meanwhile is there for the release, and what the release wrote is there afterwards.

    One thing isn't, where a release doesn't know secrets of their own: the password of an agent whose record today's
    code wrote. That agent alone is kept out, until today's code is back.
    """
    if not has_history(kept.commit):
        pytest.skip(f"the release's code is in git alone, and this checkout doesn't have {kept.commit}")
    python = earlier_version(tmp_path, kept.commit)
    with up(tmp_path, environment=settings()) as running:
        wait_until(lambda: is_ready(running), running.said)
        asyncio.run(talk(running, kept, "newer"))
        change_password(running, kept)
    running.output.unlink()
    with up(tmp_path, environment=settings(), python=python) as running:
        wait_until(lambda: is_ready(running), running.said)
        assert_as_it_was(running, kept)
        texts = asyncio.run(talk(running, kept, "older"))
        assert texts[-4:] == ["newer: are you there?", "newer: yes", "older: are you there?", "older: yes"]
        wait_until_loaded(running, kept)
        knows_secrets = "secret" in kept.records["directory"]
        assert rest.sign_in(running.http, OTHER, CHANGED).status == (200 if knows_secrets else 401)
    running.output.unlink()
    with up(tmp_path, environment=settings()) as running:
        wait_until(lambda: is_ready(running), running.said)
        assert asyncio.run(talk(running, kept, "again"))[-4:-2] == ["older: are you there?", "older: yes"]
        wait_until_loaded(running, kept)
        assert rest.sign_in(running.http, OTHER, CHANGED).status == 200
        assert skipped(running) == []
