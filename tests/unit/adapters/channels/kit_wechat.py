"""A kit over real HTTP that keeps everything in memory: what a channel's `send`, `token`, `fetch` and files need."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import msgspec
import pytest

from backbone.channel import (
    Answer,
    Event,
    FaultError,
    Out,
    OutMedia,
    Peer,
    Request,
    Retry,
    Sent,
    Token,
    TokenExpired,
    Unknown,
    Upload,
)

RENEW_AT = 0.8
STRANGE = "你好 👨‍👩‍👧 שלום \u2028 ]]> <b>&amp; \"'"
"""What a text may hold."""


class MemoryKit:
    """The kit of one account of one channel. `posted` is what went out, newest last."""

    def __init__(self, channel: Any, account: Any, now: Callable[[], float], http: aiohttp.ClientSession) -> None:
        self.tenant = "acme"
        self.inbox = "support"
        self.channel = channel
        self.account = account
        self.posted: list[tuple[str, bytes]] = []
        self.tokens: dict[str, tuple[Token, float]] = {}
        self._now = now
        self._http = http
        self._kept: dict[str, tuple[str, float]] = {}

    def now(self) -> float:
        """The simulator's clock."""
        return self._now()

    async def call(
        self,
        url: str,
        *,
        method: str = "POST",
        json: Any = None,
        body: bytes | None = None,
        form: Mapping[str, str | Upload] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str = "access",  # noqa: S107 - a token's name
        most_bytes: int = 1024 * 1024,
        timeout_s: float = 0,
    ) -> Answer:
        """One call, and a second one where the token was no longer good."""
        refused = ""
        while True:
            value = await self._token(token, refused) if token else ""
            where, name = self.channel.caps.token_as if token else ("", "")
            answer = await self._request(
                method,
                url,
                body=msgspec.json.encode(json) if json is not None else body,
                form=form,
                query={**(query or {}), **({name: value} if where == "query" else {})},
                headers={**(headers or {}), **({name: value} if where == "header" else {})},
                timeout_s=timeout_s or self.channel.caps.timeout_s,
            )
            assert len(answer.body) <= most_bytes
            fault = self.channel.classify(answer.status, answer.body, answer.headers)
            if fault is None:
                return answer
            if refused or not token or not isinstance(fault, TokenExpired):
                raise FaultError(fault, answer.body[:200].decode(errors="replace"))
            refused = value

    async def _request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        form: Mapping[str, str | Upload] | None,
        query: dict[str, str],
        headers: dict[str, str],
        timeout_s: float,
    ) -> Answer:
        data: Any = body
        if form is not None:
            data = aiohttp.FormData(quote_fields=False)
            for name, part in form.items():
                if isinstance(part, Upload):
                    data.add_field(name, part.content, filename=part.name, content_type=part.mime)
                else:
                    data.add_field(name, part)
        elif body is not None:
            self.posted.append((url, body))
            headers = {"Content-Type": "application/json; charset=utf-8"} | headers
        limit = aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self._http.request(
                method, url, params=query, headers=headers, data=data, timeout=limit, allow_redirects=False
            ) as answer:
                return Answer(answer.status, await answer.read(), {k.lower(): v for k, v in answer.headers.items()})
        except aiohttp.ClientConnectorError as error:
            raise FaultError(Retry(), str(error)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FaultError(Unknown(), repr(error)) from None

    async def token(self, name: str = "access") -> str:
        """The token that is good now."""
        return await self._token(name, "")

    async def _token(self, name: str, refused: str) -> str:
        token, fetched_at = self.tokens.get(name, (None, 0.0))
        if token and token.value != refused and self.now() < fetched_at + token.life_s * RENEW_AT:
            return token.value
        fresh: Token = await self.channel.token(self.account, self, name, token)
        self.tokens[name] = (fresh, self.now())
        return fresh.value

    async def forget_token(self, name: str = "access") -> None:
        """It has ended; what was beside it stays known as the previous one."""
        if name in self.tokens:
            self.tokens[name] = (self.tokens[name][0], 0.0)

    async def upload(self, media: OutMedia, kind: str) -> str:
        """Uploaded once."""
        key = f"media:{kind}:{media.file}"
        if not (known := await self.recall(key)):
            known = await self.channel.put_media(media, kind, self.account, self)
            await self.remember(key, known, int(self.channel.caps.media_life_s * 0.9))
        return known

    async def remember(self, key: str, value: str, life_s: int) -> None:
        """Kept for `life_s`."""
        self._kept[key] = (value, self.now() + life_s)

    async def recall(self, key: str) -> str:
        """What is kept."""
        value, until = self._kept.get(key, ("", 0.0))
        return value if self.now() < until else ""

    def body(self, path: str) -> Any:
        """The last JSON that went to a path."""
        return msgspec.json.decode(next(body for url, body in reversed(self.posted) if url.endswith(path)))


@contextlib.asynccontextmanager
async def kit_of(channel: Any, simulator: Any, **settings: Any) -> AsyncIterator[MemoryKit]:
    """A kit for the simulator's account; `settings` are other values of it."""
    account = msgspec.convert({**simulator.account(), **settings}, channel.Account)
    async with aiohttp.ClientSession() as http:
        yield MemoryKit(channel, account, simulator.clock.now, http)


def events_of(channel: Any, account: Any, request: Request) -> list[Event]:
    """A callback as the kit takes it: verified, then parsed."""
    assert channel.verify(request, account) is None
    return list(channel.parse(request, account))


async def send(kit: MemoryKit, out: Out) -> Sent:
    """What the channel says of a part that it handed over."""
    sent: Sent = await kit.channel.send(out, kit.account, kit)
    return sent


async def refused(kit: MemoryKit, out: Out) -> Any:
    """What handing a part over fails with."""
    with pytest.raises(FaultError) as caught:
        await send(kit, out)
    return caught.value.fault


def text(peer: str, words: str, **more: Any) -> Out:
    """A text to a customer; its key is derived from the words."""
    key = hashlib.sha256(words.encode()).hexdigest()[:32]
    return Out(event="e1", key=key, conv="00c", peer=Peer(peer), text=words, **more)


def file(peer: str, kind: Any, content: bytes, mime: str, *, name: str = "名片.bin", link: str = "") -> Out:
    """A file to a customer."""
    sha256 = hashlib.sha256(content).hexdigest()
    media = OutMedia(file=sha256, name=name, mime=mime, size=len(content), content=content, link=link)
    return Out(event="e2", key=sha256[:32], conv="00c", peer=Peer(peer), kind=kind, media=media)
