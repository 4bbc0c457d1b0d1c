"""抖音 over HTTP: answering, authorisations, pictures and welcomes against the simulator."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.channels.douyin import Douyin
from adapters.channels.douyin.faults import until_midnight
from backbone.channel import (
    Check,
    FaultError,
    Media,
    Message,
    Out,
    Pause,
    Receipt,
    Rejected,
    Retry,
    Signal,
    TokenExpired,
    Unknown,
    WindowClosed,
)
from tests.simulators.douyin import DouyinSimulator
from tests.unit.adapters.channels.kit_wechat import STRANGE, MemoryKit, events_of, file, kit_of, refused, send, text

CHANNEL = Douyin()
DAY = 86_400


@pytest.fixture
async def simulator() -> AsyncIterator[DouyinSimulator]:
    douyin = DouyinSimulator()
    async with douyin.running():
        yield douyin


@pytest.fixture
async def kit(simulator: DouyinSimulator) -> AsyncIterator[MemoryKit]:
    async with kit_of(CHANNEL, simulator) as made:
        yield made


def heard(simulator: DouyinSimulator, kit: MemoryKit, words: str = "hello", **more: Any) -> Message:
    [push] = simulator.say("lin", words, **more)
    [event] = events_of(CHANNEL, kit.account, push.request)
    assert isinstance(event, Message)
    return event


def entered(simulator: DouyinSimulator, kit: MemoryKit) -> Signal:
    [event] = events_of(CHANNEL, kit.account, simulator.enters("lin").request)
    assert isinstance(event, Signal)
    return event


def answer(message: Message, words: str = "an answer", **more: Any) -> Out:
    return text("lin", words, context=message.context, **more)


# --- answering --------------------------------------------------------------------------------


async def test_answer_arrives_as_it_was_written(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    sent = await send(kit, answer(message, STRANGE))
    [accepted] = simulator.accepted
    assert (accepted.id, accepted.peer, accepted.text) == (sent.id, "lin", STRANGE)
    assert kit.body("/im/send/msg/") == {
        "msg_id": message.key,
        "conversation_id": simulator.conversation("lin"),
        "to_user_id": "lin",
        "content": {"msg_type": 1, "text": {"text": STRANGE}},
    }


async def test_answer_comes_back_as_a_receipt_of_its_id(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    sent = await send(kit, answer(heard(simulator, kit)))
    [echo] = simulator.echoes
    [receipt] = events_of(CHANNEL, kit.account, echo.request)
    assert isinstance(receipt, Receipt)
    assert (receipt.ref, receipt.status) == (sent.id, "sent")


async def test_picture_arrives_whole_by_the_apps_own_token(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    content = bytes(range(256)) * 8
    out = msgspec.structs.replace(file("lin", "image", content, "image/png"), context=heard(simulator, kit).context)
    for _ in range(2):
        await send(kit, out)
    assert [one.sha256 for one in simulator.accepted] == [hashlib.sha256(content).hexdigest()] * 2
    assert len(simulator.images) == 1
    assert next(iter(simulator.images.values())).filename == "image.png"


async def test_link_may_be_refused_as_content(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    simulator.refuses_links = True
    fault = await refused(kit, answer(heard(simulator, kit), "https://example.com"))
    assert isinstance(fault, Rejected)
    assert "28001038" in fault.reason


async def test_text_of_1000_characters_is_the_longest(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    assert CHANNEL.caps.text == (1000, "chars")
    message = heard(simulator, kit)
    await send(kit, answer(message, "👍" * 1000))
    assert isinstance(await refused(kit, answer(message, "👍" * 1001)), Rejected)


async def test_answer_to_a_message_of_our_own_is_tried_with_the_one_that_is_answered(
    simulator: DouyinSimulator, kit: MemoryKit
) -> None:
    message = heard(simulator, kit)
    sent = await send(kit, answer(message, "first"))
    wrong = {**message.context, "msg_id": sent.id}
    await send(kit, text("lin", "second", context=wrong, reply_to=message.key))
    assert [one.text for one in simulator.accepted] == ["first", "second"]
    fault = await refused(kit, text("lin", "third", context=wrong))
    assert isinstance(fault, Rejected)
    assert "28003082" in fault.reason


async def test_message_is_withdrawn(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    out = answer(heard(simulator, kit))
    sent = await send(kit, out)
    await CHANNEL.recall(sent.id, out, kit.account, kit)
    assert [one["msg_id"] for one in simulator.recalled] == [sent.id]


# --- windows and scenes -----------------------------------------------------------------------


async def test_seventh_answer_is_refused_until_the_customer_writes(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    for n in range(6):
        await send(kit, answer(message, f"{n}"))
    assert await refused(kit, answer(message, "7")) == WindowClosed("count")
    await send(kit, answer(heard(simulator, kit, "go on"), "8"))


async def test_answer_after_a_day_is_refused_without_a_call(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    simulator.clock.advance(DAY + 1)
    assert await refused(kit, answer(message)) == WindowClosed("time")
    assert simulator.calls == 0


async def test_platforms_own_clock_refuses_too(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    simulator.reply_s = -1
    assert await refused(kit, answer(message)) == WindowClosed("time")


async def test_who_never_wrote_gets_nothing(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    assert await refused(kit, text("lin", "hello")) == WindowClosed("never")
    assert simulator.calls == 0


async def test_who_comes_in_is_welcomed_and_may_be_written_to_for_30_seconds(simulator: DouyinSimulator) -> None:
    async with kit_of(CHANNEL, simulator, welcome="你好！") as kit:
        await CHANNEL.welcome(entered(simulator, kit), kit.account, kit)
        await send(kit, text("lin", "what can we do?"))
        assert [(one.text, one.more["scene"]) for one in simulator.accepted] == [
            ("你好！", "im_enter_direct_msg"),
            ("what can we do?", "im_enter_direct_msg"),
        ]
        simulator.clock.advance(31)
        assert await refused(kit, text("lin", "still there?")) == WindowClosed("never")


async def test_message_of_today_is_answered_rather_than_the_coming_in(
    simulator: DouyinSimulator, kit: MemoryKit
) -> None:
    message = heard(simulator, kit)
    await CHANNEL.welcome(entered(simulator, kit), kit.account, kit)
    await send(kit, answer(message))
    assert simulator.accepted[0].more["scene"] == ""
    simulator.clock.advance(2 * DAY)
    await CHANNEL.welcome(entered(simulator, kit), kit.account, kit)
    await send(kit, answer(message, "welcome back"))
    assert simulator.accepted[1].more["scene"] == "im_enter_direct_msg"


async def test_welcome_that_comes_too_late_stops_nothing(simulator: DouyinSimulator) -> None:
    async with kit_of(CHANNEL, simulator, welcome="你好！") as kit:
        signal = entered(simulator, kit)
        simulator.clock.advance(31)
        await CHANNEL.welcome(signal, kit.account, kit)
        assert not simulator.accepted
        simulator.script("busy")
        with pytest.raises(FaultError) as caught:
            await CHANNEL.welcome(signal, kit.account, kit)
    assert caught.value.fault == Retry()


async def test_our_windows_are_the_simulators(simulator: DouyinSimulator) -> None:
    ours = {window.by: (window.count, window.seconds) for window in CHANNEL.caps.windows}
    assert ours == {
        "message": (simulator.replies, simulator.reply_s),
        "enter": (simulator.enters_answers, simulator.enter_s),
    }


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["extra", "data", "err_no"])
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
    ],
)
async def test_fault_is_understood_and_the_next_try_goes_through(
    simulator: DouyinSimulator, kit: MemoryKit, name: str, fault: Any, place: Any
) -> None:
    simulator.error_place = place
    message = heard(simulator, kit)
    simulator.script(name)
    assert await refused(kit, answer(message)) == fault
    assert not simulator.accepted
    await send(kit, answer(message))
    assert len(simulator.accepted) == 1


async def test_answer_that_was_lost_is_unknown_and_comes_back(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    simulator.script("lost")
    assert await refused(kit, answer(message)) == Unknown()
    assert len(simulator.accepted) == len(simulator.echoes) == 1


async def test_workbench_that_answers_by_itself_pauses(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    simulator.script("refused")
    fault = await refused(kit, answer(message))
    assert isinstance(fault, Pause)
    assert "switch them off" in fault.reason
    simulator.repair()
    await send(kit, answer(message))


async def test_used_up_quota_waits_for_midnight_in_shanghai(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    simulator.sends_a_day = 0
    before = until_midnight(kit.now())
    fault = await refused(kit, answer(message))
    assert fault.account
    assert before - 5 <= fault.after_s <= before


# --- authorisation ----------------------------------------------------------------------------


async def test_code_gives_the_first_token_and_refreshing_the_next(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    first = await kit.token()
    token, _ = kit.tokens["access"]
    assert (token.life_s, token.more["renewals"]) == (15 * DAY, "0")
    assert int(token.more["refresh_until"]) == pytest.approx(kit.now() + 30 * DAY, abs=5)
    assert token.more["refresh"] == simulator.grants.refresh.value  # type: ignore[union-attr]
    simulator.clock.advance(12 * DAY + 1)
    assert await kit.token() != first
    assert simulator.grants.refreshes == 1
    until = int(kit.tokens["access"][0].more["refresh_until"])
    assert until == pytest.approx(kit.now() + 18 * DAY, abs=5)


async def test_voided_token_is_refreshed_and_the_message_sent(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit)
    await send(kit, answer(message, "1"))
    simulator.script("token")
    await send(kit, answer(message, "2"))
    assert simulator.grants.refreshes == 1
    assert len(simulator.accepted) == 2


async def test_authorisation_is_renewed_five_times_and_then_the_operator_is_asked(
    simulator: DouyinSimulator, kit: MemoryKit
) -> None:
    warned: list[tuple[int, str]] = []
    begun = kit.now()
    for _ in range(200):
        [authorised, *_] = await CHANNEL.check(kit.account, kit)
        if authorised.problem and authorised.problem not in [said for _, said in warned]:
            warned.append((round((kit.now() - begun) / DAY), authorised.problem))
        simulator.clock.advance(DAY)
    assert simulator.grants.refresh is not None
    assert simulator.grants.refresh.renewals == 5
    days = [day for day, _ in warned]
    until = round((simulator.grants.refresh.until - begun) / DAY)
    assert [until - day for day in days[:4]] == [14, 7, 3, 1]
    # Its last access token outlives it by some days; then nothing is left to go on with.
    assert "has ended" in warned[4][1]
    assert "(10010)" in warned[5][1]
    assert until > 140
    with pytest.raises(FaultError) as caught:
        await kit.token()
    assert isinstance(caught.value.fault, Pause)
    # A new code is all there is to do.
    simulator.grants.codes.add("code-2")
    kit.account = msgspec.structs.replace(kit.account, code="code-2")
    await kit.token()
    assert await CHANNEL.check(kit.account, kit) == [
        Check("authorisation", ""),
        Check("account", ""),
        Check("app", ""),
    ]


async def test_new_code_is_used_by_the_examination_at_once(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    before = await kit.token()
    simulator.grants.codes.add("code-2")
    kit.account = msgspec.structs.replace(kit.account, code="code-2")
    assert [check.problem for check in await CHANNEL.check(kit.account, kit)] == ["", "", ""]
    assert await kit.token() != before
    assert not simulator.grants.codes
    assert simulator.grants.refreshes == 0


async def test_new_code_that_is_not_taken_leaves_the_authorisation_before(
    simulator: DouyinSimulator, kit: MemoryKit
) -> None:
    await kit.token()
    kit.account = msgspec.structs.replace(kit.account, code="too late")
    for _ in range(3):
        [authorised, *_] = await CHANNEL.check(kit.account, kit)
        assert "too old" in authorised.problem
    # Tried once, not at every look.
    assert simulator.grants.refreshes == 1
    await send(kit, answer(heard(simulator, kit)))


async def test_renewal_that_fails_is_tried_again_within_a_day(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    await kit.token()
    simulator.clock.advance(16 * DAY)
    simulator.grants.renew_is_busy = True
    await kit.token()
    token, _ = kit.tokens["access"]
    assert (token.life_s, token.more["renewals"]) == (DAY, "0")
    simulator.grants.renew_is_busy = False
    simulator.clock.advance(DAY)
    await kit.token()
    token, _ = kit.tokens["access"]
    assert (token.life_s, token.more["renewals"]) == (15 * DAY, "1")
    assert token.more["refresh"] == simulator.grants.refresh.value  # type: ignore[union-attr]


async def test_platform_that_has_no_renewal_left_is_believed(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    simulator.grants.most_renewals = 0
    await kit.token()
    simulator.clock.advance(16 * DAY)
    await kit.token()
    more = kit.tokens["access"][0].more
    assert more["scan_by"] == more["refresh_until"]


@pytest.mark.parametrize(("wrong", "said"), [("client_key", "10003"), ("client_secret", "10013"), ("code", "10007")])
async def test_wrong_credentials_pause_and_are_shown(simulator: DouyinSimulator, wrong: str, said: str) -> None:
    async with kit_of(CHANNEL, simulator, **{wrong: "wrong"}) as kit:
        message = text("lin", "x", context={"msg_id": "@1", "conversation_id": "@2", "at": str(int(kit.now() * 1000))})
        fault = await refused(kit, message)
        [check] = await CHANNEL.check(kit.account, kit)
    assert isinstance(fault, Pause)
    assert said in fault.reason
    assert check == Check("authorisation", fault.reason)


async def test_other_accounts_open_id_is_named_by_the_examination(simulator: DouyinSimulator) -> None:
    async with kit_of(CHANNEL, simulator, open_id="-") as kit:
        problem = (await CHANNEL.check(kit.account, kit))[1].problem
    assert problem == "The authorisation is of the account with open_id _000operator: enter that."


async def test_apps_own_token_lives_two_hours(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    first = await kit.token("client")
    assert kit.tokens["client"][0].life_s == 7200
    simulator.clock.advance(7200)
    assert await kit.token("client") != first


async def test_token_is_not_asked_for_in_vain(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    simulator.grants.clients.clear()
    simulator.grants.client_s = -1
    out = msgspec.structs.replace(file("lin", "image", b"x", "image/png"), context=heard(simulator, kit).context)
    assert await refused(kit, out) == TokenExpired()
    assert len(simulator.grants.clients) == 2


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("kind", "mime"), [("image", "image/jpeg"), ("video", "video/mp4")])
async def test_file_from_the_phone_comes_whole(
    simulator: DouyinSimulator, kit: MemoryKit, *, kind: str, mime: str, twice: bool
) -> None:
    simulator.escapes_twice = twice
    content = b'{"err_no": 10008}' + bytes(range(256))
    message = heard(simulator, kit, kind=kind, content=content)
    assert await CHANNEL.get_media(message.media[0], kit.account, kit) == (content, mime, "")


async def test_file_that_douyin_has_not_is_rejected(simulator: DouyinSimulator, kit: MemoryKit) -> None:
    message = heard(simulator, kit, kind="image")
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(message.media[0], kit.account, kit)
    assert isinstance(caught.value.fault, Rejected)


async def test_file_whose_address_is_no_longer_good_is_rejected_and_the_account_is_well(
    simulator: DouyinSimulator, kit: MemoryKit
) -> None:
    message = heard(simulator, kit, kind="image", content=b"x")
    simulator.ends_files()
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(message.media[0], kit.account, kit)
    assert caught.value.fault == Rejected("Douyin no longer has the file at its address.")


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://10.0.0.1/x", "ftp://x"])
async def test_address_that_is_not_of_the_web_is_not_followed(kit: MemoryKit, address: str) -> None:
    with pytest.raises(FaultError) as caught:
        await CHANNEL.get_media(Media("image", f"address {address}"), kit.account, kit)
    assert isinstance(caught.value.fault, Rejected)
