"""Callbacks of Meta: the check of their address, their signature, and their JSON; pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import TypeVar

import msgspec

from backbone.channel import BadSignatureError, MalformedError, Reply, Request, same

S = TypeVar("S")


def verify(req: Request, app_secret: str, verify_token: str) -> Reply | None:
    """The challenge for the check of the address, None for a callback that Meta signed. Raises BadSignatureError."""
    if req.method == "GET":
        if req.query.get("hub.mode") != "subscribe" or not same(req.query.get("hub.verify_token", ""), verify_token):
            raise BadSignatureError
        return Reply(body=req.query.get("hub.challenge", "").encode(errors="replace"))
    wanted = "sha256=" + hmac.new(app_secret.encode(), req.body, hashlib.sha256).hexdigest()
    if not same(req.headers.get("x-hub-signature-256", ""), wanted):
        raise BadSignatureError
    return None


def decode(raw: bytes, wanted: type[S]) -> S:
    """JSON as `wanted`. Raises MalformedError."""
    try:
        return msgspec.json.decode(raw, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from None


def digest(raw: bytes) -> str:
    """A key for what Meta gives no id: the same for every redelivery, whose bytes are the same. 32 hex digits."""
    return hashlib.sha256(raw).hexdigest()[:32]
