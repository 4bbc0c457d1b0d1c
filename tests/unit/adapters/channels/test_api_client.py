"""The API channel: what goes over the wire, against a company's system."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from adapters.channels.api import Api
from adapters.channels.api import client as api_client
from backbone.channel import FaultError, MalformedError, Media, Out, OutMedia, Pause, Peer, Rejected, Retry, Unknown
from backbone.outside import guard
from tests.simulators.api import ApiSimulator, secret_of
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for

KEY = "0123456789abcdef0123456789abcdef"
PNG = b"\x89PNG\r\n\x1a\n\0\xff"


class World:
    """The channel, its kit and the other system."""

    def __init__(self, simulator: ApiSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.channel = Api()

    async def send(self, text: str = "hello", **fields: Any) -> str:
        """The id of what was taken."""
        return (await self.channel.send(out(text, **fields), self.acc, self.kit)).id

    async def fault_of(self, text: str = "hello", **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, **fields)
        return caught.value.fault


def out(text: str = "hello", **fields: Any) -> Out:
    return Out(**{"event": "e", "key": KEY, "conv": "c", "peer": Peer("u-42", "Li"), "text": text, **fields})


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A system that runs."""
    simulator = ApiSimulator()
    async with simulator.running(), kit_for(Api(), simulator.account(), simulator.clock) as (kit, acc):
        world = World(simulator, kit, acc)
        try:
            yield world
        finally:
            await world.channel.close()


@pytest.fixture
def _allowed_again() -> Iterator[None]:
    """Loopback, once a test is over that forbade it."""
    yield
    guard.allow("127.0.0.0/8,::1")


async def test_a_message_is_posted_signed_and_its_id_comes_back(world: World) -> None:
    sent = await world.send("你好 👨‍👩‍👧\u2028]]>")
    (accepted,) = world.simulator.accepted
    assert (accepted.text, accepted.peer, accepted.key, accepted.id) == ("你好 👨‍👩‍👧\u2028]]>", "u-42", KEY, sent)
    assert world.simulator.refused_signatures == 0


async def test_messages_share_a_connection_until_that_breaks(world: World) -> None:
    for _ in range(3):
        await world.send()
    assert len(world.simulator.callers) == 1
    world.simulator.script("reset")
    assert await world.fault_of() == Unknown()
    for _ in range(3):
        await world.send()
    assert len(world.simulator.callers) == 2


async def test_without_an_id_of_theirs_ours_is_the_id(world: World) -> None:
    world.simulator.gives_ids = False
    assert await world.send() == KEY


async def test_the_same_key_again_is_taken_once(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    await world.send()
    assert len(world.simulator.accepted) == 1
    assert Api.caps.idempotent


async def test_while_the_secret_changes_the_other_side_may_know_either(world: World) -> None:
    new = msgspec.structs.replace(world.acc, secret=secret_of("new"), previous_secret=world.acc.secret)
    await world.channel.send(out(), new, world.kit)
    world.simulator.secret = secret_of("new")
    await world.channel.send(out(key="f" * 32), new, world.kit)
    assert len(world.simulator.accepted) == 2


async def test_another_secret_is_refused_by_the_other_side(world: World) -> None:
    world.simulator.secret = secret_of("another")
    # Its side may be changing it: by Standard Webhooks it's tried again.
    assert isinstance(await world.fault_of(), Retry)


async def test_a_file_goes_out_with_its_bytes(world: World) -> None:
    media = OutMedia(file="f", name="合同.png", mime="image/png", size=len(PNG), content=PNG)
    await world.send("look", kind="image", media=media)
    (accepted,) = world.simulator.accepted
    assert (accepted.kind, accepted.sha256) == ("image", hashlib.sha256(PNG).hexdigest())
    assert accepted.more["file"]["name"] == "合同.png"


async def test_what_is_withdrawn_and_changed_is_told(world: World) -> None:
    await world.channel.edit("theirs-1", out("hello", key="a" * 32), world.acc, world.kit)
    await world.channel.recall("theirs-1", out(key="b" * 32), world.acc, world.kit)
    assert [(c["type"], c["ref"], c.get("text")) for c in world.simulator.changes] == [
        ("message.edited", "theirs-1", "hello"),
        ("message.recalled", "theirs-1", None),
    ]


@pytest.mark.parametrize("name", ["limited", "busy"])
@pytest.mark.parametrize("after_s", [None, 9])
async def test_a_system_that_is_busy_says_when(world: World, name: str, after_s: float | None) -> None:
    world.simulator.script(name, after_s=after_s)
    assert await world.fault_of() == Retry(after_s=after_s or 0)


@pytest.mark.parametrize("name", ["500", "html502"])
async def test_a_system_that_stumbles_is_tried_again(world: World, name: str) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == Retry()


async def test_a_system_that_is_gone_pauses_and_one_that_refuses_rejects(world: World) -> None:
    world.simulator.script("refused")
    assert isinstance(await world.fault_of(), Pause)
    world.simulator.repair()
    world.simulator.script("rejected")
    assert await world.fault_of() == Rejected('The system refused it (422): {"error":"rejected"}')


async def test_a_redirect_is_never_followed(world: World) -> None:
    world.simulator.redirects_to = f"{world.simulator.base}/trunkline?again"
    assert isinstance(await world.fault_of(), Pause)
    assert world.simulator.calls == 1


async def test_a_slow_system_leaves_it_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "TIMEOUT_S", 0.2)
    world.simulator.script("slow", seconds=1)
    assert await world.fault_of() == Unknown()


async def test_a_system_that_is_not_there_is_tried_again(world: World) -> None:
    away = msgspec.structs.replace(world.acc, url="http://127.0.0.1:9/")
    with pytest.raises(FaultError) as caught:
        await world.channel.send(out(), away, world.kit)
    assert caught.value.fault == Retry()


@pytest.mark.usefixtures("_allowed_again")
async def test_an_address_that_leads_home_is_never_called(world: World) -> None:
    careful = world.acc
    (push,) = world.simulator.say("u-42", "", kind="image", content=PNG)
    (event,) = world.channel.parse(push.request, world.acc)
    guard.allow("")
    with pytest.raises(FaultError) as caught:
        await world.channel.send(out(), careful, world.kit)
    assert isinstance(caught.value.fault, Pause)
    assert world.simulator.calls == 0
    with pytest.raises(MalformedError):
        world.channel.parse(push.request, world.acc)
    with pytest.raises(FaultError) as caught:
        await world.channel.get_media(event.media[0], careful, world.kit)  # type: ignore[union-attr]
    assert isinstance(caught.value.fault, Rejected)


async def test_a_users_file_is_fetched_from_its_address(world: World) -> None:
    (push,) = world.simulator.say("u-42", "", kind="image", content=PNG)
    (event,) = world.channel.parse(push.request, world.acc)
    file = event.media[0]  # type: ignore[union-attr]
    content, mime, name = await world.channel.get_media(file, world.acc, world.kit)
    assert (content, mime, name) == (PNG, "application/octet-stream", file.name)


async def test_a_file_that_is_not_there_or_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_client, "MOST_IN_BYTES", 9)
    for address in (f"{world.simulator.base}/files/none", world.simulator.file(b"x" * 10, "large")):
        with pytest.raises(FaultError) as caught:
            await world.channel.get_media(Media("file", address), world.acc, world.kit)
        assert isinstance(caught.value.fault, Rejected)


@pytest.mark.usefixtures("_allowed_again")
async def test_the_check_says_where_the_address_leads(world: World) -> None:
    assert [c.problem for c in await world.channel.check(world.acc, world.kit)] == [""]
    careful = msgspec.structs.replace(world.acc, url="https://127.0.0.1/")
    guard.allow("")
    assert "public" in (await world.channel.check(careful, world.kit))[0].problem
