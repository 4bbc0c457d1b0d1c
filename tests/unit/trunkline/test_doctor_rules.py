"""The rules of `trunkline doctor` that need no system: what each makes of what it is told. Faults that are planted in a
running one: tests/integration/trunkline/test_doctor_faults.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import console
from backbone.nats import streams
from backbone.nats.cursors import Cursor
from backbone.process.health import Told
from backbone.process.processes import Disk, Process, Registered
from backbone.schema import RELEASE
from backbone.settings import Common
from trunkline.doctor import adapters, local, machines, server
from trunkline.doctor.channels import Outgoing, sending
from trunkline.doctor.findings import Check
from trunkline.doctor.machines import Fleet
from trunkline.doctor.streams import differences, fullness, lost
from trunkline.up.word import Word

NOW = 1_800_000_000_000
GIB = 1024**3


def _node(instance: str = "node-1", **told: Any) -> Registered:
    usual = {"name": "node", "version": RELEASE, "host": "a", "address": "a:8080", "at": NOW, "began": NOW - 9000}
    return Registered(Process(**{**usual, "instance": instance, **told}), NOW)


def _answers(*instances: str) -> list[Told]:
    return [Told(name="node", instance=one, role="active") for one in instances]


@pytest.mark.parametrize(
    ("registered", "answering", "state", "words"),
    [
        ([_node()], ["node-1"], "ok", "1 node with 0 sockets"),
        ([], [], "wrong", "no node answers"),
        ([_node()], [], "wrong", "no node answers: nobody can write; node-1 on a"),
        ([_node(), _node("node-2", address="a:8081")], ["node-1"], "wrong", "node-2 on a (a:8081), process 0, doesn't"),
        ([_node(), _node("node-2", began=NOW - 5000)], ["node-2"], "ok", "1 node"),
        ([_node(), _node("node-2", host="b", began=NOW)], ["node-2"], "wrong", "node-1 on a"),
        (
            [_node(), _node("node-0", failure="No room.", began=0, host="c")],
            ["node-1"],
            "wrong",
            "ended 0 s ago: No room",
        ),
        ([_node(), _node("r", name="routing", began=NOW)], ["node-1"], "wrong", "r on a"),
        ([], ["node-old"], "ok", "1 node"),
    ],
)
def test_who_is_gone_and_not_started_again_is_named(
    registered: list[Registered], answering: list[str], state: str, words: str
) -> None:
    check = machines.presence(machines.fleet(registered, _answers(*answering)), NOW)
    assert check.state == state
    assert words in check.detail
    assert (state == "ok") == (not check.todo)


def test_a_process_that_is_starting_is_no_older_version() -> None:
    starting = [Told(name="node", instance="n", role="starting")]
    assert machines.fleet([], starting).unregistered == []


@pytest.mark.parametrize(
    ("secrets", "ours", "state"),
    [
        ([("aa",), ("aa",)], (), "ok"),
        ([("aa",), ("bb",)], (), "wrong"),
        ([("aa",), ("bb",), ("bb",)], ("bb",), "wrong"),
        # A change of the secret on its way: each takes what the others sign.
        ([("aa", "bb"), ("bb", "aa")], (), "ok"),
        ([("aa", "bb"), ("bb", "aa")], ("aa",), "ok"),
        ([("aa",), ("bb", "aa")], (), "wrong"),
    ],
)
def test_secrets_that_dont_take_each_others_signatures_are_named(
    secrets: list[tuple[str, ...]], ours: tuple[str, ...], state: str
) -> None:
    found = machines.secrets_of(Fleet([_node(f"node-{n}", secrets=s) for n, s in enumerate(secrets)], [], []), ours)
    assert found
    assert found.state == state


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (0, 100 * GIB, "wrong"),
        (GIB - 1, 100 * GIB, "wrong"),
        (3 * GIB, 100 * GIB, "warning"),
        (9 * GIB, 1000 * GIB, "warning"),
        (380 * GIB // 1024, 383 * GIB // 1024, "ok"),
        (50 * GIB // 1024, 383 * GIB // 1024, "wrong"),
        (40 * GIB, 1000 * GIB, "warning"),
        (60 * GIB, 4000 * GIB, "ok"),
        (20 * GIB, 100 * GIB, "ok"),
    ],
)
def test_a_disk_is_judged_in_bytes_and_in_percent(free: int, total: int, state: str) -> None:
    check = machines.disk_of(Disk("/data", free, total))
    assert check.state == state
    assert "%" in check.detail
    assert (state == "ok") == (not check.todo)


def test_versions_are_compared_by_their_numbers() -> None:
    found = machines.versions(Fleet([_node("a", version="1.9.0"), _node("b", version="1.10.0")], [], []))
    assert found.state == "warning"
    assert found.detail.startswith("a on a is of 1.9.0")
    assert "by 1.10.0" in found.todo


@pytest.mark.parametrize(
    ("met", "why", "line", "advice"),
    [
        ("talks", "nats: authorization violation", "refuses user 'me' and its password", "nats credential"),
        ("talks", "certificate verify failed: unknown CA", "certificate of nats-server", "SSL_CERT_FILE"),
        ("silent", "timeout", "takes connections and says nothing: it hangs", "kill -CONT"),
        ("unknown", "", "is unknown here", "look up"),
        ("refused", "", "nobody listens", "Start it"),
        ("talks", "something new", "didn't let us in: something new", "Start it"),
    ],
)
def test_why_nats_cant_be_reached_has_its_advice(met: Any, why: str, line: str, advice: str) -> None:
    check = server.unreachable(Common(nats_user="me"), met, why)
    assert check.state == "wrong"
    assert line in check.detail
    assert advice in check.todo


@pytest.mark.parametrize(("used", "state"), [(10, "ok"), (80, "warning"), (96, "wrong")])
def test_a_servers_own_bound_is_named_before_it_is_reached(used: int, state: str) -> None:
    found = server.storage([server.Syncing("s", True, 0, used, 100), server.Syncing("t", True, 0)])  # noqa: FBT003
    assert found
    assert found.state == state
    assert (state == "ok") != ("max_file_store" in found.todo)


@pytest.mark.parametrize(("offset_s", "state"), [(0.9, "ok"), (-1.1, "wrong"), (90, "wrong")])
def test_our_own_clock_is_compared(offset_s: float, state: str) -> None:
    assert server.clock_of(offset_s).state == state


def test_every_setting_of_a_stream_that_is_there_as_wanted_is_no_difference() -> None:
    for spec in streams.everything(["00"]):
        assert differences(spec, {"storage": "file", **spec.config}) == []
    chat = streams.streams(["00"])[0]
    changed = {"storage": "file", **chat.config, "max_age": 1, "max_bytes": 5}
    # A bound that refuses is the operator's; one that drops is a difference.
    assert [one.key for one in differences(chat, changed)] == ["max_age"]
    assert "max_bytes" in [one.key for one in differences(chat, {**changed, "discard": "old"})]


def test_events_that_are_gone_are_counted_unless_a_new_epoch_says_so() -> None:
    def info(last: int, epoch: str) -> dict[str, Any]:
        return {"state": {"first_seq": 1, "last_seq": last}, "config": {"metadata": {"epoch": epoch}}}

    read = {"warehouse.00": Cursor(100, 9), "warehouse.01": Cursor(100, 9), "warehouse.02": Cursor(100, 9)}
    found = lost(["00", "01", "02"], {"CHAT_00": info(4, "100@1"), "CHAT_01": info(4, "100@1,200@5")}, read)
    assert [(one.stream, one.last) for one in found] == [("CHAT_00", 4), ("CHAT_02", None)]


@pytest.mark.parametrize(("stored", "state"), [(50, None), (85, "warning"), (99, "wrong")])
def test_a_stream_near_its_bound_is_named(stored: int, state: str | None) -> None:
    found = fullness({"OBJ_files": {"state": {"bytes": stored}, "config": {"max_bytes": 100}}})
    assert (found and found.state) == state
    assert found is None or "TRUNKLINE_FILES_BYTES" in found.todo


@pytest.mark.parametrize(
    ("outgoing", "is_run", "state", "words"),
    [
        (Outgoing(), True, "ok", "1 account, all well"),
        (Outgoing(waiting=2, oldest_ms=NOW - 5000), True, "ok", "the oldest of 2 unsent has waited 5 s"),
        (
            Outgoing(waiting=2, parked=1, oldest_ms=NOW - 600_000),
            True,
            "warning",
            "the oldest of 3 unsent has waited 10 min",
        ),
        (Outgoing(customers_turn=3), True, "ok", "3 conversations wait until their customer writes"),
        (Outgoing(without_consumer=("CHAT_00",)), True, "wrong", "no consumer channel-telegram in CHAT_00"),
        (Outgoing(without_consumer=("CHAT_00",)), False, "ok", "1 account"),
    ],
)
def test_what_a_channel_hasnt_sent_is_told(outgoing: Outgoing, *, is_run: bool, state: str, words: str) -> None:
    check = sending(Check("telegram", "ok", "1 account, all well"), outgoing, NOW, is_run=is_run)
    assert check.state == state
    assert words in check.detail
    assert (state == "ok") == (not check.todo)


def test_being_far_behind_is_told_and_is_no_fault() -> None:
    check = Check("routing", "ok", "done by r")
    behind = [Told(name="routing", instance="r", waiting=20_000)]
    assert adapters.lagging(check, [], 5).detail == "done by r, 5 behind the log"
    assert adapters.lagging(check, behind, 0).state == "warning"
    assert "12 events wait" in adapters.nobody("warehouse", 12).detail


def test_dead_letters_are_counted_by_adapter_with_the_command_that_mends_each() -> None:
    found = adapters.dead_of({"dead.main.telegram": 3, "dead.main.routing": 1})
    assert found.state == "warning"
    assert "3 of telegram in tenant main, 1 of routing" in found.detail
    assert "`trunkline channel replay telegram --tenant main --all`" in found.todo
    assert adapters.dead_of({}).state == "ok"


@pytest.mark.parametrize(
    ("word", "state", "words"),
    [
        (Word("node", 5, runs=True), None, ""),
        (
            Word(
                "node", 5, runs=True, is_kept=True, failures=3, failed_at=1000.0, failure="ended with code 1: No room."
            ),
            "warning",
            "started again (3 times",
        ),
        (
            Word("node", 5, runs=True, is_kept=True, failures=3, failed_at=1000.0 - 7200, failure="ended with code 1"),
            None,
            "",
        ),
        (
            Word("node", 0, runs=False, is_kept=True, failures=3, failed_at=1000.0, failure="was ended by SIGKILL"),
            "wrong",
            "is about to be started again",
        ),
        (
            Word(
                "telegram",
                0,
                runs=False,
                is_kept=False,
                failures=1,
                failed_at=1.0,
                failure="ended with code 78: X is wrong.",
            ),
            "wrong",
            "isn't started again",
        ),
    ],
)
def test_the_last_failure_of_each_child_is_told(word: Word, state: str | None, words: str) -> None:
    found = local.children([word], now_s=1010.0)
    assert (found and found.state) == state
    assert found is None or (words in found.detail and word.failure in found.detail)


def test_a_console_that_isnt_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "DIST", tmp_path)
    check = local.console()
    assert check.state == "wrong"
    assert "desk/index.html" in check.detail
    assert "console.build" in check.todo
