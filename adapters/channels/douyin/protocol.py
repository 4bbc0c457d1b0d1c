"""Callbacks of Douyin as events: both forms of the content, both trees of documents; and what goes out; pure."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from adapters.channels.douyin.settings import Account
from backbone.channel import (
    BadSignatureError,
    Event,
    MalformedError,
    Media,
    Message,
    Peer,
    Receipt,
    Reply,
    Request,
    Signal,
    same,
)
from backbone.channel.leaves import leaves, without_empty

ENTER: Final = "im_enter_direct_msg"
"""The scene of an answer to who opened the chat. An answer to a message is the default scene, and has none."""

LOCAL: Final = {"user_local_image": ("image", "image/jpeg"), "user_local_video": ("video", "video/mp4")}
"""Files from the customer's phone, which are fetched by the message's id."""

WITHOUT_FILE: Final = {
    "image": "(a picture that Douyin doesn't pass on)",
    "video": "(a video that Douyin doesn't pass on)",
}

IMAGES: Final = frozenset({"image/jpeg", "image/png", "image/gif"})

LONGEST_CHALLENGE: Final = 256
MICROSECONDS_DIGITS: Final = 16
PRIVATE: Final = "1"

ENVELOPE: Final = frozenset(
    {
        "conversation_short_id", "server_message_id", "conversation_type", "create_time", "message_type", "user_infos",
        "index", "source",
    }
)  # fmt: skip

DATA: Final = {
    "item_id": "id of a video of Douyin",
    "card_id": "id of the card that was filled in",
    "conversation_id": "Douyin's id of the chat",
}
"""Names of data beside those of every channel, and `ad_…`: what Douyin tells of an advertisement."""


def sign(secret: str, body: bytes) -> str:
    """Douyin's signature: the hex SHA-1 of the secret and the raw body, joined. It is no HMAC."""
    return hashlib.sha1(secret.encode() + body).hexdigest()  # noqa: S324 - the platform's own scheme


def verify(req: Request, acc: Account) -> Reply | None:
    """None for a callback of the app, the challenge for the check of the address. Raises BadSignatureError."""
    given = req.headers.get("x-douyin-signature", "")
    is_signed = given.isascii() and same(given.lower(), sign(acc.client_secret, req.body))
    if given and not is_signed:
        raise BadSignatureError
    reply = _challenged(req.body)
    # Some consoles send the check unsigned; its echo tells nobody anything.
    if not is_signed and reply is None:
        raise BadSignatureError
    return reply


def _challenged(body: bytes) -> Reply | None:
    """The answer to a check of the address, in the challenge's own type."""
    if b"verify_webhook" not in body:
        return None
    try:
        found = _object(body)
        challenge = _content(found).get("challenge") if found.get("event") == "verify_webhook" else None
    except MalformedError:
        return None
    if isinstance(challenge, bool) or not isinstance(challenge, int | str) or len(str(challenge)) > LONGEST_CHALLENGE:
        return None
    return Reply(body=msgspec.json.encode({"challenge": challenge}), content_type="application/json")


def parse(req: Request, acc: Account) -> list[Event]:  # noqa: PLR0911 - one return a kind
    """The one event of a verified callback. Raises MalformedError."""
    found = _object(req.body)
    event, content = found.get("event"), _content(found)
    if not isinstance(event, str) or not event:
        raise MalformedError("no event")
    delivery = req.headers.get("msg-id", "") or hashlib.sha256(req.body).hexdigest()
    sender, receiver = _text(found, "from_user_id"), _text(found, "to_user_id")
    if event.endswith("authorize"):
        # Nothing signs the delivery's number: under another, what somebody kept would count anew.
        return [_authorised(event, sender, hashlib.sha256(req.body).hexdigest(), acc)]
    is_ours = sender == acc.open_id
    if acc.open_id not in {sender, receiver, _text(content, "read_open_id")}:
        # An app has one address for all who authorised it: another account's is kept, and not taken for ours.
        return [Signal(key=delivery, name="unknown", data={"event": event[:40]}, raw=req.body)]
    peer = _peer(receiver if is_ours else sender, content)
    message_id = _text(content, "server_message_id")
    match event:
        case "im_receive_msg" | "im_send_msg" if _text(content, "conversation_type") not in {"", PRIVATE}:
            # Of a group, where nobody can be answered by this right.
            return [Signal(key=delivery, name="ignored", peer=peer, data={"event": "im_group_msg"})]
        case "im_receive_msg" | "im_send_msg":
            is_echo = event == "im_send_msg"
            return [_message(content, peer, message_id or delivery, req.body, echo_for=acc if is_echo else None)]
        case "im_enter_direct_msg":
            return [_entered(content, peer, message_id, delivery)]
        case "im_recall_msg":
            return [Signal(key=f"recall:{message_id or delivery}", name="recall", peer=peer, data={"ref": message_id})]
        case "im_message_read":
            return [_read(content, delivery, peer, acc)]
    return [Signal(key=delivery, name="unknown", peer=peer, data={"event": event[:40]}, raw=req.body)]


# --- events -----------------------------------------------------------------------------------


def _message(
    content: dict[str, Any], peer: Peer, message_id: str, body: bytes, *, echo_for: Account | None
) -> Message | Receipt:
    """A message of the customer; of our side where `echo_for` is its account."""
    if echo_for and _text(content, "source") == echo_for.client_key:
        return Receipt(key=f"sent:{message_id}", ref=message_id, status="sent", peer=peer)
    at = _milliseconds(content)
    conversation = _text(content, "conversation_short_id")
    # An answer names a message of the customer: one of our side's own would be refused.
    context = {} if echo_for else {"msg_id": message_id, "conversation_id": conversation, "at": str(at)}
    return Message(
        key=message_id,
        peer=peer,
        at=at,
        echo=echo_for is not None,
        context=context,
        **_said(content, message_id, conversation, body),
    )


def _said(content: dict[str, Any], message_id: str, conversation: str, body: bytes) -> dict[str, Any]:
    """The arguments of a Message that its kind decides."""
    kind = _text(content, "message_type")
    address = _text(content, "resource_url")
    if kind == "text":
        words = content.get("text")
        return {"text": _text(words, "text") if isinstance(words, dict) else _text(content, "text")}
    if kind in LOCAL:
        ours, mime = LOCAL[kind]
        return {"kind": ours, "media": [Media(kind=ours, ref=f"message {message_id} {conversation}", mime=mime)]}
    if kind in {"image", "emoji"} and address:
        return {"kind": "image", "media": [Media(kind="image", ref=f"address {address}")]}
    if kind == "video" and (item := _text(content, "item_id")):
        return {"kind": "card", "text": "(a video of Douyin)", "attributes": {"item_id": item}}
    if kind == "retain_consult_card":
        return {"kind": "card", "text": _card(content), "attributes": _filled(content)}
    card = leaves({name: value for name, value in content.items() if name not in ENVELOPE})
    text = WITHOUT_FILE.get(kind, f"(unsupported: {kind[:40]})")
    return {"kind": "unsupported", "text": text, "attributes": {"card": card}, "raw": body}


def _filled(content: dict[str, Any]) -> dict[str, Any]:
    """A card's answers by question."""
    form = {_text(row, "label"): _text(row, "value") for row in _rows(content)}
    return {"card_id": _text(content, "card_id"), "form": form}


def _card(content: dict[str, Any]) -> str:
    """What a customer entered into a card, as lines."""
    return "\n".join(f"{_text(row, 'label')}: {_text(row, 'value')}" for row in _rows(content)) or "(a card)"


def _rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    rows = content.get("card_data")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _entered(content: dict[str, Any], peer: Peer, message_id: str, delivery: str) -> Signal:
    ad = content.get("ad_info")
    told = leaves(ad.encode(errors="replace") if isinstance(ad, str) else ad)
    data = {
        "code": message_id,
        "conversation_id": _text(content, "conversation_short_id"),
        "scene": _text(content, "scene_type"),
        **{f"ad_{name}".replace("ad_ad_", "ad_"): str(value)[:500] for name, value in told.items()},
    }
    return Signal(
        key=f"enter:{message_id or delivery}",
        name="enter",
        peer=peer,
        data=without_empty(data),
    )


def _read(content: dict[str, Any], delivery: str, peer: Peer, acc: Account) -> Event:
    reader, index = _text(content, "read_open_id") or peer.id, _text(content, "index")
    if reader == acc.open_id:
        return Signal(key=delivery, name="ignored", peer=peer, data={"event": "im_message_read"})
    conversation = _text(content, "conversation_short_id")
    key = f"read:{conversation}:{index}" if conversation and index else delivery
    return Receipt(key=key, ref="", status="read", peer=Peer(reader), upto=True, at=_when(index))


def _when(index: str) -> int:
    """The time (ms) that an index of reading stands for: it counts microseconds; 0 for one that counts otherwise."""
    is_time = index.isascii() and index.isdigit() and len(index) == MICROSECONDS_DIGITS
    return int(index) // 1000 if is_time else 0


def _authorised(event: str, who: str, delivery: str, acc: Account) -> Signal:
    """`authorize` and `contract_authorize`, and their contraries; those of customers are of no use."""
    data = {"event": event[:40]}
    if who not in {"", acc.open_id}:
        return Signal(key=delivery, name="ignored", data=data)
    if event in {"authorize", "contract_authorize"}:
        return Signal(key=delivery, name="linked", data=data)
    if event in {"unauthorize", "contract_unauthorize"}:
        reason = "The operator has ended the authorisation: let them scan anew."
        return Signal(key=delivery, name="unlinked", data={**data, "reason": reason})
    return Signal(key=delivery, name="ignored", data=data)


# --- reading ----------------------------------------------------------------------------------


def _object(body: bytes | str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        raise MalformedError("not the JSON of a callback") from None


def _content(found: dict[str, Any]) -> dict[str, Any]:
    """The content, which is an object or a string of JSON, by the event."""
    content = found.get("content")
    if isinstance(content, str):
        return _object(content) if content else {}
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise MalformedError("the content is no object")
    return content


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _peer(open_id: str, content: dict[str, Any]) -> Peer:
    if not open_id:
        raise MalformedError("no open_id of the customer")
    users = content.get("user_infos")
    for user in users if isinstance(users, list) else []:
        if isinstance(user, dict) and _text(user, "open_id") == open_id:
            return Peer(open_id, _text(user, "nick_name"))
    return Peer(open_id)


def _milliseconds(content: dict[str, Any]) -> int:
    at = _text(content, "create_time")
    return int(at) if at.isascii() and at.isdigit() and len(at) < 15 else 0


# --- what goes out ----------------------------------------------------------------------------


def outgoing(to: str, content: dict[str, Any], msg_id: str, conversation_id: str, scene: str = "") -> dict[str, Any]:
    """The body of `im/send/msg`."""
    body = {"msg_id": msg_id, "conversation_id": conversation_id, "to_user_id": to, "content": content}
    return {**body, "scene": scene} if scene else body


def text(words: str) -> dict[str, Any]:
    """A text as Douyin wants it."""
    return {"msg_type": 1, "text": {"text": words}}


def image(media_id: str) -> dict[str, Any]:
    """A picture as Douyin wants it."""
    return {"msg_type": 2, "image": {"media_id": media_id}}
