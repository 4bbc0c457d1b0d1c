"""A kit in memory over real HTTP: what a channel is given, without log, replicas and lanes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from backbone.channel import Answer, Channel, FaultError, OutMedia, Pause, Retry, Token, TokenExpired, Unknown, Upload
from tests.simulators.base import Clock


class MemoryKit:
    """One account's kit. `asked` are the requests that went out: method and address."""

    tenant = "main"
    inbox = "support"

    def __init__(self, channel: Channel, acc: Any, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.asked: list[tuple[str, str]] = []
        self.kept: dict[str, tuple[str, float]] = {}
        """What `remember` was given, until when."""

        self.fetched: list[str] = []
        """Names of the tokens that were fetched."""

        self._channel: Any = channel
        self._acc = acc
        self._clock = clock
        self._session = session
        self._tokens: dict[str, tuple[Token, float]] = {}
        self._uploads: dict[str, str] = {}

    def now(self) -> float:
        """The simulator's clock."""
        return self._clock.now()

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
        """See `backbone.channel.Kit.call`."""
        where, name = self._channel.caps.token_as if token else ("", "")
        for is_last in (False, True):
            sent, asked = dict(headers or {}), dict(query or {})
            data: Any = body
            if where:
                value = await self.token(token)
                if where == "query":
                    asked[name] = value
                else:
                    sent["Authorization" if where == "bearer" else name] = (
                        f"Bearer {value}" if where == "bearer" else value
                    )
            if json is not None:
                data = msgspec.json.encode(json)
                sent["Content-Type"] = "application/json; charset=utf-8"
            elif form is not None:
                data = _form(form)
            answer = await self._one(method, URL(url).update_query(asked), data, sent, most_bytes, timeout_s)
            fault = self._channel.classify(answer.status, answer.body, answer.headers)
            if fault is None:
                return answer
            said = f"{answer.status}: {answer.body[:300].decode(errors='replace')}"
            if not isinstance(fault, TokenExpired):
                raise FaultError(fault, said)
            if is_last or not where:
                raise FaultError(Retry() if where else Pause("the platform refuses the account's token"), said)
            await self.forget_token(token)
        raise AssertionError

    async def _one(  # noqa: PLR0917
        self, method: str, url: URL, data: Any, headers: dict[str, str], most_bytes: int, timeout_s: float
    ) -> Answer:
        self.asked.append((method, str(url)))
        timeout = aiohttp.ClientTimeout(total=timeout_s or self._channel.caps.timeout_s)
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, allow_redirects=False, timeout=timeout
            ) as answer:
                content = await answer.content.read()
                if len(content) > most_bytes:
                    raise FaultError(Retry(), f"over {most_bytes} bytes")
                return Answer(answer.status, content, {k.lower(): v for k, v in answer.headers.items()})
        except aiohttp.ClientConnectorError as error:
            raise FaultError(Retry(), str(error)) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FaultError(Unknown(), type(error).__name__) from None

    async def token(self, name: str = "access") -> str:
        """Renewed at 80 % of its life."""
        known = self._tokens.get(name)
        if known is None or self.now() >= known[1] + known[0].life_s * 0.8:
            self.fetched.append(name)
            fresh = await self._channel.token(self._acc, self, name, known[0] if known else None)
            known = self._tokens[name] = (fresh, self.now())
        return known[0].value

    async def forget_token(self, name: str = "access") -> None:
        """The next `token` fetches another."""
        self._tokens.pop(name, None)

    async def upload(self, media: OutMedia, kind: str) -> str:
        """Uploaded once."""
        key = f"{kind}:{media.file}"
        if key not in self._uploads:
            self._uploads[key] = await self._channel.put_media(media, kind, self._acc, self)
        return self._uploads[key]

    def forget_uploads(self) -> None:
        """As after MediaGone."""
        self._uploads.clear()

    async def remember(self, key: str, value: str, life_s: int) -> None:
        """Kept until its end by the clock."""
        self.kept[key] = (value, self.now() + life_s)

    async def recall(self, key: str) -> str:
        """Empty if it isn't kept, or not any more."""
        value, until = self.kept.get(key, ("", 0.0))
        return value if self.now() < until else ""


@contextlib.asynccontextmanager
async def kit_for(channel: Channel, settings: dict[str, Any], clock: Clock) -> AsyncIterator[tuple[MemoryKit, Any]]:
    """A kit and the account's settings, as decoded as from an admin's form."""
    acc = msgspec.convert(settings, channel.Account)
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        yield MemoryKit(channel, acc, clock, session), acc


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as a node hands them on."""
    return {name.lower(): value for name, value in headers.items()}


def _form(form: Mapping[str, str | Upload]) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)  # names of files as browsers write them: UTF-8 as it is
    for name, value in form.items():
        if isinstance(value, Upload):
            data.add_field(name, value.content, filename=value.name, content_type=value.mime)
        else:
            data.add_field(name, value)
    return data
