"""What the platform says and what it means: pure, nothing here waits for anything."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from backbone import channel as c

CAPS: Final = c.Caps(kinds=frozenset({"text"}), text=(4096, "chars"), idempotent=True)
"""What the platform takes. The kit splits, waits and falls back by this; a file goes out as a link."""

KINDS: Final[dict[str, c.Kind]] = {"image": "image", "audio": "audio", "video": "video", "file": "file"}


class Account(Struct, frozen=True, kw_only=True):
    """The settings of an account; the console draws its form from this."""

    secret: Annotated[str, Meta(title="Secret of callbacks", min_length=8, extra_json_schema={"secret": True})]
    token: Annotated[str, Meta(title="Access token", min_length=1, extra_json_schema={"secret": True})]
    api: Annotated[str, Meta(title="Address of the API")] = "https://api.example.com"


class _File(Struct):
    id: str
    mime: str = ""
    name: str = ""


class _Callback(Struct):
    id: str
    type: str
    user: str
    name: str = ""
    text: str = ""
    at: int = 0
    file: _File | None = None


def signature(secret: str, body: bytes) -> str:
    """The signature of a callback."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(req: c.Request, acc: Account) -> None:
    """Raises BadSignatureError where a callback isn't the platform's. Names of headers come in lower case."""
    if not c.same(req.headers.get("x-signature", ""), signature(acc.secret, req.body)):
        raise c.BadSignatureError


def parse(body: bytes) -> list[c.Event]:
    """What a callback holds. `key` is the platform's id of it: what comes again under the same one is stored once."""
    try:
        one = msgspec.json.decode(body, type=_Callback)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise c.MalformedError(str(error)[:200]) from None
    peer = c.Peer(one.user, one.name)
    if one.type in KINDS and one.file:
        media = [c.Media(KINDS[one.type], one.file.id, one.file.mime, one.file.name)]
        return [c.Message(key=one.id, peer=peer, kind=KINDS[one.type], text=one.text, media=media, at=one.at)]
    if one.type == "text":
        return [c.Message(key=one.id, peer=peer, text=one.text, at=one.at)]
    # A message of a kind that nobody knows is shown as one, with what came; any other event is kept for later.
    if one.type.startswith("message."):
        return [c.Message(key=one.id, peer=peer, kind="unsupported", at=one.at, raw=body)]
    return [c.Signal(key=one.id, name="unknown", peer=peer, raw=body)]


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> c.Fault | None:
    """What an answer of the platform means, None if all is well."""
    said = f"{status}: {body[:200].decode(errors='replace')}"
    if status in {200, 202}:
        return None
    if status == 401:
        return c.Pause(f"the platform refuses the token ({said})")
    if status == 429:
        return c.Retry(float(headers.get("retry-after", 0)))
    return c.Retry() if status >= 500 else c.Rejected(said)
