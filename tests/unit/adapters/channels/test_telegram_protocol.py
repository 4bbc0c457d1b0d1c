"""Telegram: what updates and answers mean."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.telegram import Telegram, faults, protocol
from adapters.channels.telegram.settings import Account
from backbone.channel import (
    BadSignatureError,
    Duplicate,
    Fault,
    MalformedError,
    Media,
    Message,
    Moved,
    Pause,
    Peer,
    Rejected,
    Request,
    Retry,
    Signal,
)
from tests.simulators.base import Push
from tests.simulators.telegram import TelegramSimulator
from tests.unit.adapters.channels.kit_telegram import lower

ACCOUNT = Account(token="1:a", secret="correct-horse_battery", updates="webhook")
JSON = {"content-type": "application/json"}


def as_node(request: Request) -> Request:
    """As a node hands it on: names of headers in lower case."""
    return msgspec.structs.replace(request, headers=lower(request.headers))


def event_of(pushes: list[Push]) -> Any:
    """What a verified callback of the simulator means."""
    request = as_node(pushes[0].request)
    assert protocol.verify(request, ACCOUNT) is None
    (event,) = protocol.parse(request, ACCOUNT)
    return event


def message_of(**fields: Any) -> Any:
    said = {"message_id": 7, "chat": {"id": 42, "type": "private", "first_name": "Li"}, "date": 1_700_000_000, **fields}
    return protocol.event(json.dumps({"update_id": 5, "message": said}).encode())


def test_a_text_is_a_message_with_the_providers_time_and_ids() -> None:
    assert message_of(text="你好 👋", **{"from": {"id": 42, "is_bot": False, "first_name": "Li"}}) == Message(
        key="5", peer=Peer("42", "Li"), text="你好 👋", at=1_700_000_000_000, ref="42:7"
    )


def test_a_callback_of_the_simulator_is_understood() -> None:
    said = event_of(TelegramSimulator().say("1001", "hello\u2028]]> 👨‍👩‍👧"))
    assert (said.kind, said.text, said.peer.id) == ("text", "hello\u2028]]> 👨‍👩‍👧", "1001")


@pytest.mark.parametrize("number", range(3))
def test_a_forged_callback_is_refused(number: int) -> None:
    simulator = TelegramSimulator()
    forged = simulator.forged(simulator.say("1001", "hello")[0])[number]
    with pytest.raises(BadSignatureError):
        protocol.verify(as_node(forged), ACCOUNT)


def test_without_a_secret_every_callback_is_refused() -> None:
    bare = Account(token="1:a", updates="webhook")
    request = Request(method="POST", headers={"x-telegram-bot-api-secret-token": ""}, body=b"{}")
    with pytest.raises(BadSignatureError):
        protocol.verify(request, bare)


def test_a_secret_that_is_not_ascii_is_refused_like_any_other() -> None:
    request = Request(method="POST", headers={"x-telegram-bot-api-secret-token": "é\u4e2d"}, body=b"{}")
    with pytest.raises(BadSignatureError):
        protocol.verify(request, ACCOUNT)


@pytest.mark.parametrize("number", range(7))
def test_what_cannot_be_understood_is_malformed(number: int) -> None:
    request = as_node(TelegramSimulator().malformed()[number])
    assert protocol.verify(request, ACCOUNT) is None
    with pytest.raises(MalformedError):
        protocol.parse(request, ACCOUNT)


def test_an_update_of_an_unknown_kind_is_kept_raw() -> None:
    (push,) = TelegramSimulator().unknown("1001")
    event = event_of([push])
    assert (event.name, event.raw) == ("unknown", push.request.body)


def test_the_largest_size_of_a_photo_is_taken() -> None:
    sizes = [{"file_id": "s", "file_size": 9}, {"file_id": "m", "file_size": 90}, {"file_id": "l", "file_size": 900}]
    said = message_of(photo=sizes, caption="look", media_group_id="13")
    assert (said.kind, said.text) == ("image", "look")
    assert said.media == [Media("image", "l", "image/jpeg", size=900)]
    assert said.attributes == {"album": "13"}


FILE = {"file_id": "f", "file_size": 5}


@pytest.mark.parametrize(
    ("fields", "kind", "media"),
    [
        ({"voice": {**FILE, "mime_type": "audio/ogg"}}, "audio", Media("audio", "f", "audio/ogg", size=5)),
        ({"audio": {**FILE, "file_name": "a.mp3"}}, "audio", Media("audio", "f", "audio/mpeg", "a.mp3", 5)),
        ({"video": FILE}, "video", Media("video", "f", "video/mp4", size=5)),
        ({"video_note": FILE}, "video", Media("video", "f", "video/mp4", size=5)),
        ({"animation": FILE, "document": FILE}, "video", Media("video", "f", "video/mp4", size=5)),
        (
            {"document": {**FILE, "file_name": "合同.pdf", "mime_type": "application/pdf"}},
            "file",
            Media("file", "f", "application/pdf", "合同.pdf", 5),
        ),
        ({"document": {**FILE, "mime_type": "image/png"}}, "image", Media("image", "f", "image/png", size=5)),
        ({"document": {**FILE, "mime_type": "image/svg+xml"}}, "file", Media("file", "f", "image/svg+xml", size=5)),
        ({"sticker": FILE}, "image", Media("image", "f", "image/webp", size=5)),
        ({"sticker": {**FILE, "is_video": True}}, "video", Media("video", "f", "video/webm", size=5)),
        (
            {"sticker": {**FILE, "is_animated": True}},
            "file",
            Media("file", "f", "application/x-tgsticker", size=5),
        ),
    ],
)
def test_a_file_is_told_by_its_kind(fields: dict[str, Any], kind: str, media: Media) -> None:
    said = message_of(**fields)
    assert (said.kind, said.media) == (kind, [media])


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        ({"location": {"latitude": 31.5, "longitude": 121.25}}, "location", "31.5, 121.25"),
        (
            {
                "venue": {"location": {"latitude": 1, "longitude": 2}, "title": "Tea", "address": "Nanjing Road"},
                "location": {"latitude": 1, "longitude": 2},
            },
            "location",
            "Tea\nNanjing Road\n1.0, 2.0",
        ),
        ({"contact": {"phone_number": "+86138", "first_name": "Li", "last_name": "Na"}}, "card", "Li Na\n+86138"),
    ],
)
def test_a_place_and_a_card_are_told_in_words(fields: dict[str, Any], kind: str, text: str) -> None:
    said = message_of(**fields)
    assert (said.kind, said.text) == (kind, text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"poll": {"id": "1"}}, "A message of an unknown kind"), ({"hologram": 1}, "A message of an unknown kind")],
)
def test_what_a_customer_says_in_an_unknown_way_is_unsupported_and_kept(fields: dict[str, Any], words: str) -> None:
    said = message_of(**fields)
    assert (said.kind, said.text) == ("unsupported", words)
    assert json.loads(said.raw)["message_id"] == 7


@pytest.mark.parametrize("field", ["new_chat_members", "pinned_message", "unique_gift"])
def test_what_happened_to_a_chat_is_no_message(field: str) -> None:
    assert message_of(**{field: 1}).name == "ignored"


def test_the_start_of_a_bot_is_an_entry_with_its_scene() -> None:
    assert message_of(text="/start spring").data == {"scene": "spring"}
    assert message_of(text="/start").name == "enter"
    assert message_of(text="/started late").kind == "text"


def test_a_reply_names_the_message_it_answers() -> None:
    said = message_of(text="yes", reply_to_message={"message_id": 3, "chat": {"id": 42}})
    assert said.reply_to == "42:3"


def test_who_of_a_group_wrote_is_told_and_the_group_is_the_peer() -> None:
    group = {"id": -100123, "type": "supergroup", "title": "Buyers"}
    said = message_of(text="hi", chat=group, **{"from": {"id": 9, "first_name": "Li"}})
    assert (said.peer.id, said.peer.name, said.attributes, said.ref) == (
        "-100123",
        "Buyers",
        {"author": "Li", "author_id": "9"},
        "-100123:7",
    )


def test_a_topic_of_a_group_is_a_thread() -> None:
    assert message_of(text="hi", message_thread_id=77, is_topic_message=True).thread == "77"
    assert message_of(text="hi", message_thread_id=77).thread == ""


def test_an_edit_names_the_message_and_its_new_text() -> None:
    simulator = TelegramSimulator()
    said = event_of(simulator.say("1001", "helo"))
    number = int(said.ref.partition(":")[2])
    edited = event_of(simulator.edit("1001", number, "hello"))
    assert (edited.name, edited.data) == ("edit", {"ref": said.ref, "text": "hello"})
    assert edited.key != said.key


def test_a_moving_location_is_no_edit() -> None:
    moved = {"message_id": 7, "chat": {"id": 42}, "location": {"latitude": 1.0, "longitude": 2.0}}
    assert protocol.event(json.dumps({"update_id": 5, "edited_message": moved}).encode()).name == "ignored"  # type: ignore[union-attr]


def test_a_customer_who_blocks_the_bot_is_blocked_until_they_let_it_in_again() -> None:
    simulator = TelegramSimulator()
    blocked = event_of(simulator.block("1001"))
    assert (blocked.name, blocked.peer.id) == ("blocked", "1001")
    assert event_of(simulator.block("1001", is_blocked=False)).name == "enter"


def test_a_tapped_button_is_a_menu_with_its_data() -> None:
    tapped = event_of(TelegramSimulator().tap("1001", "order-7", 12))
    assert (tapped.name, tapped.peer.id) == ("menu", "1001")
    assert (tapped.data["choice"], tapped.data["ref"], tapped.asks) == ("order-7", "1001:12", True)


def test_a_button_of_a_forgotten_message_names_who_tapped() -> None:
    tapped = event_of(TelegramSimulator().tap("1001", "order-7"))
    assert tapped.peer == Peer("1001", "1001")
    assert "ref" not in tapped.data


@pytest.mark.parametrize("kind", ["channel_post", "poll_answer"])
def test_updates_without_a_customer_are_ignored(kind: str) -> None:
    assert protocol.event(json.dumps({"update_id": 5, kind: {}}).encode()).name == "ignored"  # type: ignore[union-attr]


def test_an_update_in_a_page_that_cannot_be_understood_is_kept_and_stops_nothing() -> None:
    raw = b'{"update_id": 9, "message": {"message_id": "x"}}'
    assert protocol.event_of_page(raw) == (9, Signal(key="9", name="unknown", raw=raw))
    with pytest.raises(MalformedError):
        protocol.event_of_page(b'{"message": {}}')


def body_of(code: int, description: str, **parameters: Any) -> bytes:
    return json.dumps({"ok": False, "error_code": code, "description": description, "parameters": parameters}).encode()


BLOCKED = Rejected("The customer has blocked the bot.")


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, b'{"ok": true, "result": {}}', None),
        (200, b'{"ok": true, "result": null}', None),
        (429, body_of(429, "Too Many Requests: retry after 7", retry_after=7), Retry(after_s=7, account=True)),
        (429, body_of(429, "Too Many Requests"), Retry(account=True)),
        (403, body_of(403, "Forbidden: bot was blocked by the user"), BLOCKED),
        (403, body_of(403, "Forbidden: user is deactivated"), Rejected(faults.REASONS["user is deactivated"])),
        (403, body_of(403, "Forbidden: something new"), Rejected("Telegram: Forbidden: something new")),
        (400, body_of(400, "Bad Request: chat not found"), Rejected(faults.REASONS["chat not found"])),
        (400, body_of(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1001),
         Moved("-1001")),
        (400, body_of(400, "Bad Request: message is not modified: ..."), Duplicate()),
        (413, body_of(413, "Request Entity Too Large"), Rejected("Telegram: Request Entity Too Large")),
        (404, body_of(404, "Not Found"), Rejected("Telegram: Not Found")),
        (500, body_of(500, "Internal Server Error"), Retry()),
        (502, b"<html>Bad Gateway</html>", Retry()),
        (200, b"", Retry()),
        (200, b'{"ok": fal', Retry()),
        (409, body_of(409, "Conflict: terminated by other getUpdates request"), Retry()),
        (200, body_of(403, "Forbidden: bot was blocked by the user"), BLOCKED),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, body: bytes, fault: Fault | None) -> None:
    assert Telegram().classify(status, body, JSON) == fault


@pytest.mark.parametrize(
    ("code", "words"), [(401, "Unauthorized"), (409, "Conflict: can't use getUpdates method while webhook is active")]
)
def test_an_account_that_must_be_repaired_pauses(code: int, words: str) -> None:
    assert isinstance(faults.classify(code, body_of(code, words), JSON), Pause)


def test_a_file_is_a_file_whatever_is_in_it() -> None:
    octets = {"content-type": "application/octet-stream"}
    assert faults.classify(200, b'{"ok": false, "error_code": 401}', octets) is None


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    request = Request(method="POST", headers={"x-telegram-bot-api-secret-token": ACCOUNT.secret}, body=body)
    assert protocol.verify(request, ACCOUNT) is None
    with contextlib.suppress(MalformedError):
        protocol.parse(request, ACCOUNT)
    for status in (200, 400, 403, 429, 500):
        faults.classify(status, body, JSON)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    ["message_id", "chat", "date", "text", "photo", "document", "location", "contact", "from", "sticker", "caption"]
)


@given(st.integers(), st.dictionaries(fields, json_values, max_size=6))
def test_no_message_of_any_types_raises_anything_else(number: int, said: dict[str, Any]) -> None:
    whole = {"message_id": 1, "chat": {"id": 3}, **said}
    with contextlib.suppress(MalformedError):
        protocol.event(json.dumps({"update_id": number, "message": whole}).encode())
