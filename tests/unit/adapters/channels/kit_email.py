"""A kit in memory over real HTTP, and what else tests of mail share: the account of the corpus, and its mails."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
import pytest

from adapters.channels.email import Email
from adapters.channels.email.settings import Account
from backbone.channel import Answer, Fault, FaultError, Message, Out, OutMedia, Page, Peer, Retry, Token, Upload
from tests.simulators.email import ADDRESS, EmailSimulator

CORPUS = Path(__file__).parents[3] / "cases" / "mail"
NOW = 1_717_200_000.0
"""June 2024: after all mails of the corpus."""

OF_CORPUS = Account(
    address="support@shop.example",
    name="示例客服",
    aliases=("help@shop.example",),
    imap_host="imap.shop.example",
    smtp_host="smtp.shop.example",
    thread_secret="a secret of the corpus",
    authserv_id="mx.shop.example",
)
KEY = "0123456789abcdef0123456789abcdef"
"""Of the part of ours that mails of the corpus answer and bounce."""

WITHIN_S = 60.0
DAY_S = 86_400
PEER = "lilei@customer.example"
"""Who writes, where nothing is said of it."""


def corpus() -> dict[str, dict[str, Any]]:
    """What must come of each mail, by its name."""
    index: dict[str, dict[str, Any]] = json.loads((CORPUS / "index.json").read_text(encoding="utf-8"))
    return index


def mail(name: str) -> bytes:
    """A mail of the corpus."""
    return (CORPUS / f"{name}.eml").read_bytes()


def letter(number: int, *, at: float, sender: str = PEER, to: str = ADDRESS, extra: str = "") -> bytes:
    """A mail that says which it is."""
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: mail {number}\r\nMessage-ID: <{number}@customer.example>\r\n"
        f"{extra}\r\nwords of {number}\r\n"
    ).encode()


def texts(messages: list[Message]) -> list[str]:
    """What was written."""
    return [each.text for each in messages]


class MemoryKit:
    """The kit of one account: what a channel is given, without log and replicas."""

    tenant = "main"
    inbox = "mail"

    def __init__(self, acc: Account, now: Callable[[], float], session: aiohttp.ClientSession) -> None:
        self.kept: dict[str, tuple[str, int]] = {}
        """What `remember` was given: value and life in seconds."""

        self.fetched = 0
        """How many tokens were fetched."""

        self._acc = acc
        self._channel = Email()
        self._now = now
        self._session = session
        self._token: Token | None = None
        self._is_good = False

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
        """See `backbone.channel.Kit.call`; mail asks its token server alone, which takes no token."""
        assert json is None
        assert form is None
        assert not token
        timeout = aiohttp.ClientTimeout(total=timeout_s or self._channel.caps.timeout_s)
        try:
            async with self._session.request(
                method, url, data=body, params=query, headers=headers, timeout=timeout
            ) as answer:
                content = await answer.content.read(most_bytes)
                found = Answer(answer.status, content, {k.lower(): v for k, v in answer.headers.items()})
        except (aiohttp.ClientError, TimeoutError) as failed:
            raise FaultError(Retry(), type(failed).__name__) from failed
        fault = self._channel.classify(found.status, found.body, found.headers)
        if fault is not None:
            raise FaultError(fault, f"{found.status}: {found.body[:200].decode(errors='replace')}")
        return found

    async def token(self, name: str = "access") -> str:
        """Fetched once, and again once it was forgotten."""
        if self._token is None or not self._is_good:
            self.fetched += 1
            self._token = await self._channel.token(self._acc, self, name, self._token)
            self._is_good = True
        return self._token.value

    async def forget_token(self, name: str = "access") -> None:
        """The next `token` fetches another."""
        del name
        self._is_good = False

    async def upload(self, media: OutMedia, kind: str) -> str:
        """Mail uploads nothing."""
        raise AssertionError((media, kind))

    async def remember(self, key: str, value: str, life_s: int) -> None:
        """Kept for the life of the kit."""
        self.kept[key] = (value, life_s)

    async def recall(self, key: str) -> str:
        """Empty if it isn't kept."""
        return self.kept.get(key, ("", 0))[0]


@contextlib.asynccontextmanager
async def kit_for(simulator: EmailSimulator, **changes: Any) -> AsyncIterator[tuple[MemoryKit, Account]]:
    """A kit and the account, decoded as from an admin's form, with some fields changed."""
    acc = msgspec.convert({**simulator.account(), **changes}, Account)
    async with aiohttp.ClientSession() as session, asyncio.timeout(WITHIN_S):
        yield MemoryKit(acc, simulator.clock.now, session), acc


class Reading:
    """A mailbox that is read: all events, and the cursor that a kit would have stored."""

    def __init__(self, acc: Account, kit: MemoryKit, cursor: str = "") -> None:
        self.cursor = cursor
        self.pages: list[Page] = []
        self._channel = Email()
        self._stream = self._channel.listen(acc, "main", cursor, kit)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()  # type: ignore[attr-defined]
        await self._channel.close()

    async def messages(self, count: int) -> list[Message]:
        """Reads on until there are so many messages in all."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.so_far()) < count:
                await self.page()
        return self.so_far()

    async def page(self) -> Page:
        """The next page, stored before the one after it is asked for."""
        async with asyncio.timeout(WITHIN_S):
            page = await anext(self._stream)
        self.pages.append(page)
        self.cursor = page.cursor
        return page

    def so_far(self) -> list[Message]:
        """All messages."""
        return [event for page in self.pages for event in page.events if isinstance(event, Message)]


def out(text: str = "您好，已发货。", *, key: str = KEY, to: str = "lilei@customer.example", **more: Any) -> Out:
    """A part of ours."""
    peer = more.pop("peer", Peer(to, "Li Lei"))
    return Out(event="018f0000-0000-7000-8000-000000000000", key=key, conv="00abc", peer=peer, text=text, **more)


def attached(name: str, mime: str, content: bytes, *, link: str = "") -> OutMedia:
    """A file of ours."""
    return OutMedia(file=f"file-{name}", name=name, mime=mime, size=len(content), content=content, link=link)


async def refused(sent: Out, acc: Account, kit: MemoryKit) -> Fault:
    """What the refusal of a message means."""
    with pytest.raises(FaultError) as raised:
        await Email().send(sent, acc, kit)
    return raised.value.fault
