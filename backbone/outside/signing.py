"""Signatures of Standard Webhooks 1.0: pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

WITHIN_S: Final = 300
PREFIX: Final = "whsec_"
MOST_ID_CHARS: Final = 256
KEY_BYTES: Final = range(16, 65)
"""The standard wants 24 to 64, as the account's form does; its own published example has 18."""


def sign(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one `v1,<base64>` for each secret that is one."""
    return " ".join(_signature(key, message_id, timestamp, body) for key in map(_key, secrets) if key)


def is_signed(secrets: Iterable[str], headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether a request carries a fresh signature by one of the secrets. `headers` in lower case, `now` in Unix s."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not 1 <= len(message_id) <= MOST_ID_CHARS:
        return False
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(now - int(timestamp)) > WITHIN_S:
        return False
    # Others than v1 (v1a is Ed25519) are somebody else's to check.
    given = headers.get("webhook-signature", "").split(" ")
    wanted = sign(secrets, message_id, int(timestamp), body).split(" ")
    return any(_same(one, right) for one in given for right in wanted)


def _same(one: str, right: str) -> bool:
    return bool(right) and hmac.compare_digest(one.encode(errors="replace"), right.encode())


def _signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = b".".join((message_id.encode(errors="replace"), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """The bytes of a secret; empty if it isn't one."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if len(key) in KEY_BYTES else b""
