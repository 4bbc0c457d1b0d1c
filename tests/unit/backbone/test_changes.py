"""Whether somebody may change or withdraw a message: theirs, as it is now, within their channel's window."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backbone import changes
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
