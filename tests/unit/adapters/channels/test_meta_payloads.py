"""Messenger and Instagram, for which no library reads what they post: every value of a documented payload is in its
event, but what is left out on purpose.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.adapters.channels.kit_meta import NAMES, Pair, pair
from tests.unit.adapters.channels.leaves import lost

LEFT_OUT = {
    r"object|entry\.0\.(id|time)": "the envelope",
    r".*\.(sender|recipient)\.id": "whose account, and the customer",
    r".*\.timestamp": "the event's own time",
    r".*\.attachments\.\d+\.type": "which kind of file or card it is",
    r".*\.referral\.type": "which is always OPEN_THREAD",
    r".*\.ads_context_data\.video_url": "the picture's address, where there are both",
    r".*\.reaction\.(reaction|action)": "the sign's name, and that it was put",
    r".*\.optin\.(notification_messages_token|one_time_notif_token|token_expiry_timestamp|user_token_status)": (
        "a right to send advertisements, which nobody here does"
    ),
    r".*\.optin\.type": "told as event",
    r".*\.message\.(app_id|metadata)": "by which app an echo was sent, and with which key of ours",
    r".*\.message\.nlp\..*": "what Meta guesses of the words",
    r".*\.feedback_screens\.\d+\.screen_id|.*\.screens\.\d+\.screen_id": "which page of a form",
    r".*\.follow_up\.type|.*\.questions\.free\.type": "free words",
    r".*\.message_edit\.num_edit": "how often it was changed: part of the key",
    r".*\.delivery\.watermark": "the time, where Meta names the messages",
    r".*\.message\.mid|.*\.postback\.mid": "the event's own key",
    r".*\.policy_enforcement\.action": "told as unlinked",
}

AD = {
    "ref": "spring",
    "ad_id": "6045246247433",
    "source": "ADS",
    "type": "OPEN_THREAD",
    "referer_uri": "https://shop.example/tea",
    "ads_context_data": {
        "ad_title": "Tea",
        "photo_url": "https://c.example/photo",
        "video_url": "https://c.example/video",
        "post_id": "12_3",
    },
}


def _attached(kind: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {"message": {"mid": "m_1", "attachments": [{"type": kind, "payload": payload, **more}]}}


def _shared(kind: str, **more: Any) -> dict[str, Any]:
    return _attached(kind, {"url": f"https://lookaside.fbsbx.com/{kind}?asset_id=1", "title": "Tea time", **more})


PAYLOADS: dict[str, dict[str, Any]] = {
    "text": {"message": {"mid": "m_1", "text": "hello, world! 你好"}},
    "quick reply": {"message": {"mid": "m_1", "text": "Red", "quick_reply": {"payload": "RED-77"}}},
    "command": {"message": {"mid": "m_1", "text": "/flights", "commands": [{"name": "flights-1"}]}},
    "reply": {"message": {"mid": "m_1", "text": "yes", "reply_to": {"mid": "m_0", "is_self_reply": False}}},
    "story reply": {
        "message": {
            "mid": "m_1",
            "text": "wow",
            "reply_to": {"story": {"url": "https://c.example/story", "id": "1790"}},
        }
    },
    "story mention": _attached("story_mention", {"url": "https://lookaside.fbsbx.com/story"}),
    **{kind: _attached(kind, {"url": f"https://c.example/{kind}.bin?x=1"}) for kind in ("image", "video", "audio")},
    "file": _attached("file", {"url": "https://cdn.fbsbx.com/v/t59/invoice%202.pdf?oe=1"}),
    "sticker": _attached("sticker", {"url": "https://c.example/s", "sticker_id": 369239263222822}),
    "location": _attached(
        "location",
        {"coordinates": {"lat": 31.25, "long": 121.5}},
        title="Vera's location",
        url="https://www.facebook.com/l.php?u=https%3A%2F%2Fwww.bing.com%2Fmaps",
    ),
    "fallback": _attached("fallback", {"url": "https://tea.example/a", "title": "Tea"}),
    "fallback with its fields beside": _attached("fallback", None, title="Tea", url="https://tea.example/b"),
    "reel": _shared("reel"),
    "instagram reel": _shared("ig_reel", reel_video_id=1790012345678),
    "post": _shared("ig_post", ig_post_media_id="17900123"),
    "share": _attached("share", {"url": "https://lookaside.fbsbx.com/share"}),
    "product": _attached(
        "template",
        {
            "product": {
                "elements": [
                    {
                        "id": "3344",
                        "retailer_id": "LAMP-1",
                        "image_url": "https://c.example/lamp",
                        "title": "Lamp",
                        "subtitle": "$30.50",
                    }
                ]
            }
        },
    ),
    "template": _attached(
        "template",
        {
            "template_type": "generic",
            "elements": [
                {
                    "title": "Offer",
                    "subtitle": "Half price",
                    "buttons": [{"type": "web_url", "title": "Look", "url": "https://tea.example/c"}],
                }
            ],
        },
    ),
    "appointment": _attached("appointment_booking", {"service": "Tasting", "start_time": 1790000000}),
    "hologram": _attached("hologram", {"light": "blue", "depth": {"cm": 12}}),
    "advertisement": {"message": {"mid": "m_1", "text": "hi", "referral": AD, "nlp": {"intents": [{"name": "greet"}]}}},
    "shop": {"message": {"mid": "m_1", "text": "is it there?", "referral": {"product": {"id": "998877"}}}},
    "referral": {"referral": AD},
    "referral of a shop": {"referral": {"source": "SHOP", "type": "OPEN_THREAD", "product": {"id": "998877"}}},
    "postback": {"postback": {"mid": "m_1", "title": "Get Started", "payload": "START-1", "referral": AD}},
    "reaction": {"reaction": {"mid": "m_0", "action": "react", "reaction": "love", "emoji": "❤"}},
    "edit": {"message_edit": {"mid": "m_0", "text": "three", "num_edit": 4}},
    "unsent": {"message": {"mid": "m_0", "is_deleted": True}},
    "delivery": {"delivery": {"mids": ["m_0", "m_00"], "watermark": 1458668856253}},
    "delivery without ids": {"delivery": {"watermark": 1458668856254}},
    "read": {"read": {"watermark": 1458668856255}},
    "seen": {"read": {"mid": "aWdf0"}},
    "optin": {
        "optin": {
            "type": "notification_messages",
            "payload": "NEWS-1",
            "notification_messages_token": "token-1",
            "notification_messages_frequency": "WEEKLY",
            "notification_messages_timezone": "Asia/Shanghai",
            "token_expiry_timestamp": "1790000000000",
            "user_token_status": "NOT_REFRESHED",
            "notification_messages_status": "STOP_NOTIFICATIONS",
            "title": "News of tea",
        }
    },
    "one-time": {"optin": {"type": "one_time_notif_req", "payload": "STOCK-1", "one_time_notif_token": "token-2"}},
    "plugin": {"optin": {"ref": "PASS_THROUGH"}},
    "linking": {"account_linking": {"status": "linked", "authorization_code": "code-1"}},
    "passed": {
        "pass_thread_control": {"previous_owner_app_id": "11", "new_owner_app_id": "12", "metadata": "wants a person"}
    },
    "taken": {"take_thread_control": {"previous_owner_app_id": "13", "new_owner_app_id": "14", "metadata": "mine"}},
    "requested": {"request_thread_control": {"requested_owner_app_id": "15", "metadata": "please"}},
    "feedback": {
        "messaging_feedback": {
            "feedback_screens": [
                {
                    "screen_id": 0,
                    "questions": {
                        "hauydmns8": {
                            "type": "csat",
                            "payload": "5",
                            "follow_up": {"type": "free_form", "payload": "I am very satisfied!"},
                        },
                        "free": {"type": "free_form", "payload": "Thanks"},
                    },
                }
            ]
        }
    },
    "information": {
        "messaging_customer_information": {
            "screens": [{"screen_id": "address", "responses": [{"key": "city", "value": "Shanghai"}]}]
        }
    },
    "judgement": {"response_feedback": {"feedback": "Bad response", "mid": "m_0"}},
    "echo": {
        "message": {"mid": "m_1", "is_echo": True, "app_id": 7, "metadata": "ours", "text": "from the inbox"},
    },
    "enforcement": {"policy_enforcement": {"action": "block", "reason": "The bot violated our Platform Policies."}},
}


@pytest.fixture(scope="module", params=NAMES)
def both(request: pytest.FixtureRequest) -> Pair:
    """Either channel."""
    return pair(request.param)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_value_of_a_payload_is_in_its_event(both: Pair, kind: str) -> None:
    is_ours = kind == "echo"
    push = both.simulator.push("6001", PAYLOADS[kind], "x", is_ours=is_ours)
    events = both.events([push])
    assert events
    assert not any(getattr(event, "name", "") in {"unknown", "ignored"} for event in events)
    assert (getattr(events[0], "kind", "") == "unsupported") == (kind == "hologram")
    assert lost(json.loads(push.request.body), events, LEFT_OUT) == []


def test_what_is_left_out_of_a_payload_is_there_to_be_left_out(both: Pair) -> None:
    """A reason for nothing would hide what it names the day it comes."""
    paths = {
        path
        for what in PAYLOADS.values()
        for path, _ in lost(json.loads(both.simulator.push("6001", what, "x").request.body), [], {})
    }
    assert [pattern for pattern in LEFT_OUT if not any(re.fullmatch(pattern, path) for path in paths)] == []
