"""微信客服 over HTTP: pulling, sending, sessions, welcomes and files against the simulator."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.channels.wecom import WeCom
from backbone.channel import (
    Check,
    FaultError,
    Media,
    MediaGone,
    Message,
    Page,
    Pause,
    Peer,
    Pull,
    Receipt,
    Rejected,
    Retry,
    Sent,
    Signal,
    Unknown,
    WindowClosed,
)
from tests.simulators.wecom import WeComSimulator
from tests.simulators.wecom.simulator import ASSISTANT, ENDED, HUMAN, NEW, POOL
from tests.unit.adapters.channels.kit_wechat import STRANGE, MemoryKit, events_of, file, kit_of, refused, send, text

CHANNEL = WeCom()


@pytest.fixture
async def simulator() -> AsyncIterator[WeComSimulator]:
    wecom = WeComSimulator()
    async with wecom.running():
        wecom.say("wm-lin", "hello")
        yield wecom


@pytest.fixture
async def kit(simulator: WeComSimulator) -> AsyncIterator[MemoryKit]:
    async with kit_of(CHANNEL, simulator) as made:
        yield made


async def fetch(kit: MemoryKit, cursor: str = "", hint: str = "") -> Page:
    [stream] = CHANNEL.streams(kit.account)
    return await CHANNEL.fetch(kit.account, stream, cursor, hint, kit)


async def pull_all(kit: MemoryKit, cursor: str = "", hint: str = "") -> tuple[list[Any], str]:
    """All that is there, as the kit pulls it."""
    found: list[Any] = []
    for _ in range(100):
        page = await fetch(kit, cursor, hint)
        found += page.events
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("it never ends")


# --- pulling ----------------------------------------------------------------------------------


async def test_bell_brings_what_the_customer_said(simulator: WeComSimulator, kit: MemoryKit) -> None:
    [push] = simulator.say("wm-lin", STRANGE)
    [bell] = events_of(CHANNEL, kit.account, push.request)
    assert isinstance(bell, Pull)
    found, _ = await pull_all(kit, hint=bell.hint)
    assert [event.text for event in found] == ["hello", STRANGE]
    assert simulator.pulls[-1] == {
        "cursor": "",
        "token": push.id,
        "limit": 1000,
        "voice_format": 0,
        "open_kfid": simulator.open_kfid,
    }


async def test_cursor_goes_on_where_it_stood(simulator: WeComSimulator, kit: MemoryKit) -> None:
    _, cursor = await pull_all(kit)
    simulator.say("wm-lin", "more")
    found, after = await pull_all(kit, cursor)
    assert [event.text for event in found] == ["more"]
    assert await pull_all(kit, after) == ([], after)


async def test_cursor_may_be_replayed_and_lost(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.page_rows = 1
    simulator.say("wm-lin", "two")
    first = await fetch(kit)
    assert [first.events, first.more] == [(await fetch(kit)).events, True]
    again, _ = await pull_all(kit, first.cursor)
    assert [event.text for event in (*first.events, *again) if isinstance(event, Message)] == ["hello", "two"]


async def test_short_and_empty_pages_do_not_end_a_pull(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.rows.clear()
    for n in range(5):
        simulator.say("wm-lin", f"{n}")
    simulator.page_rows = 2
    # The second page holds only rows that have ended meanwhile.
    for row in simulator.rows[2:4]:
        row.at -= 4 * 86_400
    first = await fetch(kit)
    second = await fetch(kit, first.cursor)
    assert (second.events, second.more) == ([], True)
    found, _ = await pull_all(kit)
    assert [event.text for event in found] == ["0", "1", "4"]


async def test_page_that_leads_nowhere_ends_the_pull(simulator: WeComSimulator, kit: MemoryKit) -> None:
    _, cursor = await pull_all(kit)
    simulator.say("wm-lin", "x")
    simulator.page_rows = 0
    page = await fetch(kit, cursor)
    assert (page.events, page.more, page.cursor) == ([], False, cursor)


async def test_rows_are_there_for_three_days(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.clock.advance(3 * 86_400 + 1)
    simulator.say("wm-lin", "new")
    found, _ = await pull_all(kit)
    assert [event.text for event in found] == ["new"]


@pytest.mark.parametrize("advance", [0, 601])
async def test_bells_token_that_is_wrong_or_old_is_left_out(
    simulator: WeComSimulator, kit: MemoryKit, advance: float
) -> None:
    token = simulator.bell().id if advance else "nonsense"
    simulator.clock.advance(advance)
    found, _ = await pull_all(kit, hint=token)
    assert [event.text for event in found] == ["hello"]
    assert [pull["token"] for pull in simulator.pulls] == [token, ""]


async def test_pull_without_a_bell_may_be_limited(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.pulls_without_bell = 0
    with pytest.raises(FaultError) as caught:
        await fetch(kit)
    assert caught.value.fault == Retry(after_s=60, account=True)


async def test_empty_early_and_repeated_bells_harm_nothing(simulator: WeComSimulator, kit: MemoryKit) -> None:
    _, cursor = await pull_all(kit)
    early = simulator.bell()
    assert await pull_all(kit, cursor, early.id) == ([], cursor)
    simulator.say("wm-lin", "late")
    found, after = await pull_all(kit, cursor, early.id)
    assert [event.text for event in found] == ["late"]
    assert await pull_all(kit, after, early.id) == ([], after)


async def test_inbox_that_is_given_another_account_reads_a_stream_of_its_own(kit: MemoryKit) -> None:
    other = msgspec.structs.replace(kit.account, open_kfid="wkOther")
    assert CHANNEL.streams(other) != CHANNEL.streams(kit.account)


async def test_agent_in_wecom_and_events_come_in_order(simulator: WeComSimulator, kit: MemoryKit) -> None:
    sent = await send(kit, text("wm-lin", "an answer"))
    simulator.servicer_says("wm-lin", "from WeCom")
    simulator.enters("wm-lin")
    simulator.fails(sent.id, 10)
    found, _ = await pull_all(kit)
    assert [type(event) for event in found] == [Message, Message, Signal, Receipt]
    assert found[1].echo
    assert (found[3].ref, found[3].reason) == (sent.id, "The customer refuses messages.")


# --- sending ----------------------------------------------------------------------------------


async def test_text_arrives_under_our_own_id(simulator: WeComSimulator, kit: MemoryKit) -> None:
    out = text("wm-lin", STRANGE)
    assert await send(kit, out) == Sent(out.key, "accepted")
    [accepted] = simulator.accepted
    assert (accepted.peer, accepted.text, accepted.id) == ("wm-lin", STRANGE, out.key)
    assert "你好".encode() in kit.posted[-1][1]


@pytest.mark.parametrize(
    ("kind", "mime", "theirs"),
    [
        ("image", "image/png", "image"),
        ("audio", "audio/amr", "audio"),
        ("video", "video/mp4", "video"),
        ("file", "application/pdf", "file"),
        ("file", "image/webp", "file"),
    ],
)
async def test_file_arrives_whole_as_what_wecom_takes(
    simulator: WeComSimulator, kit: MemoryKit, kind: str, mime: str, theirs: str
) -> None:
    content = bytes(range(256)) * 8
    await send(kit, file("wm-lin", kind, content, mime, name="报价 单.bin"))
    [accepted] = simulator.accepted
    assert (accepted.kind, accepted.sha256) == (theirs, hashlib.sha256(content).hexdigest())
    assert accepted.more == {"name": "报价 单.bin"}


async def test_file_whose_id_has_ended_is_told_as_gone(simulator: WeComSimulator, kit: MemoryKit) -> None:
    out = file("wm-lin", "file", b"x", "text/plain")
    await send(kit, out)
    simulator.files.kept.clear()
    simulator.msgids.clear()
    assert await refused(kit, out) == MediaGone()


async def test_second_try_of_a_message_that_was_taken_is_maybe_sent_and_no_copy(
    simulator: WeComSimulator, kit: MemoryKit
) -> None:
    simulator.script("lost")
    out = text("wm-lin", "hello")
    assert await refused(kit, out) == Unknown()
    assert await refused(kit, msgspec.structs.replace(out, is_resend=True)) == Unknown()
    assert len(simulator.accepted) == 1


async def test_second_try_of_a_message_that_was_not_taken_is_sent(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.script("reset")
    out = text("wm-lin", "hello")
    assert await refused(kit, out) == Unknown()
    assert await send(kit, msgspec.structs.replace(out, is_resend=True)) == Sent(out.key, "accepted")


async def test_unlisted_code_at_the_first_try_is_a_refusal(simulator: WeComSimulator, kit: MemoryKit) -> None:
    out = text("wm-lin", "hello")
    await send(kit, out)
    fault = await refused(kit, out)
    assert isinstance(fault, Rejected)
    assert "95031" in fault.reason


async def test_listed_code_at_a_second_try_keeps_its_meaning(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.script("rejected")
    fault = await refused(kit, msgspec.structs.replace(text("wm-lin", "hello"), is_resend=True))
    assert isinstance(fault, Rejected)


# --- sessions and windows ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [NEW, ASSISTANT])
async def test_new_and_assisted_sessions_take_messages(simulator: WeComSimulator, kit: MemoryKit, state: int) -> None:
    simulator.sessions["wm-lin"].state = state
    await send(kit, text("wm-lin", "hello"))
    assert simulator.sessions["wm-lin"].state == state


async def test_session_with_an_agent_in_wecom_rejects_and_names_them(simulator: WeComSimulator, kit: MemoryKit) -> None:
    session = simulator.sessions["wm-lin"]
    session.state, session.servicer = HUMAN, "wang"
    assert await refused(kit, text("wm-lin", "x")) == Rejected("The conversation is with wang in WeCom.")


async def test_session_in_the_pool_rejects(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.sessions["wm-lin"].state = POOL
    assert await refused(kit, text("wm-lin", "x")) == Rejected("The conversation waits for an agent in WeCom.")


async def test_session_that_ended_waits_for_the_customer(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.sessions["wm-lin"].state = ENDED
    assert await refused(kit, text("wm-lin", "x")) == WindowClosed("ended")
    simulator.say("wm-lin", "again")
    await send(kit, text("wm-lin", "x"))


async def test_new_session_that_is_refused_is_moved_to_us_and_tried_once_more(
    simulator: WeComSimulator, kit: MemoryKit
) -> None:
    # 95018 stands for the state and for 48 hours alike: here for the second.
    simulator.late_code = 95018
    simulator.clock.advance(48 * 3600 + 1)
    assert await refused(kit, text("wm-lin", "late")) == WindowClosed("time")
    assert simulator.sessions["wm-lin"].state == ASSISTANT
    assert simulator.calls == 2
    # Now it is ours, and isn't moved again, which WeCom would refuse.
    assert await refused(kit, text("wm-lin", "late")) == WindowClosed("time")
    assert simulator.calls == 4


async def test_sixth_message_is_refused_until_the_customer_writes(simulator: WeComSimulator, kit: MemoryKit) -> None:
    for n in range(5):
        await send(kit, text("wm-lin", f"{n}"))
    assert await refused(kit, text("wm-lin", "6")) == WindowClosed("count")
    simulator.say("wm-lin", "go on")
    await send(kit, text("wm-lin", "7"))


async def test_message_after_48_hours_is_refused(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.clock.advance(48 * 3600 + 1)
    assert await refused(kit, text("wm-lin", "late")) == WindowClosed("time")


async def test_our_windows_are_the_simulators(simulator: WeComSimulator) -> None:
    ours = {window.by: (window.count, window.seconds) for window in CHANNEL.caps.windows}
    assert ours == simulator.windows.rules


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
    simulator: WeComSimulator, kit: MemoryKit, name: str, fault: Any
) -> None:
    simulator.script(name)
    assert await refused(kit, text("wm-lin", "hello")) == fault
    assert not simulator.accepted
    await send(kit, text("wm-lin", "hello"))
    assert len(simulator.accepted) == 1


async def test_account_whose_address_is_not_trusted_pauses(simulator: WeComSimulator, kit: MemoryKit) -> None:
    simulator.script("refused")
    fault = await refused(kit, text("wm-lin", "hello"))
    assert isinstance(fault, Pause)
    assert "企业可信IP" in fault.reason
    simulator.repair()
    await send(kit, text("wm-lin", "hello"))


async def test_token_that_was_voided_is_fetched_once_more(simulator: WeComSimulator, kit: MemoryKit) -> None:
    await send(kit, text("wm-lin", "1"))
    simulator.script("token")
    await send(kit, text("wm-lin", "2"))
    assert simulator.tokens.fetches == 2


async def test_token_lives_two_hours(kit: MemoryKit) -> None:
    await kit.token()
    assert kit.tokens["access"][0].life_s == 7200


@pytest.mark.parametrize(("wrong", "said"), [("corp_id", "Corp ID"), ("secret", "Secret")])
async def test_wrong_credentials_pause_and_are_shown(simulator: WeComSimulator, wrong: str, said: str) -> None:
    async with kit_of(CHANNEL, simulator, **{wrong: "wrong"}) as kit:
        fault = await refused(kit, text("wm-lin", "hello"))
        [check] = await CHANNEL.check(kit.account, kit)
    assert isinstance(fault, Pause)
    assert said in fault.reason
    assert check == Check("credentials", fault.reason)


async def test_check_looks_for_the_account_and_the_right_to_manage_it(
    simulator: WeComSimulator, kit: MemoryKit
) -> None:
    assert await CHANNEL.check(kit.account, kit) == [Check("credentials", ""), Check("account", "")]
    simulator.manages = False
    assert "may not manage" in (await CHANNEL.check(kit.account, kit))[1].problem
    other = msgspec.structs.replace(kit.account, open_kfid="wkOther")
    assert "isn't among" in (await CHANNEL.check(other, kit))[1].problem


# --- welcome, recall, files, profile ----------------------------------------------------------


async def entered(simulator: WeComSimulator, kit: MemoryKit) -> Signal:
    simulator.enters("wm-wu")
    found, _ = await pull_all(kit)
    assert isinstance(found[-1], Signal)
    return found[-1]


async def test_customer_who_enters_is_welcomed_once(simulator: WeComSimulator) -> None:
    async with kit_of(CHANNEL, simulator, welcome="你好！") as kit:
        signal = await entered(simulator, kit)
        await CHANNEL.welcome(signal, kit.account, kit)
        assert [(one.peer, one.text) for one in simulator.accepted] == [("wm-wu", "你好！")]
        # The page is read again after a crash: the code is used, and that is well.
        await CHANNEL.welcome(signal, kit.account, kit)
    assert len(simulator.accepted) == 1


async def test_code_for_a_welcome_is_good_for_20_seconds(simulator: WeComSimulator) -> None:
    async with kit_of(CHANNEL, simulator, welcome="你好！") as kit:
        signal = await entered(simulator, kit)
        simulator.clock.advance(21)
        await CHANNEL.welcome(signal, kit.account, kit)
    assert not simulator.accepted


async def test_welcome_that_meets_a_busy_platform_may_be_tried_again(simulator: WeComSimulator) -> None:
    async with kit_of(CHANNEL, simulator, welcome="你好！") as kit:
        signal = await entered(simulator, kit)
        simulator.busy_on_event = True
        with pytest.raises(FaultError) as caught:
            await CHANNEL.welcome(signal, kit.account, kit)
        assert caught.value.fault == Retry()
        simulator.busy_on_event = False
        await CHANNEL.welcome(signal, kit.account, kit)
    assert len(simulator.accepted) == 1


async def test_nobody_is_welcomed_without_a_text_or_a_code(simulator: WeComSimulator, kit: MemoryKit) -> None:
    await CHANNEL.welcome(await entered(simulator, kit), kit.account, kit)
    account = msgspec.structs.replace(kit.account, welcome="你好！")
    await CHANNEL.welcome(Signal(key="k", name="enter", peer=Peer("wm-wu")), account, kit)
    assert not simulator.accepted


async def test_message_is_withdrawn_within_two_minutes(simulator: WeComSimulator, kit: MemoryKit) -> None:
    out = text("wm-lin", "oops")
    sent = await send(kit, out)
    await CHANNEL.recall(sent.id, out, kit.account, kit)
    assert simulator.recalled == [out.key]
    simulator.clock.advance(121)
    with pytest.raises(FaultError) as caught:
        await CHANNEL.recall(sent.id, out, kit.account, kit)
    assert isinstance(caught.value.fault, Rejected)


@pytest.mark.parametrize(
    ("kind", "mime", "name"),
    [
        ("image", "image/jpeg", "customer.jpg"),
        ("audio", "audio/amr", "customer.amr"),
        ("video", "video/mp4", "customer.mp4"),
        ("file", "application/octet-stream", "报价.pdf"),
    ],
)
async def test_file_of_a_customer_comes_whole(
    simulator: WeComSimulator, kit: MemoryKit, kind: str, mime: str, name: str
) -> None:
    content = b'{"errcode": 40014}' + bytes(range(256))
    simulator.say("wm-lin", kind=kind, content=content)
    found, _ = await pull_all(kit)
    assert await CHANNEL.get_media(found[-1].media[0], kit.account, kit) == (content, mime, name)


async def test_file_that_wecom_no_longer_has_is_gone(kit: MemoryKit) -> None:
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(Media("image", "media-999"), kit.account, kit)
    assert caught.value.fault == MediaGone()


async def test_profile_brings_nickname_and_unionid(simulator: WeComSimulator, kit: MemoryKit) -> None:
    assert await CHANNEL.profile(Peer("wm-lin"), kit.account, kit) == Peer("wm-lin", "wm-lin 的昵称")
    simulator.unionids["wm-lin"] = "u-1"
    wanted = Peer("wm-lin", "wm-lin 的昵称", {"unionid": "u-1"}, ("unionid",))
    assert await CHANNEL.profile(Peer("wm-lin"), kit.account, kit) == wanted
    assert await CHANNEL.profile(Peer("wm-nobody"), kit.account, kit) == Peer("wm-nobody")
