"""What doctor makes of the servers' own words on syncing and replicas: the state, and what to do."""

from __future__ import annotations

import pytest

from backbone.nats.replicas import Replicas
from backbone.process.health import Told
from backbone.settings import Common
from trunkline.doctor.adapters import standing
from trunkline.doctor.findings import Check
from trunkline.doctor.server import Syncing, durability
from trunkline.doctor.streams import copies_of

ALWAYS = Syncing("a", always=True, interval_s=120)
TEN_MS = Syncing("a", always=False, interval_s=0.01)
TWO_MINUTES = Syncing("a", always=False, interval_s=120)
TWO_MILLION = Syncing("a", always=False, interval_s=2_000_000)
WHOLE = Replicas(3, "a", 3)


@pytest.mark.parametrize(
    ("profile", "servers", "state", "words"),
    [
        ("synced", [ALWAYS], "ok", ""),
        ("synced", [TEN_MS], "wrong", "sync_interval to always"),
        ("synced", [TWO_MINUTES], "wrong", "sync_interval to always"),
        ("fast", [ALWAYS], "ok", ""),
        ("fast", [TEN_MS], "ok", ""),
        ("fast", [TWO_MINUTES], "wrong", "sync_interval to 10ms"),
        ("cluster", [TWO_MINUTES] * 3, "ok", ""),
        ("cluster", [ALWAYS] * 3, "ok", ""),
        ("cluster", [TWO_MINUTES] * 2, "warning", "Start the others"),
        ("cluster", [TWO_MINUTES, TWO_MINUTES, TWO_MILLION], "wrong", "sync_interval to 120s"),
        ("synced", [], "warning", "trunkline-doctor"),
    ],
)
def test_the_servers_words_are_held_against_the_profile(
    profile: str, servers: list[Syncing], state: str, words: str
) -> None:
    found = durability(Common(profile=profile), servers)
    assert found.state == state
    assert words in found.todo


@pytest.mark.parametrize(
    ("wanted", "found", "state", "words"),
    [
        (1, {"CHAT_00": Replicas(1, "this one", 1)}, "ok", ""),
        (3, {"CHAT_00": WHOLE}, "ok", ""),
        (3, {"CHAT_00": WHOLE, "CHAT_01": Replicas(1, "a", 1)}, "wrong", "nats stream edit CHAT_01 --replicas 3"),
        (3, {"CHAT_00": WHOLE, "CHAT_01": Replicas(3, "a", 2)}, "warning", "One more lost"),
        (3, {"CHAT_00": WHOLE, "CHAT_01": Replicas(3, "", 1)}, "wrong", "Start the servers"),
    ],
)
def test_missing_replicas_are_named_with_the_fix(
    wanted: int, found: dict[str, Replicas], state: str, words: str
) -> None:
    check = copies_of(wanted, found)
    assert check.state == state
    assert words in check.todo


ROUTING = Check("routing", "ok", "done by routing-1")
STILL = {"keeps up": "It stands still: 5 wait, and nothing was done for 70 s."}


@pytest.mark.parametrize(
    ("told", "state", "words"),
    [
        ([Told(name="routing", instance="routing-1")], "ok", "done by routing-1"),
        ([Told(name="routing", instance="routing-1", problems=STILL)], "wrong", "routing-1: It stands still"),
        ([Told(name="routing", instance="routing-2")], "wrong", "routing-1 has its lease and doesn't say"),
        ([Told(name="warehouse", instance="warehouse-1", problems=STILL)], "wrong", "doesn't say whether it keeps up"),
    ],
)
def test_an_adapter_that_lives_and_stands_still_is_named(told: list[Told], state: str, words: str) -> None:
    found = standing(ROUTING, told, "routing-1")
    assert found.state == state
    assert words in found.detail
    assert state == "ok" or "start it again" in found.todo


def test_a_channel_is_judged_by_all_its_replicas() -> None:
    check = Check("telegram", "ok", "1 account, all well")
    assert standing(check, []) == check
    replicas = [Told(name="telegram", instance="a"), Told(name="telegram", instance="b", problems=STILL)]
    assert standing(check, replicas).state == "wrong"
