"""The API channel: what is posted to the company's system and fetched from it.

Its addresses are somebody else's to choose, so they are called over connections that lead to public addresses only
and https alone, with a pool of connections of their own.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from msgspec import Struct
from yarl import URL

from adapters.channels.api import protocol, settings
from backbone.channel import (
    Answer,
    BadSignatureError,
    Caps,
    Check,
    Fault,
    FaultError,
    Kit,
    Media,
    Out,
    Pause,
    Rejected,
    Reply,
    Request,
    Sent,
)
from backbone.outside import guard, signing
from backbone.outside.http import Caller, TooLongError

MB: Final = 1024 * 1024
MOST_IN_BYTES: Final = 25 * MB
MOST_ANSWER_BYTES: Final = 64 * 1024
TIMEOUT_S: Final = 15
MEDIA_TIMEOUT_S: Final = 60
KEPT_S: Final = 4
"""Seconds that an idle connection is kept: many servers close one after five."""

AGENT: Final = "Trunkline/1"


class Api:
    """The channel `api`: one system of the company's own an inbox."""

    name: ClassVar[str] = "api"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "file", "audio", "video"}),
        text=(16_384, "chars"),
        caption=True,
        media_bytes=dict.fromkeys(("image", "file", "audio", "video"), 10 * MB),
        receipts=frozenset({"delivered", "read"}),
        idempotent=True,
        recalls=True,
        edits=True,
        timeout_s=TIMEOUT_S,
        backoff_s=(5, 300, 1_800, 7_200, 18_000, 36_000),
    )

    def __init__(self) -> None:
        self._outside = Caller(KEPT_S)

    async def close(self) -> None:
        """Closes all connections."""
        await self._outside.close()

    parse = staticmethod(protocol.parse)
    reply = staticmethod(protocol.reply)

    def verify(self, req: Request, acc: settings.Account) -> Reply | None:
        """None if the request is signed by one of the account's secrets, within 5 minutes. Raises BadSignatureError."""
        # The contract hands a verification no clock.
        if req.method != "POST" or not signing.is_signed(_secrets(acc), req.headers, req.body, time.time()):
            raise BadSignatureError
        return None

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
        """What an answer means."""
        return protocol.outcome(status, body, headers, time.time())

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Posts one part; the same key again is the same message to the other side."""
        answer = await self._post(f"msg_{out.key}", protocol.message(out), acc, kit)
        return Sent(protocol.id_in(answer.body) or out.key)

    async def recall(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Tells that a message of ours was withdrawn."""
        await self._post(f"msg_{out.key}", protocol.change("recalled", ref, out), acc, kit)

    async def edit(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Tells that a message of ours was changed."""
        await self._post(f"msg_{out.key}", protocol.change("edited", ref, out), acc, kit)

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a file, from where the system said that it is."""
        del acc, kit
        try:
            answer = await self._outside.call(
                "GET", media.ref, most_bytes=MOST_IN_BYTES, timeout_s=MEDIA_TIMEOUT_S, needs_https=True
            )
        except guard.ForbiddenTargetError as error:
            raise FaultError(Rejected(f"The file's address isn't allowed: {error}.")) from None
        except TooLongError as error:
            raise FaultError(Rejected(f"The file has over {error.most_bytes} bytes.")) from None
        fault = protocol.outcome(answer.status, b"", answer.headers, 0)
        if isinstance(fault, Pause):
            fault = Rejected(f"The file isn't at its address ({answer.status}).")
        if fault is not None:
            raise FaultError(fault, f"{answer.status}")
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body, media.mime or mime, media.name or URL(media.ref).name

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """May the address be called, and does its name lead to a public one?"""
        del kit
        resolver = guard.PublicResolver()
        try:
            target = guard.check_url(acc.url)
            await resolver.resolve(target.raw_host or "", target.port or 443)
        except OSError as error:
            return [Check("address", f"{error}.")]
        finally:
            await resolver.close()
        return [Check("address", "")]

    async def _post(self, message_id: str, body: dict[str, Any], acc: settings.Account, kit: Kit) -> Answer:
        content, timestamp = protocol.encoded(body), int(kit.now())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.sign(_secrets(acc), message_id, timestamp, content),
        }
        try:
            answer = await self._outside.call(
                "POST",
                acc.url,
                headers=headers,
                body=content,
                most_bytes=MOST_ANSWER_BYTES,
                timeout_s=TIMEOUT_S,
                needs_https=True,
                is_cut=True,
            )
        except guard.ForbiddenTargetError as error:
            raise FaultError(Pause(f"The account's address isn't allowed: {error}.")) from None
        fault = protocol.outcome(answer.status, answer.body, answer.headers, kit.now())
        if fault is not None:
            raise FaultError(fault, f"{answer.status}: {answer.body[:300].decode(errors='replace')}")
        return answer


def _secrets(acc: settings.Account) -> tuple[str, ...]:
    return (acc.secret, acc.previous_secret) if acc.previous_secret else (acc.secret,)
