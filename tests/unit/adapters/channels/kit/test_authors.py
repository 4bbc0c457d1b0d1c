"""Who of a group wrote: asked once, waited for briefly, and never in the way of what they say."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.channels.kit.incoming import authors
from adapters.channels.kit.incoming.authors import Authors
from backbone.channel import FaultError, Peer, Retry
from backbone.events import Data

GROUP = Peer("C1")


class Platform:
    """Tells names, after `slow_s`, or refuses."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.slow_s = 0.0
        self.is_away = False

    async def author(self, peer: Peer, author: str, acc: Any, kit: Any) -> str:
        """The name of a member."""
        del peer, acc, kit
        self.asked.append(author)
        await asyncio.sleep(self.slow_s)
        if self.is_away:
            raise FaultError(Retry())
        return author.upper()


def names_of(channel: Any) -> Any:
    """What a message of somebody is stored with."""
    room: Any = SimpleNamespace(channel=channel)
    kits: Any = SimpleNamespace(of=lambda _account: None)
    account: Any = SimpleNamespace(id="shop", settings=None)
    kept = Authors(room, kits)

    async def named(data: Data) -> Data:
        return await kept.named(account, GROUP, data)

    return named


async def test_a_name_is_asked_for_once() -> None:
    platform = Platform()
    named = names_of(platform)
    for _ in range(3):
        assert await named({"author_id": "zhao"}) == {"author_id": "zhao", "author": "ZHAO"}
    assert platform.asked == ["zhao"]


async def test_nobody_is_asked_for_where_the_name_is_known_or_nobody_is_named() -> None:
    platform = Platform()
    named = names_of(platform)
    for data in ({}, {"choice": "a"}, {"author_id": "zhao", "author": "Zhao"}):
        assert await named(data) == data
    assert await names_of(object())({"author_id": "zhao"}) == {"author_id": "zhao"}
    assert platform.asked == []


async def test_a_platform_that_refuses_is_not_asked_with_each_message() -> None:
    platform = Platform()
    platform.is_away = True
    named = names_of(platform)
    for _ in range(3):
        assert await named({"author_id": "zhao"}) == {"author_id": "zhao"}
    assert platform.asked == ["zhao"]


async def test_a_slow_platform_holds_one_message_up_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback may have ten authors, and must be answered in time."""
    monkeypatch.setattr(authors, "WITHIN_S", 0.2)
    platform = Platform()
    platform.slow_s = 1.0
    named = names_of(platform)
    clock = asyncio.get_running_loop().time
    began = clock()
    for author in ("zhao", "qian", "sun", "li", "zhao"):
        assert "author" not in await named({"author_id": author})
    assert clock() - began < 0.9
    async with asyncio.timeout(5):
        while "author" not in await named({"author_id": "li"}):
            await asyncio.sleep(0.05)
    assert sorted(platform.asked) == ["li", "qian", "sun", "zhao"]
