"""小程序客服消息 over HTTP: windows, pictures, typing and tokens against the simulator."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.miniprogram import MiniProgram
from backbone.channel import (
    Check,
    FaultError,
    Media,
    MediaGone,
    Message,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Unknown,
    WindowClosed,
)
from tests.simulators.miniprogram import MiniProgramSimulator
from tests.unit.adapters.channels.kit_wechat import STRANGE, MemoryKit, events_of, file, kit_of, refused, send, text

CHANNEL = MiniProgram()


@pytest.fixture
async def simulator() -> AsyncIterator[MiniProgramSimulator]:
    platform = MiniProgramSimulator()
    async with platform.running():
        platform.say("o-lin", "hello")
        yield platform


@pytest.fixture
async def kit(simulator: MiniProgramSimulator) -> AsyncIterator[MemoryKit]:
    async with kit_of(CHANNEL, simulator) as made:
        yield made


async def test_text_arrives_as_it_was_written_and_goes_out_as_raw_utf8(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    assert await send(kit, text("o-lin", STRANGE)) == Sent()
    assert simulator.customer_sees("o-lin")[-1].text == STRANGE
    await send(kit, text("o-lin", "你好"))
    assert kit.posted[-1][1] == '{"touser":"o-lin","msgtype":"text","text":{"content":"你好"}}'.encode()


async def test_picture_is_uploaded_once_and_arrives_whole(simulator: MiniProgramSimulator, kit: MemoryKit) -> None:
    content = bytes(range(256)) * 8
    for _ in range(2):
        await send(kit, file("o-lin", "image", content, "image/png"))
    assert [(one.kind, one.sha256) for one in simulator.accepted] == [
        ("image", hashlib.sha256(content).hexdigest())
    ] * 2
    assert [one.name for one in simulator.files.kept.values()] == ["image.png"]


async def test_picture_whose_three_days_are_over_is_told_as_gone(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    out = file("o-lin", "image", b"x", "image/png")
    await send(kit, out)
    simulator.files.end()
    assert await refused(kit, out) == MediaGone()


async def test_picture_that_is_too_large_is_rejected(simulator: MiniProgramSimulator, kit: MemoryKit) -> None:
    assert CHANNEL.caps.media_bytes["image"] == simulator.most_bytes["image"]
    simulator.most_bytes["image"] = 10
    fault = await refused(kit, file("o-lin", "image", b"x" * 11, "image/png"))
    assert isinstance(fault, Rejected)
    assert "40009" in fault.reason


# --- windows ----------------------------------------------------------------------------------


async def test_our_windows_are_the_simulators(simulator: MiniProgramSimulator) -> None:
    ours = {window.by: (window.count, window.seconds) for window in CHANNEL.caps.windows}
    assert ours == simulator.windows.rules


async def test_sixth_message_is_refused_until_the_customer_writes(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    for n in range(5):
        await send(kit, text("o-lin", f"{n}"))
    assert await refused(kit, text("o-lin", "6")) == WindowClosed("count")
    simulator.say("o-lin", "go on")
    assert await send(kit, text("o-lin", "7")) == Sent()


async def test_who_comes_in_may_be_told_two_things_within_a_minute(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    simulator.enters("o-wu", "A-1")
    for n in range(2):
        await send(kit, text("o-wu", f"{n}"))
    assert await refused(kit, text("o-wu", "3")) == WindowClosed("count")
    simulator.enters("o-wu", "A-1")
    simulator.clock.advance(61)
    assert await refused(kit, text("o-wu", "4")) == WindowClosed("time")


async def test_coming_in_again_takes_nothing_from_what_a_message_allows(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    await send(kit, text("o-lin", "1"))
    simulator.enters("o-lin")
    simulator.clock.advance(47 * 3600)
    for n in range(4):
        await send(kit, text("o-lin", f"{n}"))
    assert await refused(kit, text("o-lin", "6")) == WindowClosed("count")


async def test_stranger_is_rejected(kit: MemoryKit) -> None:
    assert await refused(kit, text("o-nobody", "hello")) == Rejected("WeChat doesn't know this customer (40003).")


# --- faults and tokens ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("busy", Retry()),
        ("limited", Retry(after_s=60, account=True)),
        ("500", Retry()),
        ("html502", Retry()),
        ("empty", Retry()),
        ("reset", Unknown()),
        ("window", WindowClosed("time")),
        ("media_gone", MediaGone()),
    ],
)
async def test_fault_is_understood_and_the_next_try_goes_through(
    simulator: MiniProgramSimulator, kit: MemoryKit, name: str, fault: Any
) -> None:
    simulator.script(name)
    assert await refused(kit, text("o-lin", "hello")) == fault
    assert not simulator.accepted
    await send(kit, text("o-lin", "hello"))
    assert len(simulator.accepted) == 1


async def test_token_that_was_voided_is_fetched_once_more(simulator: MiniProgramSimulator, kit: MemoryKit) -> None:
    await send(kit, text("o-lin", "1"))
    simulator.script("token")
    await send(kit, text("o-lin", "2"))
    assert (simulator.tokens.fetches, simulator.tokens.forced) == (2, [])


@pytest.mark.parametrize(("wrong", "said"), [("app_id", "AppID"), ("app_secret", "AppSecret")])
async def test_wrong_credentials_pause_and_are_shown(simulator: MiniProgramSimulator, wrong: str, said: str) -> None:
    async with kit_of(CHANNEL, simulator, **{wrong: "wrong"}) as kit:
        fault = await refused(kit, text("o-lin", "hello"))
        [check] = await CHANNEL.check(kit.account, kit)
    assert isinstance(fault, Pause)
    assert said in fault.reason
    assert check == Check("credentials", fault.reason)


async def test_healthy_account_passes_its_check(kit: MemoryKit) -> None:
    assert await CHANNEL.check(kit.account, kit) == [Check("credentials", "")]


# --- what customers sent, and typing ----------------------------------------------------------


async def test_picture_of_a_customer_comes_whole(simulator: MiniProgramSimulator, kit: MemoryKit) -> None:
    content = b'{"errcode": 40001}' + bytes(range(256))
    [push] = simulator.say("o-lin", kind="image", content=content)
    [message] = events_of(CHANNEL, kit.account, push.request)
    assert isinstance(message, Message)
    assert await CHANNEL.get_media(message.media[0], kit.account, kit) == (content, "image/jpeg", "customer.jpg")
    simulator.loses_files()
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(Media("image", "media-1"), kit.account, kit)
    assert caught.value.fault == MediaGone()


async def test_typing_is_shown_until_a_message_comes(simulator: MiniProgramSimulator, kit: MemoryKit) -> None:
    for is_typing in (True, True, False, True):
        await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=is_typing)
    assert (simulator.shown_typing("o-lin"), "o-lin" in simulator.typing) == (2, True)
    await send(kit, text("o-lin", "done"))
    assert "o-lin" not in simulator.typing


async def test_typing_long_after_the_last_exchange_harms_nothing(
    simulator: MiniProgramSimulator, kit: MemoryKit
) -> None:
    simulator.clock.advance(31)
    await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=True)
    assert simulator.shown_typing("o-lin") == 0
