"""Whether a customer may be written to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.channels.kit import state as conversation
from adapters.channels.kit import windows
from adapters.channels.kit.windows import State
from backbone import events as ev
from backbone.channel import Window

HOUR_S = 3600
WINDOWS = (Window(by="message", count=5, seconds=48 * HOUR_S), Window(by="menu", count=3, seconds=60))
NOW = 1_800_000_000_000

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[4] / "cases" / "windows.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_conversation_tells_what_may_be_sent(case: dict[str, Any]) -> None:
    """The desk runs the same cases: what an agent is shown is what the kit goes by."""
    known = conversation.begin("main", "wechat", "c")
    for seq, body in case["events"]:
        event = {"id": f"e{seq}", "tenant": "main", "channel": "wechat", "conv": "c", **body}
        conversation.apply(known, ev.parse(msgspec.json.encode(event)), seq)
    rules = msgspec.convert(case["windows"], tuple[Window, ...])
    assert msgspec.to_builtins(windows.room(rules, known.window, case["now"])) == case["room"]


def _state(by: str = "message", ago_s: float = 0, sent: int = 0) -> State:
    state = State()
    windows.opened(state, by, NOW - round(ago_s * 1000))
    for _ in range(sent):
        windows.sent(state)
    return state


def test_a_channel_without_windows_is_always_open() -> None:
    assert windows.room((), State(), NOW).is_open


def test_nobody_may_be_written_to_who_never_wrote() -> None:
    assert windows.room(WINDOWS, State(), NOW) == windows.Room(is_open=False, reason="never")


def test_what_is_left_and_until_when_is_told() -> None:
    room = windows.room(WINDOWS, _state(ago_s=17 * HOUR_S, sent=2), NOW)
    assert (room.is_open, room.left, room.until_ms) == (True, 3, NOW + 31 * HOUR_S * 1000)


def test_a_window_ends_by_time_and_by_count() -> None:
    assert windows.room(WINDOWS, _state(ago_s=48 * HOUR_S), NOW).reason == "time"
    assert windows.room(WINDOWS, _state(sent=5), NOW).reason == "count"
    assert windows.room(WINDOWS, _state(sent=7), NOW).reason == "count"


def test_any_open_window_will_do() -> None:
    state = _state(sent=5)
    windows.opened(state, "menu", NOW)
    assert windows.room(WINDOWS, state, NOW + 1000).left == 3
    assert not windows.room(WINDOWS, state, NOW + 61_000).is_open


def test_a_platform_that_says_no_is_believed_until_the_customer_writes() -> None:
    state = _state()
    windows.shut(state, NOW)
    assert windows.room(WINDOWS, state, NOW).reason == "platform"
    windows.opened(state, "message", NOW + 1)
    assert windows.room(WINDOWS, state, NOW + 2).is_open
