"""A message in parts, and budgets in slices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.channels.kit.outgoing.parts import Part, plan
from adapters.channels.kit.outgoing.rates import take
from backbone import events as ev
from backbone.accounts.stores import Budget
from backbone.channel import Caps, Rate, Rejected

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[4] / "cases" / "parts.json").read_text())
PICTURE = ev.Attachment(file="f1", name="a.png", mime="image/png", bytes=1000)
SHEET = ev.Attachment(file="f2", name="b.xlsx", mime="application/vnd.ms-excel", bytes=1000)


def _message(text: str = "", *files: ev.Attachment) -> ev.MessageAdded:
    base: dict[str, Any] = {"tenant": "main", "channel": "x", "conv": "00" + "a" * 26, "at": 0, "id": "m"}
    return ev.MessageAdded(**base, by=ev.Actor("agent", "lin"), text=text, attachments=list(files))


def _link(file: ev.Attachment) -> str:
    return f"https://desk.example.com/files/{file.file}"


def _nowhere(_file: ev.Attachment) -> str:
    return ""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_console_tells_before_as_what_it_goes_out(case: dict[str, Any]) -> None:
    told = case["channel"]
    caps = Caps(
        kinds=frozenset(told["kinds"]),
        text=(told["text"]["most"], told["text"]["measure"]),
        together=told["together"],
        caption=told["caption"],
        media_bytes=told["media_bytes"],
        media_types={kind: frozenset(types) for kind, types in told.get("media_types", {}).items()},
    )
    files = [ev.Attachment(file=f"f{n}", name="a", **each) for n, each in enumerate(case["files"])]
    planned = plan(caps, _message(case["text"][0] * case["text"][1], *files), _link)
    assert not isinstance(planned, Rejected)
    assert len(planned) == case["messages"]


def test_text_comes_before_files_and_files_one_by_one() -> None:
    caps = Caps(kinds=frozenset({"text", "image", "file"}))
    assert plan(caps, _message("see", PICTURE, SHEET), _link) == [
        Part("text", "see"),
        Part("image", "", (PICTURE,)),
        Part("file", "", (SHEET,)),
    ]


def test_a_short_text_is_the_caption_where_there_is_one() -> None:
    caps = Caps(kinds=frozenset({"text", "image"}), caption=True)
    assert plan(caps, _message("see", PICTURE), _link) == [Part("image", "see", (PICTURE,))]


def test_a_file_that_the_channel_does_not_take_goes_out_as_a_link() -> None:
    assert plan(Caps(), _message("", SHEET), _link) == [Part("text", "b.xlsx\nhttps://desk.example.com/files/f2")]
    small = Caps(kinds=frozenset({"text", "image"}), media_bytes={"image": 999})
    assert plan(small, _message("", PICTURE), _link) == [Part("text", "a.png\nhttps://desk.example.com/files/f1")]


def test_without_an_address_the_reason_is_told() -> None:
    refused = plan(Caps(), _message("", SHEET), _nowhere)
    assert isinstance(refused, Rejected)
    assert "b.xlsx" in refused.reason


def test_a_mail_is_one_part() -> None:
    caps = Caps(kinds=frozenset({"email"}), together=True)
    assert plan(caps, _message("see", PICTURE, SHEET), _nowhere) == [Part("email", "see", (PICTURE, SHEET))]


def test_a_template_is_one_part_with_its_file_whatever_its_length() -> None:
    template = {"name": "a", "language": "en", "parameters": "[]"}
    caps = Caps(kinds=frozenset({"text", "image", "file"}), text=(2, "chars"), media_bytes={"image": 1})
    plain = msgspec.structs.replace(_message("see"), parts=[template])
    assert plan(caps, plain, _link) == [Part("text", "see")]
    pictured = msgspec.structs.replace(_message("see", PICTURE), parts=[{**template, "file": "file"}])
    assert plan(caps, pictured, _link) == [Part("file", "see", (PICTURE,))]


def test_an_empty_message_is_refused() -> None:
    assert isinstance(plan(Caps(), _message(), _link), Rejected)


def test_a_budget_is_taken_in_slices_and_refills_with_time() -> None:
    rate = Rate(n=30, seconds=1)
    first = take(rate, None, 1000)
    assert (first.taken, first.left) == (3, 27)
    empty = take(rate, Budget(at=1000, left=0.25), 1000)
    assert (empty.taken, round(empty.wait_s, 4)) == (0, 0.025)
    assert take(rate, Budget(at=1000, left=0), 1100).taken == 3
    assert take(rate, Budget(at=1000, left=0), 99_000).left == 27
