"""微信公众号 over HTTP: sending, tokens, files and typing against the simulator."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels import wechat_platform
from adapters.channels.wechat import WeChat
from adapters.channels.wechat_faults import until_midnight
from backbone.channel import (
    Check,
    FaultError,
    Media,
    MediaGone,
    Message,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Unknown,
    WindowClosed,
)
from tests.simulators.wechat import WeChatSimulator
from tests.unit.adapters.channels.kit_wechat import STRANGE, MemoryKit, events_of, file, kit_of, refused, send, text

CHANNEL = WeChat()


@pytest.fixture
async def simulator() -> AsyncIterator[WeChatSimulator]:
    wechat = WeChatSimulator()
    async with wechat.running():
        wechat.say("o-lin", "hello")
        yield wechat


@pytest.fixture
async def kit(simulator: WeChatSimulator) -> AsyncIterator[MemoryKit]:
    async with kit_of(CHANNEL, simulator) as made:
        yield made


async def test_text_arrives_as_it_was_written(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    assert await send(kit, text("o-lin", STRANGE)) == Sent()
    assert [(one.peer, one.text) for one in simulator.accepted] == [("o-lin", STRANGE)]
    assert simulator.customer_sees("o-lin")[-1].text == STRANGE


async def test_text_goes_out_as_raw_utf8(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    await send(kit, text("o-lin", "你好"))
    [(_, body)] = [one for one in kit.posted if one[0].endswith("/send")]
    assert body == '{"touser":"o-lin","msgtype":"text","text":{"content":"你好"}}'.encode()


async def test_customer_service_account_stands_beside_the_message(simulator: WeChatSimulator) -> None:
    async with kit_of(CHANNEL, simulator, kf_account="kf1@simulator") as kit:
        await send(kit, text("o-lin", "hello"))
    assert simulator.accepted[0].more["customservice"] == {"kf_account": "kf1@simulator"}


@pytest.mark.parametrize(
    ("kind", "mime"), [("image", "image/png"), ("audio", "audio/amr"), ("audio", "audio/mpeg"), ("video", "video/mp4")]
)
async def test_file_arrives_whole(simulator: WeChatSimulator, kit: MemoryKit, kind: str, mime: str) -> None:
    content = bytes(range(256)) * 8
    await send(kit, file("o-lin", kind, content, mime))
    [accepted] = simulator.accepted
    assert (accepted.kind, accepted.sha256) == (kind, hashlib.sha256(content).hexdigest())


async def test_file_is_uploaded_once_and_the_preview_of_videos_too(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    for _ in range(2):
        await send(kit, file("o-lin", "video", b"a video", "video/mp4", name="clip.mp4"))
    assert sorted(one.kind for one in simulator.files.kept.values()) == ["thumb", "video"]
    thumb = next(one for one in simulator.files.kept.values() if one.kind == "thumb")
    assert thumb.content.startswith(b"\xff\xd8\xff")
    assert simulator.accepted[0].more["video"]["title"] == "clip.mp4"


async def test_file_that_is_too_large_is_rejected(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.most_bytes["image"] = 10
    fault = await refused(kit, file("o-lin", "image", b"x" * 11, "image/png"))
    assert isinstance(fault, Rejected)
    assert "40009" in fault.reason


async def test_file_whose_id_has_ended_is_told_as_gone(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    out = file("o-lin", "image", b"x", "image/png")
    await send(kit, out)
    simulator.files.kept.clear()
    assert await refused(kit, out) == MediaGone()


async def test_id_of_a_file_is_not_kept_longer_than_wechat_keeps_the_file(
    simulator: WeChatSimulator, kit: MemoryKit
) -> None:
    out = file("o-lin", "image", b"x", "image/png")
    await send(kit, out)
    simulator.clock.advance(3 * 86_400 - 60)
    simulator.say("o-lin", "still there")
    await send(kit, out)
    assert len(simulator.files.kept) == 2


# --- windows ----------------------------------------------------------------------------------


async def test_sixth_message_is_refused_until_the_customer_writes(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    for n in range(5):
        await send(kit, text("o-lin", f"{n}"))
    assert await refused(kit, text("o-lin", "6")) == WindowClosed("count")
    simulator.say("o-lin", "go on")
    assert await send(kit, text("o-lin", "7")) == Sent()


async def test_message_after_48_hours_is_refused(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.clock.advance(48 * 3600 + 1)
    assert await refused(kit, text("o-lin", "late")) == WindowClosed("time")


async def test_tap_on_the_menu_opens_a_minute_for_three(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.happens("o-wu", "CLICK", "help")
    for n in range(3):
        await send(kit, text("o-wu", f"{n}"))
    assert await refused(kit, text("o-wu", "4")) == WindowClosed("count")
    simulator.clock.advance(61)
    assert await refused(kit, text("o-wu", "5")) == WindowClosed("time")


async def test_our_windows_are_the_simulators(simulator: WeChatSimulator) -> None:
    ours = {window.by: (window.count, window.seconds) for window in CHANNEL.caps.windows}
    assert ours == simulator.windows.rules


async def test_who_no_longer_follows_gets_nothing(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.happens("o-lin", "unsubscribe")
    assert await refused(kit, text("o-lin", "please stay")) == WindowClosed("time")


# --- faults -----------------------------------------------------------------------------------


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
    simulator: WeChatSimulator, kit: MemoryKit, name: str, fault: Any
) -> None:
    simulator.script(name)
    assert await refused(kit, text("o-lin", "hello")) == fault
    assert not simulator.accepted
    await send(kit, text("o-lin", "hello"))
    assert len(simulator.accepted) == 1


async def test_answer_that_was_lost_is_unknown_and_accepted(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.script("lost")
    assert await refused(kit, text("o-lin", "hello")) == Unknown()
    assert len(simulator.accepted) == 1


async def test_rejected_message_says_why(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.script("rejected")
    assert await refused(kit, text("o-lin", "hello")) == Rejected("The message is too long for WeChat (45002).")


async def test_text_over_2048_bytes_is_what_wechat_refuses(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    assert CHANNEL.caps.text == (2048, "bytes")
    await send(kit, text("o-lin", "你" * 682 + "ab"))
    assert isinstance(await refused(kit, text("o-lin", "你" * 683)), Rejected)


async def test_account_whose_address_is_not_listed_pauses(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.script("refused")
    for _ in range(2):
        fault = await refused(kit, text("o-lin", "hello"))
        assert isinstance(fault, Pause)
        assert "IP白名单" in fault.reason
    simulator.repair()
    await send(kit, text("o-lin", "hello"))


async def test_used_up_quota_waits_for_midnight_in_shanghai(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.sends_a_day = 0
    before = until_midnight(kit.now())
    fault = await refused(kit, text("o-lin", "hello"))
    assert fault.account
    assert before - 5 <= fault.after_s <= before


# --- tokens -----------------------------------------------------------------------------------


async def test_token_that_was_voided_is_fetched_once_more(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    await send(kit, text("o-lin", "1"))
    simulator.script("token")
    await send(kit, text("o-lin", "2"))
    assert simulator.tokens.fetches == 2
    assert simulator.tokens.forced == []


async def test_token_is_renewed_before_its_two_hours_end(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    first = await kit.token()
    assert kit.tokens["access"][0].life_s == 7200
    simulator.clock.advance(7200 * 0.8 + 1)
    # WeChat gives the same one until its last five minutes, with what is left of its life.
    assert await kit.token() == first
    assert kit.tokens["access"][0].life_s < 7200 * 0.2
    simulator.clock.advance(1200)
    assert await kit.token() != first
    await send(kit, text("o-lin", "hello"))


@pytest.mark.parametrize(("wrong", "said"), [("app_id", "AppID"), ("app_secret", "AppSecret")])
async def test_wrong_credentials_pause_and_are_shown(simulator: WeChatSimulator, wrong: str, said: str) -> None:
    async with kit_of(CHANNEL, simulator, **{wrong: "wrong"}) as kit:
        fault = await refused(kit, text("o-lin", "hello"))
        [check] = await CHANNEL.check(kit.account, kit)
    assert isinstance(fault, Pause)
    assert said in fault.reason
    assert check == Check("credentials", fault.reason)


async def test_healthy_account_passes_its_check(kit: MemoryKit) -> None:
    assert await CHANNEL.check(kit.account, kit) == [Check("credentials", ""), Check("customer service", "")]


async def test_unknown_customer_service_account_is_shown(simulator: WeChatSimulator) -> None:
    async with kit_of(CHANNEL, simulator, kf_account="kf9@simulator") as kit:
        problems = [check.problem for check in await CHANNEL.check(kit.account, kit)]
    assert problems == ["", "kf9@simulator isn't among the account's 客服账号."]


# --- files, typing, profile -------------------------------------------------------------------


@pytest.mark.parametrize("as_address", [False, True])
@pytest.mark.parametrize(
    ("kind", "mime", "name"),
    [
        ("image", "image/jpeg", "customer.jpg"),
        ("audio", "audio/amr", "customer.amr"),
        ("video", "video/mp4", "customer.mp4"),
    ],
)
async def test_file_of_a_customer_comes_whole(
    simulator: WeChatSimulator, kit: MemoryKit, *, kind: str, mime: str, name: str, as_address: bool
) -> None:
    simulator.video_as_address = as_address
    content = b'{"errcode": 40001}' + bytes(range(256))
    [push] = simulator.say("o-lin", kind=kind, content=content)
    [message] = events_of(CHANNEL, kit.account, push.request)
    assert isinstance(message, Message)
    assert await CHANNEL.get_media(message.media[0], kit.account, kit) == (content, mime, name)


async def test_file_that_wechat_no_longer_has_is_gone(kit: MemoryKit) -> None:
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(Media("image", "media-999"), kit.account, kit)
    assert caught.value.fault == MediaGone()


async def test_video_that_is_not_at_its_address_is_rejected_and_the_account_is_well(
    simulator: WeChatSimulator, kit: MemoryKit
) -> None:
    with pytest.raises(FaultError) as caught:
        await wechat_platform.at_its_address(kit, f"{simulator.base}/files/of/nobody")
    assert caught.value.fault == Rejected("WeChat no longer has the video at its address.")


async def test_name_of_an_uploaded_file_is_plain_ascii(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    media = OutMedia(file="f", name='照片 "1".jpeg', mime="image/jpeg", size=1, content=b"x")
    await CHANNEL.put_media(media, "image", kit.account, kit)
    assert simulator.files.kept["media-1"].name == "image.jpg"


async def test_typing_is_shown_and_taken_back(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=True)
    assert "o-lin" in simulator.typing
    await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=True)
    await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=False)
    assert "o-lin" not in simulator.typing


async def test_typing_long_after_the_last_exchange_harms_nothing(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.clock.advance(31)
    await CHANNEL.typing(Peer("o-lin"), kit.account, kit, is_typing=True)
    assert not simulator.typing


async def test_profile_brings_the_unionid_that_wechat_vouches_for(simulator: WeChatSimulator, kit: MemoryKit) -> None:
    simulator.unionids["o-lin"] = "u-1"
    assert await CHANNEL.profile(Peer("o-lin"), kit.account, kit) == Peer("o-lin", "", {"unionid": "u-1"}, ("unionid",))
    simulator.unionids.clear()
    assert await CHANNEL.profile(Peer("o-lin"), kit.account, kit) == Peer("o-lin")


def test_preview_is_a_small_jpeg() -> None:
    from adapters.channels.wechat.preview import PREVIEW  # noqa: PLC0415 - nobody else needs it

    assert PREVIEW.content[:3] == base64.b64decode("/9j/")
    assert PREVIEW.size == len(PREVIEW.content) < 64 * 1024
