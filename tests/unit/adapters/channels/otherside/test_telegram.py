"""python-telegram-bot writes updates as Telegram documents them: nothing that a customer chose or entered is lost."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import telegram as tg

from adapters.channels.telegram import protocol
from backbone.channel import Message, Signal
from tests.unit.adapters.channels.leaves import lost

LI = tg.User(42, "Li", is_bot=False, last_name="Na", username="li_na", language_code="zh-hans")
PRIVATE = tg.Chat(42, "private", first_name="Li", last_name="Na", username="li_na")
GROUP = tg.Chat(-1001234567890, "supergroup", title="Buyers")
EVE = tg.User(99, "Eve", is_bot=False)
AT = dt.datetime(2025, 10, 9, 8, 53, 20, tzinfo=dt.UTC)
PHOTO = [tg.PhotoSize("small", "u-small", 90, 60, 900), tg.PhotoSize("large", "u-large", 900, 600, 90_000)]

LEFT_OUT = {
    r"update_id": "the key of the event",
    r"message\.(date|message_id|edit_date)": "the event's own time and reference",
    r"message\.(chat|from)\..*": "who it is: the peer, and in groups the author",
    r".*\.(width|height|length|duration|file_size|thumbnail\..*|performer)": "how a file is shown or played",
    r".*\.photo\.0\..*": "a smaller size of the same picture",
    r".*\.(mime_type|set_name|type|custom_emoji_id|language)": "kinds, which ours stand for",
    r".*entities\.\d+\.(offset|length)": "where a link stands; its words are kept",
    r".*\.(foursquare_id|foursquare_type|google_place_id|google_place_type)": "ids at other services",
    r".*\.(live_period|heading|proximity_alert_radius|horizontal_accuracy)": "how a place moves",
    r".*poll\.(id|total_voter_count|options\.\d+\.(voter_count|persistent_id))": "a poll's state",
    r".*\.(forward_origin|quote|external_reply)\.(date|position)": "when and where in the other message",
    r".*\.origin\.(date|sender_user\.id)": "the same",
    r".*\.sender_user\.id": "Telegram's number of somebody else",
    r"message\.reply_to_message\..*": "our own message, named by reply_to",
    r".*animation\..*": "the same file is told as document, too",
}

_POLL = tg.Poll(
    "1",
    "Which size?",
    [tg.PollOption("M", 0, persistent_id="0"), tg.PollOption("L", 0, persistent_id="1")],
    total_voter_count=0,
    is_closed=False,
    is_anonymous=False,
    type="regular",
    allows_multiple_answers=False,
    allows_revoting=False,
    members_only=False,
)

KINDS: dict[str, dict[str, Any]] = {
    "text": {
        "text": "您好 👋 请看这个链接的价格",
        "entities": [tg.MessageEntity("text_link", 9, 4, "https://shop.example/77")],
    },
    "photo": {"photo": PHOTO, "caption": "this one?", "media_group_id": "13"},
    "document": {"document": tg.Document("doc", "u-doc", file_name="合同.pdf", mime_type="application/pdf")},
    "voice": {"voice": tg.Voice("voice", "u-voice", 3, mime_type="audio/ogg")},
    "video": {"video": tg.Video("video", "u-video", 1, 1, 3, file_name="a.mp4"), "caption": "broken"},
    "sticker": {
        "sticker": tg.Sticker("st", "u-st", 512, 512, is_animated=True, is_video=False, type="regular", emoji="😡")
    },
    "location": {"location": tg.Location(113.320381, 23.106021, horizontal_accuracy=5)},
    "venue": {"venue": tg.Venue(tg.Location(113.3, 23.1), "Tea", "Nanjing Road 1", foursquare_id="4sq")},
    "contact": {"contact": tg.Contact("+8613800000000", "Li", "Na", user_id=777, vcard="BEGIN:VCARD")},
    "poll": {"poll": _POLL},
    "dice": {"dice": tg.Dice(4, "🎲")},
    "mini app": {"web_app_data": tg.WebAppData('{"order":17,"size":"L"}', "Order")},
    "game": {"game": tg.Game("Race", "Drive fast", PHOTO[1:])},
    "invoice": {"invoice": tg.Invoice("Tea", "Green tea", "start-1", "CNY", 19900)},
    "payment": {"successful_payment": tg.SuccessfulPayment("CNY", 19900, "order-17", "tg-charge", "bank-charge")},
    "shared users": {"users_shared": tg.UsersShared(7, [tg.SharedUser(99, "Eve", username="eve")])},
    "story": {"story": tg.Story(tg.Chat(-100, "channel", title="News"), 12)},
    "checklist": {"checklist": tg.Checklist("To do", [tg.ChecklistTask(1, "send it back")])},
    "forwarded": {
        "text": "Your refund is approved",
        "forward_origin": tg.MessageOriginUser(AT, EVE),
    },
    "forwarded from hidden": {"text": "hi", "forward_origin": tg.MessageOriginHiddenUser(AT, "Mallory")},
    "quote": {"text": "this is wrong", "quote": tg.TextQuote("shipping takes 30 days", 21)},
}


def _update(chat: tg.Chat = PRIVATE, **content: Any) -> dict[str, Any]:
    message = tg.Message(7, AT, chat, from_user=LI, **content)
    return tg.Update(2, message=message).to_dict()


def _read(update: dict[str, Any]) -> Any:
    return protocol.event(json.dumps(update, ensure_ascii=False).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_message_is_in_its_event(kind: str) -> None:
    update = _update(**KINDS[kind])
    event = _read(update)
    assert isinstance(event, Message)
    assert event.kind != "unsupported", "this version knows it"
    assert lost(update, [event], LEFT_OUT) == []


def test_a_group_says_who_wrote() -> None:
    event = _read(_update(GROUP, text="I object"))
    assert (event.peer.id, event.attributes["author"]) == (str(GROUP.id), "Li Na")


def test_a_tap_is_told_whole() -> None:
    said = tg.Message(12, AT, PRIVATE, text="Which?")
    update = tg.Update(3, callback_query=tg.CallbackQuery("tap-1", LI, "chat-instance", message=said, data="size-L"))
    event = _read(update.to_dict())
    assert isinstance(event, Signal)
    assert (event.name, event.data["choice"], event.data["ref"]) == ("menu", "size-L", "42:12")


@pytest.mark.parametrize(
    "field", ["giveaway_created", "forum_topic_created", "video_chat_started", "write_access_allowed"]
)
def test_what_the_library_calls_a_status_update_is_no_message(field: str) -> None:
    made = {
        "giveaway_created": tg.GiveawayCreated(),
        "forum_topic_created": tg.ForumTopicCreated("Orders", 0x6FB9F0),
        "video_chat_started": tg.VideoChatStarted(),
        "write_access_allowed": tg.WriteAccessAllowed(),
    }[field]
    assert _read(_update(GROUP, **{field: made})).name == "ignored"
