"""Whether somebody may change or withdraw a message: theirs, as it is now, within their channel's window."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backbone import changes, directory
from backbone import events as ev
from backbone.changes import ALWAYS, Allowed

ENVELOPE: dict[str, Any] = {"tenant": "main", "channel": "telegram", "conv": "c"}
LIN = ev.Actor("agent", "lin", "Lin")
SAID = ev.MessageAdded(id="m", at=1_000_000, by=LIN, text="hello", **ENVELOPE)
HOUR = Allowed(can=True, within_s=3600)


def _refused(added: ev.MessageAdded = SAID, *later: ev.Event, text: str | None = None, **more: Any) -> str:
    given: dict[str, Any] = {"author": "lin", "allowed": ALWAYS, "now_ms": added.at + 1, **more}
    found = changes.refusal(changes.now(added, later), text=text, **given)
    return found.code if found else ""


def _changed(text: str) -> ev.MessageEdited:
    return ev.MessageEdited(id="e", at=2, by=LIN, target="m", text=text, **ENVELOPE)


WITHDRAWN = ev.MessageRecalled(id="r", at=3, by=LIN, target="m", **ENVELOPE)


def test_a_message_is_what_was_made_of_it() -> None:
    other = msgspec.structs.replace(WITHDRAWN, target="another")
    assert changes.now(SAID, [_changed("better"), other]) == (SAID, "better", False)
    assert changes.now(SAID, [_changed("better"), WITHDRAWN]).is_withdrawn


@pytest.mark.parametrize("text", ["better", None])
def test_who_wrote_it_may(text: str | None) -> None:
    assert not _refused(text=text)
    assert not _refused(text=text, allowed=HOUR, now_ms=SAID.at + 3_600_000)


@pytest.mark.parametrize(
    ("code", "added", "later", "more"),
    [
        ("message.not_yours", SAID, [], {"author": "zhou"}),
        ("message.not_yours", msgspec.structs.replace(SAID, by=ev.Actor("visitor", "lin")), [], {}),
        ("message.elsewhere", msgspec.structs.replace(SAID, provider=ev.Provider(id="p")), [], {}),
        ("message.withdrawn", SAID, [WITHDRAWN], {}),
        ("message.fixed", msgspec.structs.replace(SAID, parts=[{"name": "t"}]), [], {"text": "x"}),
        ("text.empty", SAID, [], {"text": "  "}),
        ("message.channel_keeps", SAID, [], {"allowed": Allowed(can=False)}),
        ("message.too_late", SAID, [], {"allowed": HOUR, "now_ms": SAID.at + 3_600_001}),
    ],
)
def test_a_refusal_names_its_reason(code: str, added: ev.MessageAdded, later: list[Any], more: dict[str, Any]) -> None:
    assert _refused(added, *later, **more) == code


def test_a_file_may_lose_its_words_and_a_template_be_withdrawn() -> None:
    file = ev.Attachment(file="f", name="a.png", mime="image/png", bytes=1)
    assert not _refused(msgspec.structs.replace(SAID, attachments=[file]), text="")
    assert not _refused(msgspec.structs.replace(SAID, parts=[{"name": "t"}]))


CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "cases" / "changes.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize("change", ["edit", "recall"])
def test_the_desk_offers_what_the_node_does(case: dict[str, Any], change: str) -> None:
    added = ev.MessageAdded(
        id="m",
        at=1_000_000,
        by=ev.Actor(case.get("kind", "agent"), case.get("by", "lin")),
        note=case.get("note", False),
        provider=ev.Provider(id="p") if case.get("provider") else None,
        parts=[{"name": "t"}] if case.get("template") else [],
        **ENVELOPE,
    )
    always = case.get("note") or case["channel"] in directory.VISITED
    allowed = ALWAYS if always else Allowed(case.get(f"{change}s", False), case.get(f"{change}_s", 0))
    found = changes.refusal(
        changes.now(added, [WITHDRAWN] if case.get("withdrawn") else []),
        "lin",
        "better" if change == "edit" else None,
        allowed,
        added.at + round(case.get("after_s", 1) * 1000),
    )
    assert (found.code if found else "") == case[change]
