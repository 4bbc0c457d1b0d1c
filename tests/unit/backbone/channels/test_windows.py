"""Whether a customer may be written to."""

from __future__ import annotations

from backbone.channel import Window
from backbone.channels import windows
from backbone.channels.windows import State

HOUR_S = 3600
WINDOWS = (Window(by="message", count=5, seconds=48 * HOUR_S), Window(by="menu", count=3, seconds=60))
NOW = 1_800_000_000_000


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
