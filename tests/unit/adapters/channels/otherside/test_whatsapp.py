"""pywa reads what our simulator posts as Meta does, and writes what our channel must be able to; nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pywa import WhatsApp, types, utils

from adapters.channels.whatsapp import protocol
from adapters.channels.whatsapp.settings import Account
from backbone.channel import Message, Request, Signal
from tests.simulators.whatsapp import WhatsAppSimulator
from tests.unit.adapters.channels.leaves import lost

ACCOUNT = Account(
    phone_number_id="106540352242922", access_token="t", app_secret="0123456789abcdef0123456789abcdef", verify_token="v"
)
CLIENT = WhatsApp(phone_id=ACCOUNT.phone_number_id, token="t")

LEFT_OUT = {
    r"object|entry\.0\.(id|changes\.0\.field)": "the envelope",
    r".*\.value\.(messaging_product|metadata\..*)": "the number, which is the inbox",
    r".*\.messages\.0\.(id|timestamp|type)": "the event's own key, time and kind",
    r".*\.parent_user_id|.*\.from_parent_user_id": "the id of a customer's company, of another tenant's concern",
    r".*\.profile\.username": "a name, where there is none that people chose",
    r".*\.mime_type": "the type, without its parameters",
    r".*\.interactive\.type": "which kind of choice it is",
    r".*\.context\.from": "our own number",
    r".*\.(voice|animated)": "how a file is played",
}

KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "你好 👋"}},
    "image": {"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "sha256": "abc=", "caption": "look"}},
    "document": {
        "type": "document",
        "document": {"id": "2", "mime_type": "application/pdf", "sha256": "d=", "filename": "a.pdf"},
    },
    "audio": {
        "type": "audio",
        "audio": {"id": "3", "mime_type": "audio/ogg; codecs=opus", "sha256": "a=", "voice": True},
    },
    "location": {
        "type": "location",
        "location": {
            "latitude": 23.106,
            "longitude": 113.32,
            "name": "Tea",
            "address": "Road 1",
            "url": "https://t.example",
        },
    },
    "contacts": {
        "type": "contacts",
        "contacts": [
            {
                "name": {"formatted_name": "Li Na", "first_name": "Li"},
                "phones": [{"phone": "+86 138", "wa_id": "86138", "type": "CELL"}],
                "emails": [{"email": "li@example.com", "type": "WORK"}],
                "org": {"company": "Tea Ltd", "title": "Buyer"},
                "addresses": [{"street": "Nanjing Road 1", "city": "Shanghai", "type": "WORK"}],
                "birthday": "1990-01-02",
            }
        ],
    },
    "button": {"type": "button", "button": {"text": "Yes", "payload": "p-1"}},
    "tapped button": {
        "type": "interactive",
        "interactive": {"type": "button_reply", "button_reply": {"id": "b-1", "title": "Track it"}},
    },
    "chosen row": {
        "type": "interactive",
        "interactive": {"type": "list_reply", "list_reply": {"id": "r-1", "title": "Large", "description": "40 cm"}},
    },
    "flow": {
        "type": "interactive",
        "interactive": {
            "type": "nfm_reply",
            "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"rating":"4","why":"box was broken"}'},
        },
    },
    "call permission": {
        "type": "interactive",
        "interactive": {
            "type": "call_permission_reply",
            "call_permission_reply": {
                "response": "accept",
                "response_source": "user_action",
                "expiration_timestamp": 9,
            },
        },
    },
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "354",
            "text": "please ship today",
            "product_items": [
                {"product_retailer_id": "LAMP", "quantity": 3, "item_price": 30.5, "currency": "EUR"},
                {"product_retailer_id": "CABLE", "quantity": 1, "item_price": 4, "currency": "EUR"},
            ],
        },
    },
    "reaction": {"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "👍"}},
    "advertisement": {
        "type": "text",
        "text": {"body": "hi"},
        "referral": {
            "source_url": "https://fb.me/1",
            "source_type": "ad",
            "source_id": "77",
            "headline": "Tea",
            "body": "Half price",
            "media_type": "image",
            "image_url": "https://scontent.example/1.jpg",
            "ctwa_clid": "clid",
        },
    },
    "product question": {
        "type": "text",
        "text": {"body": "is it there?"},
        "context": {
            "from": "1555",
            "id": "wamid.P",
            "referred_product": {"catalog_id": "c9", "product_retailer_id": "p9"},
        },
    },
    "unknown": {"type": "hologram", "hologram": {"light": "blue", "depth": {"cm": 12}}},
}


def _update(said: dict[str, Any], contact: dict[str, Any], who: dict[str, Any]) -> dict[str, Any]:
    message = {"id": "wamid.A", "timestamp": "1760000000", **who, **said}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": ACCOUNT.phone_number_id},
        "contacts": [contact],
        "messages": [message],
    }
    entry = {"id": "1022", "changes": [{"value": value, "field": "messages"}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _numbered(said: dict[str, Any]) -> dict[str, Any]:
    contact = {"profile": {"name": "Kerry Fisher"}, "wa_id": "16505551234", "user_id": "US.1349"}
    return _update(said, contact, {"from": "16505551234", "from_user_id": "US.1349"})


def _events(update: dict[str, Any]) -> list[Any]:
    return protocol.parse(Request(method="POST", body=json.dumps(update).encode()), ACCOUNT)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_message_is_in_its_event(kind: str) -> None:
    update = _numbered(KINDS[kind])
    events = _events(update)
    assert isinstance(events[0], Message)
    assert (events[0].kind == "unsupported") == (kind == "unknown")
    known = {
        **LEFT_OUT,
        r".*\.referral\.media_type": "which of two addresses there is",
        r".*\.flow_token": "Meta's own",
    }
    assert lost(update, events, known) == []


@pytest.mark.parametrize("kind", ["text", "image", "document", "location", "button", "chosen row", "order", "reaction"])
def test_the_library_reads_the_same_payloads(kind: str) -> None:
    """So that they are Meta's, not ours."""
    found = types.Message.from_update(CLIENT, _numbered(KINDS["text"] if kind == "reaction" else KINDS[kind]))
    assert found.from_user.wa_id == "16505551234"


def test_who_hides_their_number_is_one_person_when_it_appears() -> None:
    hidden = {"profile": {"name": "K", "username": "kfisher"}, "user_id": "US.1349"}
    shown = {**hidden, "wa_id": "16505551234"}
    first = _update(KINDS["text"], hidden, {"from_user_id": "US.1349"})
    later = _update(KINDS["text"], shown, {"from": "16505551234", "from_user_id": "US.1349"})
    assert types.Message.from_update(CLIENT, first).from_user.bsuid == "US.1349"
    (before,), (after,) = _events(first), _events(later)
    assert (before.peer.id, before.peer.alias) == ("US.1349", {})
    assert (after.peer.id, after.peer.also) == ("16505551234", ("US.1349",))
    assert protocol.addressed("US.1349", "k", "")["recipient"] == "US.1349"
    assert protocol.addressed("16505551234", "k", "")["to"] == "16505551234"


@pytest.mark.parametrize("kind", ["text", "image", "location", "order"])
def test_the_library_reads_what_our_simulator_posts(kind: str) -> None:
    simulator = WhatsAppSimulator()
    (push,) = simulator.say("8613800000000", "look", kind=kind, content=b"x" if kind == "image" else b"")
    found = types.Message.from_update(CLIENT, json.loads(push.request.body))
    assert found.from_user.wa_id == "8613800000000"
    assert (found.text or found.caption or "look") == "look"
    header = next(v for k, v in push.request.headers.items() if k.lower() == "x-hub-signature-256")
    assert utils.webhook_updates_validator(simulator.app_secret, push.request.body, header)


def test_changes_of_a_message_are_told_as_the_library_tells_them() -> None:
    simulator = WhatsAppSimulator()
    simulator.say("8613800000000", "two")
    edit, back = simulator.rewrites("8613800000000", "three"), simulator.takes_back("8613800000000")
    edited, deleted = (json.loads(push.request.body) for (push,) in (edit, back))
    assert types.EditedMessage.from_update(CLIENT, edited).message.text == "three"
    assert types.DeletedMessage.from_update(CLIENT, deleted) is not None
    signals = [*_events(edited), *_events(deleted)]
    assert all(isinstance(one, Signal) for one in signals)
    assert [one.name for one in signals] == ["edit", "recall"]
