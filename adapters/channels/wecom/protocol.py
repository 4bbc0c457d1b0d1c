"""Callbacks of WeCom: each is a bell without a sender or a text, encrypted always; and what goes out; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from adapters.channels import wechat_crypto as crypto
from adapters.channels.wecom.settings import Account
from backbone.channel import BadSignatureError, Event, MalformedError, Pull, Reply, Request, Signal

KINDS: Final = {"image": "image", "audio": "voice", "video": "video", "file": "file"}
"""WeCom's name of each of our kinds of files."""

TYPES: Final = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "audio": frozenset({"audio/amr"}),
    "video": frozenset({"video/mp4"}),
}
"""What it takes by our kind; any other is a plain file."""


def verify(req: Request, acc: Account) -> Reply | None:
    """None for a callback of this account, the opened echo for the check of the address.

    Raises BadSignatureError.
    """
    is_check = req.method == "GET"
    try:
        sealed = req.query.get("echostr", "") if is_check else crypto.fields(req.body).get("Encrypt", "")
    except MalformedError:
        raise BadSignatureError from None
    stamp, nonce = req.query.get("timestamp", ""), req.query.get("nonce", "")
    if not crypto.is_signed(req.query.get("msg_signature", ""), acc.token, stamp, nonce, sealed):
        raise BadSignatureError
    try:
        text = _open(sealed, acc)
    except crypto.SealError:
        raise BadSignatureError from None
    return Reply(body=text) if is_check else None


def parse(req: Request, acc: Account) -> list[Event]:
    """The bell as a Pull. Raises MalformedError.

    An app has one address for all its accounts, so a bell may be another's: that one's inbox finds out by itself.
    """
    try:
        body = _open(crypto.fields(req.body).get("Encrypt", ""), acc)
    except crypto.SealError:
        raise MalformedError("it can't be decrypted") from None
    found = crypto.fields(body)
    event = found.get("Event", "")
    if not found.get("MsgType"):
        raise MalformedError("no MsgType")
    if event == "kf_account_auth_change":
        return [_rights(found, body, acc)]
    if event != "kf_msg_or_event":
        return [Signal(key=hashlib.sha256(body).hexdigest(), name="unknown", data={"event": event[:40]}, raw=body)]
    if found.get("OpenKfId") != acc.open_kfid:
        return []
    return [Pull(stream=acc.open_kfid, hint=found.get("Token", ""))]


def _rights(found: dict[str, str], body: bytes, acc: Account) -> Signal:
    """The app got or lost the right to accounts; one callback may name several."""
    key = hashlib.sha256(body).hexdigest()
    named = {name.partition(".")[0]: "" for name, value in found.items() if value == acc.open_kfid}
    if "AuthDelOpenKfId" in named:
        reason = "The app lost the right to this 客服账号: give it again under 微信客服 → API."
        return Signal(key=key, name="unlinked", data={"reason": reason})
    return Signal(key=key, name="linked" if "AuthAddOpenKfId" in named else "ignored")


def _open(sealed: str, acc: Account) -> bytes:
    # The tail is the company, empty where it is a single person's, or the suite of a third party's app.
    owners = {acc.receive_id} if acc.receive_id else {acc.corp_id, ""}
    return crypto.open_sealed(sealed, (acc.aes_key, acc.previous_aes_key), owners)


# --- what goes out ----------------------------------------------------------------------------


def outgoing(to: str, acc: Account, msgid: str, kind: str, content: Mapping[str, str]) -> dict[str, Any]:
    """The body of `kf/send_msg`."""
    return {"touser": to, "open_kfid": acc.open_kfid, "msgid": msgid, "msgtype": kind, kind: content}
