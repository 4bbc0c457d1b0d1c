"""The API channel: what is posted to the company's system and fetched from it.

Its addresses are somebody else's to choose, so they are called over connections of our own that lead to public
addresses only (`guard`), not by the kit's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import aiohttp
from msgspec import Struct
from yarl import URL

from adapters.channels.api import guard, protocol, settings, signing
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
    Retry,
    Sent,
    Unknown,
)

MB: Final = 1024 * 1024
MOST_IN_BYTES: Final = 25 * MB
MOST_ANSWER_BYTES: Final = 64 * 1024
TIMEOUT_S: Final = 15
MEDIA_TIMEOUT_S: Final = 60
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
        del kit
        try:
            target = guard.check_url(media.ref, allows_loopback=acc.allows_loopback)
            answer = await _request("GET", target, acc, most_bytes=MOST_IN_BYTES, timeout_s=MEDIA_TIMEOUT_S)
        except guard.ForbiddenTargetError as error:
            raise FaultError(Rejected(f"The file's address isn't allowed: {error}.")) from None
        fault = protocol.outcome(answer.status, b"", answer.headers, 0)
        if isinstance(fault, Pause):
            fault = Rejected(f"The file isn't at its address ({answer.status}).")
        if fault is not None:
            raise FaultError(fault, f"{answer.status}")
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body, media.mime or mime, media.name or target.name

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """May the address be called, and does its name lead to a public one?"""
        del kit
        resolver = guard.PublicResolver(allows_loopback=acc.allows_loopback)
        try:
            target = guard.check_url(acc.url, allows_loopback=acc.allows_loopback)
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
            target = guard.check_url(acc.url, allows_loopback=acc.allows_loopback)
            answer = await _request("POST", target, acc, headers=headers, body=content)
        except guard.ForbiddenTargetError as error:
            raise FaultError(Pause(f"The account's address isn't allowed: {error}.")) from None
        fault = protocol.outcome(answer.status, answer.body, answer.headers, kit.now())
        if fault is not None:
            raise FaultError(fault, f"{answer.status}: {answer.body[:300].decode(errors='replace')}")
        return answer


async def _request(
    method: str,
    target: URL,
    acc: settings.Account,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    most_bytes: int = MOST_ANSWER_BYTES,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """One call over a connection of its own. Raises FaultError, and ForbiddenTargetError where a name leads home."""
    connector = aiohttp.TCPConnector(
        resolver=guard.PublicResolver(allows_loopback=acc.allows_loopback), use_dns_cache=False, force_close=True
    )
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=5)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=limits) as session,
            session.request(method, target, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            content = b""
            while len(content) <= most_bytes and (more := await answer.content.read(most_bytes + 1 - len(content))):
                content += more
            if len(content) > most_bytes and method == "GET":
                raise FaultError(Rejected(f"The file has over {most_bytes} bytes."))
            return Answer(answer.status, content[:most_bytes], {k.lower(): v for k, v in answer.headers.items()})
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, guard.ForbiddenTargetError):
            raise error.os_error from None
        raise FaultError(Retry(), f"can't be reached: {error.os_error}") from None
    except aiohttp.ConnectionTimeoutError:
        raise FaultError(Retry(), "can't be reached in time") from None
    except TimeoutError:
        raise FaultError(Unknown(), f"no answer within {timeout_s} s") from None
    except aiohttp.ClientError as error:
        raise FaultError(Unknown(), f"the answer broke off: {type(error).__name__}") from None


def _secrets(acc: settings.Account) -> tuple[str, ...]:
    return (acc.secret, acc.previous_secret) if acc.previous_secret else (acc.secret,)
