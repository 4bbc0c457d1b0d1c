"""What Douyin answers to a call means one thing, wherever in the answer it stands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.channels.douyin import Douyin
from adapters.channels.douyin.faults import FAULTS, MISMATCH, QUOTA, TOO_OFTEN, until_midnight
from backbone.channel import (
    Channel,
    Fault,
    Pause,
    Rejected,
    Retry,
    TokenExpired,
    WindowClosed,
)

CHANNEL: Channel = Douyin()


def meaning(answer: Any, status: int = 200, kind: str = "application/json") -> Fault | None:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return CHANNEL.classify(status, body, {"content-type": kind})


PLACES: list[Any] = [
    lambda code: {"extra": {"error_code": code, "description": "words"}, "data": {"error_code": 0}},
    lambda code: {"data": {"error_code": code, "description": "words"}, "message": "error"},
    lambda code: {"err_no": code, "err_msg": "words", "data": {}},
    lambda code: {"data": {"error_code": str(code), "description": "words"}},
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([10008, 2190002, 2190008, 28001003, 28001008], TokenExpired()),
        ([28003018], Retry(after_s=60, account=True)),
        ([28001005, 28001006, 28029014], Retry()),
        ([10020], TOO_OFTEN),
        ([2190001], QUOTA),
        ([28003070], WindowClosed("count")),
        ([28003080, 28003081], WindowClosed("time")),
        ([28003082], MISMATCH),
        ([0], None),
    ],
)
def test_each_code_of_the_table_means_one_thing_in_all_places(
    place: Any, codes: list[int], fault: Fault | None
) -> None:
    for code in codes:
        assert meaning(place(code)) == fault


@pytest.mark.parametrize("code", [28001038, 28003101, 28029016, 28029020])
def test_code_about_one_message_rejects_it(code: int) -> None:
    fault = meaning(PLACES[0](code))
    assert isinstance(fault, Rejected)
    assert f"({code})" in fault.reason


@pytest.mark.parametrize(
    "code", [10003, 10004, 10007, 10010, 2190015, 28001012, 28001015, 28001018, 28003095, 28029004]
)
def test_code_about_the_account_pauses_it_and_says_what_to_do(code: int) -> None:
    fault = meaning(PLACES[1](code))
    assert isinstance(fault, Pause)
    assert f"({code})" in fault.reason


def test_code_that_nobody_has_told_us_of_rejects_in_douyins_words() -> None:
    assert meaning(PLACES[0](99999)) == Rejected("Douyin refuses: 99999 words")


def test_every_reason_of_a_closed_window_has_a_phrase() -> None:
    reasons = {fault.reason for fault in FAULTS.values() if isinstance(fault, WindowClosed)}
    assert reasons | {"never"} == set(CHANNEL.caps.phrases)


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[1]", b"[" * 100_000])
def test_answer_of_something_else_in_douyins_place_is_tried_again(body: bytes) -> None:
    assert meaning(body, kind="text/html") == Retry()


@pytest.mark.parametrize(
    ("status", "fault"),
    [(500, Retry), (502, Retry), (429, Retry), (413, Rejected), (404, Pause), (302, Pause)],
)
def test_status_of_http_is_read_as_well(status: int, fault: type) -> None:
    assert isinstance(meaning(b"x", status), fault)


def test_code_comes_before_the_status() -> None:
    assert meaning(PLACES[1](2190008), 401) == TokenExpired()


def test_file_is_no_error_whatever_it_holds() -> None:
    assert CHANNEL.classify(200, b'{"err_no": 10008}', {"content-type": "image/jpeg"}) is None


@pytest.mark.parametrize(("now", "wait"), [(1_735_660_800.0, 86_400.0), (1_735_664_400.0, 82_800.0)])
def test_quota_begins_anew_at_midnight_in_shanghai(now: float, wait: float) -> None:
    assert until_midnight(now) == wait
