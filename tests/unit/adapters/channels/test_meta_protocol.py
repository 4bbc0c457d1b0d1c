"""Messenger and Instagram: what callbacks and answers mean."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.meta import faults
from backbone.channel import (
    BadSignatureError,
    Fault,
    MalformedError,
    Media,
    MediaGone,
    Message,
    Pause,
    Peer,
    Receipt,
    Rejected,
    Reply,
    Request,
    Retry,
    TokenExpired,
    WindowClosed,
    windows_of,
)
from tests.simulators.base import Accepted
from tests.simulators.messenger import MessengerSimulator
from tests.unit.adapters.channels.kit_meta import LI, NAMES, Pair, as_node, pair

JSON = {"content-type": "application/json; charset=UTF-8"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}


@pytest.fixture(params=NAMES)
def both(request: pytest.FixtureRequest) -> Pair:
    """Either channel."""
    return pair(request.param)


@pytest.fixture
def page() -> Pair:
    """Messenger."""
    return pair("messenger")


@pytest.fixture
def insta() -> Pair:
    """Instagram."""
    return pair("instagram")


def test_the_check_of_the_address_is_answered_with_its_challenge(both: Pair) -> None:
    (request, status, body), *wrong = both.simulator.handshakes()
    assert both.channel.verify(request, both.account) == Reply(status=status, body=body)
    for each, _, _ in wrong:
        with pytest.raises(BadSignatureError):
            both.channel.verify(each, both.account)


def test_a_forged_callback_is_refused(both: Pair) -> None:
    forged = both.simulator.forged(both.simulator.say(LI, "hello")[0])
    assert len(forged) == 4
    for each in forged:
        with pytest.raises(BadSignatureError):
            both.channel.verify(as_node(each), both.account)


def test_what_cannot_be_understood_is_malformed(both: Pair) -> None:
    for each in both.simulator.malformed():
        assert both.channel.verify(as_node(each), both.account) is None
        with pytest.raises(MalformedError):
            both.channel.parse(as_node(each), both.account)


def test_what_nobody_knows_yet_is_kept_raw(both: Pair) -> None:
    first, second = both.events(both.simulator.unknown(LI))
    assert (first.name, second.name) == ("unknown", "unknown")
    assert json.loads(first.raw)["hologram"] == {"light": "blue"}
    assert json.loads(second.raw)["message"]["mid"] == 7


def test_one_that_cannot_be_understood_stops_none_of_the_others(both: Pair) -> None:
    good = {"sender": {"id": LI}, "recipient": {"id": "1"}, "timestamp": 1, "message": {"mid": "m_1", "text": "hi"}}
    events = both.events([both.simulator.push_raw([7, {"message": {}}, good], "x")])
    assert [type(each).__name__ for each in events] == ["Signal", "Signal", "Message"]
    assert events[2].text == "hi"


def test_a_null_is_a_field_that_is_not_there(both: Pair) -> None:
    attachment = {"type": "fallback", "title": None, "url": "https://tea.example", "payload": None}
    event = both.event({"message": {"mid": "m_1", "text": "look", "reply_to": None, "attachments": [attachment]}})
    assert (event.kind, event.text) == ("card", "look\nhttps://tea.example")


def test_a_text_has_the_platforms_id_time_and_customer(both: Pair) -> None:
    event = both.said("你好 👨‍👩‍👧\u2028]]>")
    assert isinstance(event, Message)
    assert (event.text, event.peer, event.echo) == ("你好 👨‍👩‍👧\u2028]]>", Peer(LI), False)
    assert event.key == both.simulator.newest[LI]
    assert event.at > 1_700_000_000_000
    assert event.context == {"at": str(event.at)}


def test_what_another_account_of_the_app_was_sent_is_passed_over(both: Pair) -> None:
    message = {"sender": {"id": LI}, "message": {"mid": "m_1", "text": "hi"}}
    (event,) = both.events([both.simulator.push_raw([message], "x", account="99")])
    assert event.name == "ignored"


def test_a_callback_of_the_other_platform_is_passed_over(page: Pair, insta: Pair) -> None:
    push = insta.simulator.push_raw([{"message": {"mid": "m"}}], "x", account=page.simulator.account_id)
    (event,) = page.channel.parse(as_node(push.request), page.account)
    assert event.name == "ignored"


def test_what_another_app_answers_is_passed_over(both: Pair) -> None:
    (event,) = both.events(both.simulator.standby(LI, "to the bot"))
    assert event.name == "ignored"


def test_comments_are_passed_over_and_messages_in_their_wrapping_are_not(insta: Pair) -> None:
    inside = {
        "sender": {"id": LI},
        "recipient": {"id": "1"},
        "timestamp": "1700000000",
        "message": {"mid": "m", "text": "a"},
    }
    changes = [{"field": "comments", "value": {"text": "nice"}}, {"field": "messages", "value": inside}]
    message, comment = insta.events([insta.simulator.push_raw(changes, "x", channel="changes")])
    assert (message.text, message.at) == ("a", 1_700_000_000_000)
    assert comment.name == "ignored"


def test_a_test_of_the_dashboard_says_nothing(both: Pair) -> None:
    """It is posted for the account 0, with ids that nobody has."""
    inside = {"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "message": {"mid": "x", "text": "test"}}
    push = both.simulator.push_raw([{"field": "messages", "value": inside}], "x", account="0", channel="changes")
    assert [each.name for each in both.events([push])] == ["ignored"]


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_a_file_is_told_by_its_address(both: Pair, kind: str) -> None:
    event = both.said("look", kind=kind, content=b"x")
    (media,) = event.media
    assert (event.kind, event.text) == (kind, "look")
    assert media == Media(kind, media.ref, name="file.bin" if kind == "file" else "")
    assert media.ref.startswith("https://cdn.example/cdn/")


def test_several_files_are_one_message(both: Pair) -> None:
    files = [{"type": kind, "payload": {"url": f"https://c.example/{kind}"}} for kind in ("image", "image", "video")]
    event = both.event({"message": {"mid": "m", "attachments": files}})
    assert [each.kind for each in event.media] == ["image", "image", "video"]


@pytest.mark.parametrize(
    ("kind", "ours", "text", "attributes"),
    [
        ("like", "image", "👍", {"sticker_id": "369239263222822", "emoji": "👍"}),
        ("sticker", "image", "", {"sticker_id": "767226160478561"}),
        (
            "location",
            "location",
            "Tea House\n31.25, 121.5",
            {
                "latitude": 31.25,
                "longitude": 121.5,
                "place": "Tea House",
                "links": [{"text": "Tea House", "url": "https://maps.example/1"}],
            },
        ),
        ("link", "card", "Tea\nhttps://tea.example", {"card": {"title": "Tea", "url": "https://tea.example"}}),
        ("product", "card", "Oolong", {"product": [{"id": "9", "retailer_id": "T-1", "title": "Oolong"}]}),
        ("template", "card", "Offer", {"card": {"template_type": "generic", "elements.0.title": "Offer"}}),
        ("choice", "text", "", {"choice": "p-1"}),
    ],
)
def test_what_is_no_plain_text_is_told_in_words(
    both: Pair, kind: str, ours: str, text: str, attributes: dict[str, Any]
) -> None:
    said = "Tea" if kind == "choice" else ""
    event = both.said(said, kind=kind)
    assert (event.kind, event.text, event.attributes) == (ours, text or said, attributes)


def test_what_is_shared_comes_with_its_file_and_its_address(both: Pair) -> None:
    reel, story, share = (both.said(kind=kind) for kind in ("reel", "story", "share"))
    assert (reel.kind, reel.text, reel.attributes["card"]) == (
        "video",
        "Tea time",
        {"title": "Tea time", "reel_video_id": 77},
    )
    assert (story.kind, story.text) == ("image", "A story that mentions the account")
    assert story.attributes["story"] == {"url": story.media[0].ref}
    assert share.attributes["links"] == [{"text": "A shared post", "url": share.media[0].ref}]


def test_a_sticker_that_comes_as_a_picture_too_is_one_file(both: Pair) -> None:
    payload = {"url": "https://c.example/s", "sticker_id": 7}
    attachments = [{"type": kind, "payload": payload} for kind in ("image", "sticker")]
    event = both.event({"message": {"mid": "m", "attachments": attachments}})
    assert [each.ref for each in event.media] == ["https://c.example/s"]


def test_a_sticker_without_a_picture_is_not_empty(both: Pair) -> None:
    event = both.event({"message": {"mid": "m", "attachments": [{"type": "sticker", "payload": {"sticker_id": 7}}]}})
    assert (event.kind, event.text, event.attributes) == ("text", "A sticker", {"sticker_id": "7"})


def test_what_is_not_handed_on_is_unsupported_and_kept(both: Pair) -> None:
    event = both.said(kind="unsupported")
    assert (event.kind, event.text) == ("unsupported", "A message that Meta doesn't hand on")
    assert json.loads(event.raw)["message"]["mid"] == event.key


def test_an_attachment_of_an_unknown_kind_keeps_all_it_came_with(both: Pair) -> None:
    hologram = {"type": "hologram", "payload": {"light": "blue", "depth": {"cm": 12}}}
    event = both.event({"message": {"mid": "m", "attachments": [hologram]}})
    assert (event.kind, event.text) == ("unsupported", "A message of an unknown kind")
    assert event.attributes == {"card": {"light": "blue", "depth.cm": 12}}


def test_an_answer_names_its_message_or_its_story(both: Pair) -> None:
    assert both.said("yes", reply_to={"mid": "m_OURS", "is_self_reply": False}).reply_to == "m_OURS"
    answer = both.said("wow", reply_to={"story": {"id": "17", "url": "https://c.example/s"}})
    assert (answer.reply_to, answer.attributes) == ("", {"story": {"id": "17", "url": "https://c.example/s"}})


AD = {
    "ref": "spring",
    "ad_id": "6045246247433",
    "source": "ADS",
    "type": "OPEN_THREAD",
    "ads_context_data": {"ad_title": "Tea", "photo_url": "https://c.example/p", "post_id": "12_3"},
}


@pytest.mark.parametrize("where", ["inside", "beside"])
def test_the_first_message_tells_by_which_advertisement_somebody_came(both: Pair, where: str) -> None:
    inside, beside = ({"referral": AD}, {}) if where == "inside" else ({}, {"referral": AD})
    event = both.event({"message": {"mid": "m", "text": "hi", **inside}, **beside})
    assert event.attributes == {
        "scene": "spring",
        "source": "ADS",
        "ad_id": "6045246247433",
        "ad_title": "Tea",
        "ad_media": "https://c.example/p",
        "post_id": "12_3",
    }


def test_a_question_about_a_product_names_it(both: Pair) -> None:
    assert both.said("is it there?", referral={"product": {"id": "9"}}).attributes == {"product": {"id": "9"}}


def test_who_opens_the_chat_by_a_link_has_entered_and_asks_for_nobody_yet(both: Pair) -> None:
    (event,) = both.events(both.simulator.comes_by(LI, "store_17"))
    assert (event.name, event.asks, event.data) == ("enter", False, {"scene": "store_17", "source": "SHORTLINK"})


def test_a_tap_asks_for_somebody(both: Pair) -> None:
    (event,) = both.events(both.simulator.taps(LI, "HUMAN"))
    assert (event.name, event.asks, event.data) == ("menu", True, {"choice": "HUMAN", "choice_text": "Talk to us"})
    came = both.event({"postback": {"title": "Get Started", "payload": "START", "referral": AD}})
    assert (came.data["scene"], came.data["ad_title"], came.data["choice"]) == ("spring", "Tea", "START")


def test_a_reaction_answers_its_message_and_one_taken_away_is_nothing(both: Pair) -> None:
    (event,) = both.events(both.simulator.reacts(LI, "m_OURS"))
    assert (event.text, event.reply_to, event.attributes) == ("❤", "m_OURS", {"reaction": True})
    (again,) = both.events(both.simulator.reacts(LI, "m_OURS", action="unreact"))
    assert again.name == "ignored"
    ours = both.event({"reaction": {"mid": "m", "action": "react", "emoji": "❤"}}, is_ours=True)
    assert ours.name == "ignored"


def test_a_message_that_is_changed_or_unsent_is_named(both: Pair) -> None:
    edit = both.event({"message_edit": {"mid": "m_1", "text": "three", "num_edit": "2"}})
    assert (edit.name, edit.key, edit.data) == ("edit", "m_1:edit:2", {"ref": "m_1", "text": "three"})
    recall = both.event({"message": {"mid": "m_1", "is_deleted": True}})
    assert (recall.name, recall.key, recall.data, recall.echo) == ("recall", "m_1:deleted", {"ref": "m_1"}, False)
    ours = both.event({"message": {"mid": "m_1", "is_deleted": True, "is_echo": True}}, is_ours=True)
    assert (ours.name, ours.echo, ours.peer) == ("recall", True, Peer(LI))


OURS = Accepted(id="m_A", peer=LI, kind="text", text="hi", key="k" * 32)


def test_an_echo_of_our_app_is_what_became_of_a_message(both: Pair) -> None:
    (event,) = both.events(both.simulator.comes_back(OURS))
    assert event == Receipt(key="m_A", ref="m_A", sent_as="k" * 32, status="sent", peer=Peer(LI))


def test_without_the_apps_id_an_echo_is_told_by_our_key(page: Pair) -> None:
    unknown = pair("messenger", app_id="")
    (event,) = unknown.events(page.simulator.comes_back(OURS))
    assert (event.echo, event.key, event.context) == (True, "m_A", {"key": "k" * 32})


def test_what_colleagues_write_in_metas_inbox_is_an_agents(both: Pair) -> None:
    (event,) = both.events(both.simulator.typed_elsewhere(LI, "from the inbox"))
    assert (event.echo, event.peer, event.text, event.context) == (True, Peer(LI), "from the inbox", {})


def test_an_account_that_writes_to_itself_is_no_customer(insta: Pair) -> None:
    me = {"id": insta.simulator.account_id}
    item = {"sender": me, "recipient": me, "message": {"mid": "m", "text": "note", "is_echo": True, "is_self": True}}
    (event,) = insta.events([insta.simulator.push_raw([item], "x")])
    assert event.name == "ignored"


def test_messenger_tells_what_is_delivered_by_id_and_what_is_read_by_time(page: Pair) -> None:
    delivered, read = page.events(page.simulator.receipts(OURS, "delivered", "read"))
    assert delivered == Receipt(key="m_A:delivered", ref="m_A", status="delivered", peer=Peer(LI))
    assert (read.ref, read.upto, read.status) == ("", True, "read")
    assert read.at > 1_700_000_000_000
    unnamed = page.event({"delivery": {"watermark": 1458668856253}})
    assert (unnamed.upto, unnamed.at, unnamed.key) == (True, 1458668856253, f"{LI}:delivered:1458668856253")


def test_instagram_tells_up_to_which_message_was_read(insta: Pair) -> None:
    event = insta.event({"read": {"mid": "aWdf1"}})
    assert event == Receipt(key=f"{LI}:read:aWdf1", ref="aWdf1", status="read", peer=Peer(LI), upto=True)


def test_feedback_is_a_form_by_question(page: Pair) -> None:
    question = {"type": "csat", "payload": "5", "follow_up": {"type": "free_form", "payload": "Very good!"}}
    event = page.event({"messaging_feedback": {"feedback_screens": [{"screen_id": 0, "questions": {"q1": question}}]}})
    assert (event.kind, event.text) == ("card", "q1 (csat): 5\nVery good!")
    assert event.attributes == {"form": {"q1": "5", "q1: why": "Very good!"}}


def test_what_a_customer_enters_of_themselves_is_a_form(page: Pair) -> None:
    screens = [{"screen_id": "address", "responses": [{"key": "city", "value": "Shanghai"}]}]
    event = page.event({"messaging_customer_information": {"screens": screens}})
    assert (event.text, event.attributes) == ("city: Shanghai", {"form": {"city": "Shanghai"}})


def test_a_judgement_of_a_message_answers_it(page: Pair) -> None:
    event = page.event({"response_feedback": {"feedback": "Good response", "mid": "m_OURS"}})
    assert (event.text, event.reply_to, event.attributes) == ("Good response", "m_OURS", {"reaction": True})


@pytest.mark.parametrize(
    ("what", "asks", "data"),
    [
        (
            {
                "pass_thread_control": {
                    "new_owner_app_id": 1517776481860111,
                    "previous_owner_app_id": "7",
                    "metadata": "angry",
                }
            },
            True,
            {
                "event": "pass_thread_control",
                "previous_owner": "7",
                "new_owner": "1517776481860111",
                "handover": "angry",
            },
        ),
        (
            {"pass_thread_control": {"new_owner_app_id": "8", "previous_owner_app_id": None}},
            False,
            {"event": "pass_thread_control", "new_owner": "8"},
        ),
        (
            {"take_thread_control": {"previous_owner_app_id": "7", "metadata": "mine"}},
            False,
            {"event": "take_thread_control", "previous_owner": "7", "handover": "mine"},
        ),
        (
            {"request_thread_control": {"requested_owner_app_id": "9"}},
            False,
            {"event": "request_thread_control", "new_owner": "9"},
        ),
        ({"account_linking": {"status": "unlinked"}}, False, {"event": "account_linking", "status": "unlinked"}),
        (
            {
                "optin": {
                    "type": "notification_messages",
                    "payload": "p",
                    "title": "News",
                    "notification_messages_token": "t",
                }
            },
            False,
            {"event": "notification_messages", "choice": "p", "choice_text": "News"},
        ),
        ({"optin": {"ref": "shop"}}, False, {"event": "optin", "scene": "shop"}),
    ],
)
def test_what_happens_beside_words_is_told(page: Pair, what: dict[str, Any], asks: bool, data: dict[str, str]) -> None:  # noqa: FBT001
    event = page.event(what)
    assert (event.name, event.asks, event.data) == ("enter", asks, data)


@pytest.mark.parametrize("what", [{"game_play": {"game_id": "1"}}, {"app_roles": {"1": ["primary_receiver"]}}])
def test_what_is_of_no_use_is_ignored(page: Pair, what: dict[str, Any]) -> None:
    assert page.event(what).name == "ignored"


def test_a_page_that_meta_blocks_is_unlinked_until_it_may_go_on(page: Pair) -> None:
    simulator = MessengerSimulator()
    (block,), (unblock,) = (page.events(told) for told in (simulator.unlinks(), simulator.links()))
    assert (block.name, unblock.name) == ("unlinked", "linked")
    assert block.data["reason"] == "Meta has blocked the account: The bot violated our Platform Policies."
    warned = page.events([simulator.push_raw([{"policy_enforcement": {"action": "warning", "reason": "spam"}}], "w")])
    assert [each.name for each in warned] == ["ignored"]


def answer(code: int, subcode: int = 0, **more: Any) -> bytes:
    told = {"message": f"(#{code}) words", "type": "OAuthException", "code": code, "error_subcode": subcode, **more}
    return json.dumps({"error": told}).encode()


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([(10, 2018065), (10, 2018278), (10, 2534022)], WindowClosed),
        ([(190, 0), (190, 460), (190, 463), (190, 467), (190, 492), (10, 0), (230, 0), (200, 2018028)], Pause),
        ([(3, 0), (368, 0), (100, 33), (299, 0), (200, 0), (10, 1893063)], Pause),
        ([(4, 0), (4, 2018022), (32, 0), (613, 0), (613, 1893016), (80006, 0), (1, 99), (2, 0), (1200, 0)], Retry),
        ([(551, 1545041), (551, 0), (200, 1545041), (10, 2018108), (10, 2018300), (100, 2018001)], Rejected),
        ([(100, 2018047), (100, 2018109), (100, 2018034), (100, 0), (100, 2534015), (9_999_999, 0)], Rejected),
        ([(100, 2018074)], MediaGone),
    ],
)
def test_each_code_of_the_table_is_its_fault(both: Pair, codes: list[tuple[int, int]], fault: type[Fault]) -> None:
    for code, subcode in codes:
        assert isinstance(both.channel.classify(400, answer(code, subcode), JSON), fault), (code, subcode)


def test_a_reason_has_the_number_that_it_is_of() -> None:
    told = {number: fault for number, fault in faults.FAULTS.items() if isinstance(fault, Pause | Rejected)}
    assert [number for number, fault in told.items() if f"({number})" not in fault.reason] == []


USAGE = {"x-business-use-case-usage": '{"1":[{"type":"messenger","estimated_time_to_regain_access":3}]}'}


@pytest.mark.parametrize(
    ("status", "body", "headers", "fault"),
    [
        (200, b'{"message_id": "m_1"}', JSON, None),
        (200, b"\xff\xd8", {"content-type": "image/jpeg"}, None),
        (200, b"", JSON, Retry()),
        (200, b"<html></html>", JSON, Retry()),
        (502, b"<html></html>", {"content-type": "text/html"}, Retry()),
        (404, b"<html></html>", {"content-type": "text/html"}, Retry()),
        (403, b"URL signature expired", PLAIN, MediaGone()),
        (404, b"Content not found", PLAIN, MediaGone()),
        (400, answer(613), {**JSON, "retry-after": "7"}, Retry(after_s=7, account=True)),
        (400, answer(80006), {**JSON, **USAGE}, Retry(after_s=180, account=True)),
        (400, answer(4), {**JSON, "x-business-use-case-usage": "oops"}, Retry(account=True)),
        (500, answer(9_999_999), JSON, Retry()),
        (401, answer(9_999_999), JSON, TokenExpired()),
        (200, answer(10, 2018278), JSON, WindowClosed("time")),
    ],
)
def test_what_an_answer_means(
    both: Pair, status: int, body: bytes, headers: dict[str, str], fault: Fault | None
) -> None:
    assert both.channel.classify(status, body, headers) == fault


def test_windows_are_a_day_or_a_week_where_people_may_answer_so_long(both: Pair) -> None:
    windows = both.channel.caps.windows
    without = windows_of(windows, lambda _: False)
    assert [(one.by, one.seconds) for one in without] == [("message", 86_400), ("menu", 86_400)]
    assert windows_of(windows, lambda name: name == "human_agent") == list(windows)
    assert windows[-1].seconds == 7 * 86_400
    assert both.account.human_agent is False, "the setting that the window names"


@given(st.binary())
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    both = pair("messenger")
    with contextlib.suppress(MalformedError):
        both.channel.parse(Request(method="POST", body=body), both.account)
    for status in (200, 400, 500):
        both.channel.classify(status, body, {**JSON, "x-business-use-case-usage": body.decode(errors="replace")})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)
parts = st.sampled_from(
    ["message", "postback", "reaction", "delivery", "read", "referral", "optin", "sender", "timestamp", "message_edit"]
)
insides = st.dictionaries(
    st.sampled_from(["mid", "text", "attachments", "reply_to", "type", "payload", "referral", "watermark", "title"]),
    json_values,
    max_size=5,
)
attachments = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["image", "sticker", "location", "fallback", "template", "ig_reel", "x"])},
        optional={"payload": json_values, "title": st.text(), "url": st.text()},
    ),
    max_size=4,
)


@given(st.lists(st.dictionaries(parts, json_values | insides, max_size=4), max_size=3), attachments)
def test_nothing_of_any_types_raises_anything(items: list[dict[str, Any]], attached: list[dict[str, Any]]) -> None:
    both = pair("instagram")
    whole = {"sender": {"id": LI}, "message": {"mid": "m", "attachments": attached}}
    events = both.events([both.simulator.push_raw([*items, whole], "x")])
    assert len(events) >= len(items) + 1
