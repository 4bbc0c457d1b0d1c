"""Callbacks of the Messenger Platform as events, for Messenger and Instagram alike; pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from adapters.channels.meta import content, items
from adapters.channels.meta.callbacks import decode, digest
from backbone.channel import (
    Event,
    MalformedError,
    Message,
    Peer,
    Receipt,
    Request,
    Signal,
)
from backbone.channel.leaves import without_empty
from backbone.events import Row
from backbone.events.data import texts

S = TypeVar("S")

FIELDS: Final = ("message", "messaging_", "response_feedback")
"""How the fields begin whose changes are messages, where a platform posts them as `changes`."""

IGNORED: Final = frozenset({"game_play", "app_roles"})


class Whose(NamedTuple):
    """The account that callbacks are for: its id at Meta, and of its app where that is known."""

    id: str
    app_id: str = ""


class _At(NamedTuple):
    """Around one item: who the customer is, when it was (ms), what it came as, whose account it is, and whether that
    did it.
    """

    peer: Peer
    at: int
    raw: bytes
    whose: Whose
    is_ours: bool = False

    @property
    def key(self) -> str:
        return digest(self.raw)


def parse(req: Request, kind: str, whose: Whose) -> list[Event]:
    """The events of one callback for an `object` of this kind (`page`, `instagram`). Raises MalformedError.

    One that can't be understood is kept and stops none of the others. What is another account's, or another app's to
    answer (`standby`), is passed over.
    """
    callback = decode(req.body, items.Callback)
    events: list[Event] = []
    for entry in callback.entry:
        is_ours = callback.object == kind and entry.id == whose.id
        passed_over = [bytes(one) for one in entry.standby]
        for raw in [bytes(one) for one in entry.messaging] + _changed(entry.changes, passed_over):
            events += _happened(raw, whose) if is_ours else [Signal(key=digest(raw), name="ignored")]
        events += [Signal(key=digest(raw), name="ignored") for raw in passed_over]
    return events


def _changed(changes: list[items.Change], passed_over: list[bytes]) -> list[bytes]:
    """Those that are messages in another wrapping; comments, mentions and the like go to `passed_over`."""
    found: list[bytes] = []
    for change in changes:
        (found if change.field.startswith(FIELDS) else passed_over).append(bytes(change.value) or change.field.encode())
    return found


def _happened(raw: bytes, whose: Whose) -> list[Event]:
    try:
        whole = _without_nulls(decode(raw, dict[str, Any]))
        item = msgspec.convert(whole, items.Item)
        return _events(item, raw, whose, set(whole))
    except (MalformedError, msgspec.ValidationError, RecursionError):
        return [Signal(key=digest(raw), name="unknown", raw=raw)]


def _without_nulls(found: Any) -> Any:
    """Meta writes null where others leave a field out."""
    if isinstance(found, dict):
        return {name: _without_nulls(value) for name, value in found.items() if value is not None}
    return [_without_nulls(each) for each in found] if isinstance(found, list) else found


def _events(item: items.Item, raw: bytes, whose: Whose, names: set[str]) -> list[Event]:
    if item.policy_enforcement:
        return [_enforced(item.policy_enforcement, digest(raw))]
    if names & IGNORED:
        return [Signal(key=digest(raw), name="ignored")]
    is_ours = item.sender.id == whose.id or (item.message is not None and item.message.is_echo)
    customer = item.recipient.id if is_ours else item.sender.id
    if customer == whose.id:
        # An account that writes to itself.
        return [Signal(key=digest(raw), name="ignored")]
    around = _At(Peer(customer), _milliseconds(item.timestamp), raw, whose, is_ours)
    for what in (item.message, item.postback):
        if what is not None and what.referral is None:
            what.referral = item.referral
    for name, handle in HANDLERS.items():
        part = getattr(item, name)
        if part is not None and customer:
            return handle(part, around)
    return [Signal(key=digest(raw), name="unknown", raw=raw)]


def _milliseconds(told: int | str) -> int:
    text = str(told)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0
    return number * 1000 if number < 10**11 else number


# --- what is said -----------------------------------------------------------------------------


def _message(told: items.Message, around: _At) -> list[Event]:
    if told.is_deleted:
        key, data = f"{told.mid}:deleted", {"ref": told.mid}
        return [Signal(key=key, name="recall", peer=around.peer, data=data, at=around.at, echo=told.is_echo)]
    if told.is_echo and around.whose.app_id and str(told.app_id) == around.whose.app_id:
        return [Receipt(key=told.mid, ref=told.mid, sent_as=told.metadata, status="sent", peer=around.peer)]
    said = content.said(told)
    # An echo brings the key that a message of ours was sent with; an answer needs to know how old the question is.
    context = {"key": told.metadata} if told.is_echo else {"at": str(around.at)}
    message = Message(
        key=told.mid,
        peer=around.peer,
        kind=said.kind,
        text=said.text,
        media=list(said.media),
        at=around.at,
        reply_to=told.reply_to.mid if told.reply_to else "",
        echo=told.is_echo,
        context=without_empty(context),
        attributes=said.data or {},
        raw=around.raw if said.kind == "unsupported" else b"",
    )
    return [message]


def _edited(told: items.Edit, around: _At) -> list[Event]:
    data = {"ref": told.mid, "text": told.text}
    key = f"{told.mid}:edit:{told.num_edit}"
    return [Signal(key=key, name="edit", peer=around.peer, data=data, at=around.at, echo=around.is_ours)]


def _reacted(told: items.Reaction, around: _At) -> list[Event]:
    if told.action != "react" or around.is_ours:
        return [Signal(key=around.key, name="ignored", peer=around.peer)]
    return [_sign(told.emoji or told.reaction, told.mid, around)]


def _judged(told: items.Judged, around: _At) -> list[Event]:
    return [_sign(told.feedback, told.mid, around)]


def _sign(text: str, mid: str, around: _At) -> Message:
    """A sign put under a message of ours."""
    return Message(
        key=around.key,
        peer=around.peer,
        text=text,
        at=around.at,
        reply_to=mid,
        context={"at": str(around.at)},
        attributes={"reaction": True},
    )


def _feedback(told: items.Feedback, around: _At) -> list[Event]:
    form: Row = {}
    lines: list[str] = []
    for name, question in [each for screen in told.feedback_screens for each in screen.questions.items()]:
        form[name] = question.payload
        scale = "" if question.type in {"", "free_form"} else f" ({question.type})"
        lines.append(f"{name}{scale}: {question.payload}")
        if question.follow_up and question.follow_up.payload:
            form[f"{name}: why"] = question.follow_up.payload
            lines.append(question.follow_up.payload)
    return [_form(form, lines, around)]


def _information(told: items.Information, around: _At) -> list[Event]:
    form: Row = {one.key: one.value for screen in told.screens for one in screen.responses}
    return [_form(form, [f"{key}: {value}" for key, value in form.items()], around)]


def _form(form: Row, lines: list[str], around: _At) -> Message:
    data = {"form": form} if form else {}
    text = "\n".join(lines) or content.UNKNOWN
    return Message(key=around.key, peer=around.peer, kind="card", text=text, at=around.at, attributes={**data})


# --- what happens beside words ----------------------------------------------------------------


def _tapped(told: items.Postback, around: _At) -> list[Event]:
    data = {"choice": told.payload, "choice_text": told.title, **_came(told.referral)}
    key = told.mid or around.key
    return [Signal(key=key, name="menu", peer=around.peer, data=without_empty(data), at=around.at, asks=True)]


def _referred(told: content.Referral, around: _At) -> list[Event]:
    return [_entered(around, _came(told))]


def _opted_in(told: items.Optin, around: _At) -> list[Event]:
    data = {
        "event": told.type or "optin",
        "scene": told.ref,
        "choice": told.payload,
        "choice_text": told.title,
        "status": told.notification_messages_status,
        "frequency": told.notification_messages_frequency,
        "timezone": told.notification_messages_timezone,
    }
    return [_entered(around, data)]


def _linked(told: items.Linking, around: _At) -> list[Event]:
    return [_entered(around, {"event": "account_linking", "status": told.status, "choice": told.authorization_code})]


def _passed(told: items.Control, around: _At) -> list[Event]:
    """Another app hands the conversation over; to ours, where it is known, that asks for an agent."""
    is_to_us = bool(told.new_owner_app_id) and str(told.new_owner_app_id) == around.whose.app_id
    return [_control("pass_thread_control", told, around, asks=is_to_us)]


def _taken(told: items.Control, around: _At) -> list[Event]:
    return [_control("take_thread_control", told, around)]


def _requested(told: items.Control, around: _At) -> list[Event]:
    return [_control("request_thread_control", told, around)]


def _control(name: str, told: items.Control, around: _At, *, asks: bool = False) -> Signal:
    data = {
        "event": name,
        "previous_owner": str(told.previous_owner_app_id),
        "new_owner": str(told.new_owner_app_id or told.requested_owner_app_id),
        "handover": told.metadata,
    }
    return _entered(around, data, asks=asks)


def _entered(around: _At, data: dict[str, str], *, asks: bool = False) -> Signal:
    """Told in the conversation; it opens no window, since none of it is a word of the customer's."""
    return Signal(key=around.key, name="enter", peer=around.peer, data=without_empty(data), at=around.at, asks=asks)


def _came(referral: content.Referral | None) -> dict[str, str]:
    found = content.referred(referral)
    product = found.pop("product", None)
    return {**texts(found), **({"product": str(product["id"])} if isinstance(product, dict) else {})}


def _enforced(told: items.Enforcement, key: str) -> Signal:
    """Meta blocks the account or lets it go on; a warning changes nothing yet."""
    if told.action == "block":
        return Signal(key=key, name="unlinked", data={"reason": f"Meta has blocked the account: {told.reason}"[:500]})
    return Signal(key=key, name="linked" if told.action == "unblock" else "ignored")


# --- what became of ours ----------------------------------------------------------------------


def _delivered(told: items.Delivery, around: _At) -> list[Event]:
    """By their ids where Meta names them, else by the time up to which all is there."""
    if told.mids:
        return [Receipt(key=f"{mid}:delivered", ref=mid, status="delivered", peer=around.peer) for mid in told.mids]
    key = f"{around.peer.id}:delivered:{told.watermark}"
    return [Receipt(key=key, ref="", status="delivered", peer=around.peer, upto=True, at=told.watermark)]


def _seen(told: items.Read, around: _At) -> list[Event]:
    """Up to a message (Instagram), or up to a time (Messenger)."""
    key = f"{around.peer.id}:read:{told.mid or told.watermark}"
    return [Receipt(key=key, ref=told.mid, status="read", peer=around.peer, upto=True, at=told.watermark)]


HANDLERS: Final[dict[str, Callable[[Any, _At], list[Event]]]] = {
    "message": _message,
    "message_edit": _edited,
    "postback": _tapped,
    "reaction": _reacted,
    "delivery": _delivered,
    "read": _seen,
    "referral": _referred,
    "optin": _opted_in,
    "account_linking": _linked,
    "pass_thread_control": _passed,
    "take_thread_control": _taken,
    "request_thread_control": _requested,
    "messaging_feedback": _feedback,
    "messaging_customer_information": _information,
    "response_feedback": _judged,
}
"""By the part that says what happened."""
