"""What is said to LINE and fetched from it, over real HTTP."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from adapters.channels.line import Line, client, examining, faults
from adapters.channels.line.duration import duration_ms
from adapters.channels.line.faults import MaybeTaken
from backbone.channel import (
    Check,
    Duplicate,
    FaultError,
    Media,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Retry,
    Unknown,
)
from tests.simulators.line import LineSimulator
from tests.unit.adapters.channels.kit_telegram import MemoryKit, kit_for
from tests.unit.adapters.channels.test_line_protocol import PNG, events_of

LINK = "https://desk.example.com/files/signed"


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


M4A = box(b"ftyp", b"M4A \0\0\0\0") + box(
    b"moov", box(b"udta", b"") + box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 44_100, 132_300))
)
LONG_M4A = struct.pack(">I4sQ", 1, b"moov", 16 + 8 + 32) + box(b"mvhd", struct.pack(">BxxxQQIQ", 1, 0, 0, 1000, 2500))


class World:
    """The channel, its kit and the platform."""

    def __init__(self, simulator: LineSimulator, kit: MemoryKit, acc: Any) -> None:
        self.simulator, self.kit, self.acc = simulator, kit, acc
        self.line = Line()
        self.heard = events_of(simulator.say("ann", "hi"))[0]

    def out(self, text: str = "hello", number: int = 1, **fields: Any) -> Out:
        """An answer to what the customer said."""
        whole = {"event": "e", "key": f"{number:032x}", "conv": "c", "peer": self.heard.peer, "text": text}
        return Out(**{**whole, "context": self.heard.context, **fields})

    async def send(self, text: str = "hello", number: int = 1, **fields: Any) -> str:
        """The id that the platform gave."""
        sent = await self.line.send(self.out(text, number, **fields), self.acc, self.kit)
        return str(sent.id)

    async def fault_of(self, text: str = "hello", number: int = 1, **fields: Any) -> Any:
        """What a send fails with."""
        with pytest.raises(FaultError) as caught:
            await self.send(text, number, **fields)
        return caught.value.fault

    async def file(self, kind: str, mime: str, content: bytes, *, link: str = LINK) -> dict[str, Any]:
        """A file of ours as LINE got it."""
        media = OutMedia(
            file="f",
            name="a file",
            mime=mime,
            size=len(content),
            content=content,
            link=link,
            preview=f"{link}/preview" if kind == "image" else "",
        )
        await self.send("", number=len(self.simulator.accepted) + 1, kind=kind, media=media)
        message: dict[str, Any] = self.simulator.accepted[-1].more["message"]
        return message

    def written_again(self) -> dict[str, str]:
        """What an answer must know after another message of the customer's."""
        return dict(events_of(self.simulator.say("ann", "and?"))[0].context)

    def how(self) -> list[str]:
        """How each message went out."""
        return [one.more["how"] for one in self.simulator.accepted]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A channel to which a customer has written just now."""
    simulator = LineSimulator()
    async with simulator.running(), kit_for(Line(), simulator.account(), simulator.clock) as (kit, acc):
        yield World(simulator, kit, acc)


# --- replies and pushes -------------------------------------------------------------------------


async def test_the_first_answer_is_a_reply_and_the_others_are_pushed(world: World) -> None:
    sent = await world.send("你好 👋", 1)
    await world.send("two", 2)
    assert world.how() == ["reply", "push"]
    assert (world.simulator.accepted[0].text, world.simulator.accepted[0].id) == ("你好 👋", sent)
    assert world.simulator.pushed == 1
    assert world.simulator.calls == 2


async def test_after_a_minute_an_answer_is_pushed(world: World) -> None:
    world.simulator.clock.advance(61)
    await world.send()
    assert world.how() == ["push"]
    assert world.simulator.calls == 1


async def test_a_reply_token_that_ended_early_is_followed_by_a_push(world: World) -> None:
    world.simulator.reply_tokens.clear()
    await world.send()
    assert world.how() == ["push"]


async def test_a_reply_whose_answer_was_lost_is_not_doubled(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    assert await world.fault_of(is_resend=True) == Duplicate()
    assert world.how() == ["reply"]


async def test_a_try_goes_by_the_way_of_the_one_before_though_the_customer_has_written_again(world: World) -> None:
    """A new token would send once more what went by the old one, or by a push."""
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    assert await world.fault_of(context=world.written_again(), is_resend=True) == Duplicate()
    assert world.how() == ["reply"]

    world.simulator.clock.advance(61)
    world.simulator.script("lost")
    assert await world.fault_of("two", 2) == Unknown()
    pushed = world.simulator.accepted[-1].id
    assert await world.fault_of("two", 2, context=world.written_again(), is_resend=True) == Duplicate(pushed)
    assert world.how() == ["reply", "push"]


async def test_a_push_that_was_refused_is_a_reply_once_the_customer_writes(world: World) -> None:
    world.simulator.clock.advance(61)
    world.simulator.script("limited")
    assert await world.fault_of() == Retry(account=True)
    await world.send(context=world.written_again(), is_resend=True)
    assert world.how() == ["reply"]


async def test_a_reply_that_never_arrived_is_sent_by_the_next_try(world: World) -> None:
    world.simulator.script("reset")
    assert await world.fault_of() == Unknown()
    await world.send(is_resend=True)
    assert world.how() == ["reply"]


async def test_a_refusal_that_is_not_of_the_token_does_not_say_that_a_lost_reply_arrived(world: World) -> None:
    """A process killed in the middle of its call, and a refusal of the next one: it was told as sent."""
    world.simulator.script("reset")
    world.simulator.script("rejected")
    assert await world.fault_of() == Unknown()
    assert isinstance(await world.fault_of(is_resend=True), Rejected)
    assert world.how() == []


async def test_a_reply_whose_answer_was_lost_for_over_a_minute_is_said_to_be_unsure(world: World) -> None:
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    world.simulator.clock.advance(3600)
    assert await world.fault_of(is_resend=True) == client.LOST
    assert world.how() == ["reply"]


async def test_a_reply_that_failed_at_line_may_have_been_taken(world: World) -> None:
    """LINE says so of 5xx: a push after a minute would double it."""
    world.simulator.script("busy")
    assert await world.fault_of() == MaybeTaken()
    await world.send()
    assert world.how() == ["reply"]


async def test_a_reply_that_was_not_let_through_may_be_pushed_later(world: World) -> None:
    world.simulator.script("limited")
    assert await world.fault_of() == Retry(account=True)
    world.simulator.clock.advance(61)
    await world.send()
    assert world.how() == ["push"]


async def test_a_reply_that_was_not_let_through_is_free_again_within_its_minute(world: World) -> None:
    world.simulator.script("limited")
    assert await world.fault_of() == Retry(account=True)
    await world.send("another", 2)
    assert world.how() == ["reply"]


async def test_a_push_whose_answer_was_lost_is_known_by_its_key(world: World) -> None:
    world.simulator.clock.advance(61)
    world.simulator.script("lost")
    assert await world.fault_of() == Unknown()
    (accepted,) = world.simulator.accepted
    assert await world.fault_of() == Duplicate(accepted.id)
    await world.send("another", 2)
    assert [one.text for one in world.simulator.accepted] == ["hello", "another"]


async def test_a_message_without_a_token_is_pushed(world: World) -> None:
    await world.send(context={})
    assert world.how() == ["push"]


async def test_a_group_is_replied_to_and_pushed_to(world: World) -> None:
    (heard,) = events_of(world.simulator.says_in_group("Buyers", "Zhao", "hello"))
    await world.send(peer=heard.peer, context=heard.context)
    await world.send("two", 2, peer=heard.peer, context=heard.context)
    assert [(one.peer, one.more["how"]) for one in world.simulator.accepted] == [
        ("Buyers", "reply"),
        ("Buyers", "push"),
    ]


async def test_a_text_of_the_limit_is_taken_and_one_beyond_isnt(world: World) -> None:
    await world.send("👋" * 2500)
    fault = await world.fault_of("👋" * 2501, 2)
    assert "messages[0].text" in fault.reason
    assert len(world.simulator.accepted) == 1


# --- quotations -------------------------------------------------------------------------------


async def test_an_answer_quotes_the_message_that_was_chosen(world: World) -> None:
    await world.send(reply_to=world.heard.ref)
    token = world.simulator.accepted[0].more["message"]["quoteToken"]
    assert world.simulator.quote_tokens[token] == world.heard.peer.id


async def test_what_can_not_be_quoted_is_answered_all_the_same(world: World) -> None:
    world.simulator.quote_tokens.clear()
    await world.send(reply_to=world.heard.ref)
    assert world.how() == ["reply"]
    assert "quoteToken" not in world.simulator.accepted[0].more["message"]
    world.simulator.clock.advance(61)
    await world.send("two", 2, reply_to=world.heard.ref)
    assert world.how() == ["reply", "push"]


# --- files of ours ------------------------------------------------------------------------------


async def test_a_picture_goes_with_its_own_preview(world: World) -> None:
    shown = {"type": "image", "originalContentUrl": LINK, "previewImageUrl": f"{LINK}/preview"}
    assert await world.file("image", "image/png", PNG) == shown


async def test_a_video_needs_the_accounts_preview(world: World) -> None:
    assert await world.file("video", "video/mp4", b"mp4") == {"type": "text", "text": f"a file\n{LINK}"}
    world.acc = msgspec.structs.replace(world.acc, preview="https://shop.example/logo.png")
    shown = {"type": "video", "originalContentUrl": LINK, "previewImageUrl": "https://shop.example/logo.png"}
    assert await world.file("video", "video/mp4", b"mp4") == shown


async def test_a_sound_says_how_long_it_is_and_is_a_link_where_nobody_knows(world: World) -> None:
    assert await world.file("audio", "audio/mp4", M4A) == {
        "type": "audio",
        "originalContentUrl": LINK,
        "duration": 3000,
    }
    assert (await world.file("audio", "audio/mp4", b"no boxes"))["type"] == "text"


async def test_an_address_that_customers_cannot_reach_by_https_is_a_text(world: World) -> None:
    assert (await world.file("image", "image/png", PNG, link="http://desk.local/f"))["type"] == "text"
    media = OutMedia(file="f", name="a", mime="image/png", size=1, content=b"x")
    assert await world.fault_of("", kind="image", media=media) == Rejected(client.NO_LINK)


@pytest.mark.parametrize(
    ("content", "milliseconds"),
    [
        (M4A, 3000),
        (LONG_M4A, 2500),
        (b"", 0),
        (M4A[:-4], 0),
        (box(b"moov", box(b"mvhd", b"")), 0),
        (box(b"moov", box(b"mvhd", bytes(20))), 0),
        (box(b"moov", b"") + M4A, 0),
        (b"\0\0\0\1moov", 0),
        (b"\0\0\0\4moov" * 5000, 0),
    ],
)
def test_how_long_a_sound_is_stands_in_its_header(content: bytes, milliseconds: int) -> None:
    assert duration_ms(content) == milliseconds


# --- faults -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["500", "html502", "empty", "busy"])
async def test_what_passes_is_tried_again(world: World, name: str) -> None:
    world.simulator.script(name)
    assert await world.fault_of() == MaybeTaken()
    await world.send()


async def test_a_customer_whom_line_does_not_know_is_said(world: World) -> None:
    world.simulator.clock.advance(61)
    fault = await world.fault_of(peer=Peer("Unobody"))
    assert fault == faults.WORDS[400, "The property, 'to',"]


async def test_when_the_month_is_used_up_replies_go_out_and_pushes_wait(world: World) -> None:
    world.simulator.month_most, world.simulator.pushed = 500, 500
    await world.send()
    assert world.how() == ["reply"]
    assert await world.fault_of("two", 2) == Retry(after_s=3600)


async def test_who_has_blocked_the_account_gets_nothing_and_line_does_not_say_so(world: World) -> None:
    world.simulator.leaves("ann")
    assert await world.send()
    assert world.simulator.accepted == []


# --- tokens -----------------------------------------------------------------------------------


async def test_a_token_of_fifteen_minutes_is_issued_and_renewed(world: World) -> None:
    await world.send()
    await world.send("two", 2)
    assert world.kit.fetched == ["access"]
    world.simulator.clock.advance(900)
    await world.send("three", 3)
    assert world.kit.fetched == ["access", "access"]


async def test_a_token_that_ended_early_is_issued_anew(world: World) -> None:
    await world.send()
    world.simulator.script("token")
    await world.send("two", 2)
    assert world.how() == ["reply", "push"]


async def test_a_wrong_secret_pauses_the_account(world: World) -> None:
    world.simulator.script("refused")
    assert await world.fault_of() == faults.WRONG_SECRET
    world.simulator.repair()
    await world.send()


async def test_a_long_lived_token_is_used_as_it_is_and_pauses_when_it_is_refused() -> None:
    simulator = LineSimulator()
    simulator.is_long_lived = True
    async with simulator.running(), kit_for(Line(), simulator.account(), simulator.clock) as (kit, acc):
        world = World(simulator, kit, acc)
        await world.send()
        assert kit.fetched == []
        simulator.access_token = "another"
        assert isinstance(await world.fault_of("two", 2), Pause)


async def test_an_account_with_neither_token_nor_id_is_paused_with_the_reason(world: World) -> None:
    world.kit._acc = world.acc = msgspec.structs.replace(world.acc, channel_id="")
    assert await world.fault_of() == Pause("The account has neither a channel access token nor a channel ID.")


# --- what customers sent ------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "mime"), [("image", "image/png"), ("video", "video/mp4"), ("audio", "audio/x-m4a")])
async def test_a_customers_file_is_fetched_once_it_is_ready(world: World, kind: str, mime: str) -> None:
    (event,) = events_of(world.simulator.say("ann", "", kind=kind, content=PNG))
    world.simulator.keeps_back = 1
    with pytest.raises(FaultError) as caught:
        await world.line.get_media(event.media[0], world.acc, world.kit)
    assert caught.value.fault == Retry()
    assert await world.line.get_media(event.media[0], world.acc, world.kit) == (PNG, mime, "")


async def test_a_file_that_line_could_not_prepare_or_has_no_more_says_so(world: World) -> None:
    (event,) = events_of(world.simulator.say("ann", "", kind="video", content=PNG))
    world.simulator.has_failed_files = True
    with pytest.raises(FaultError) as caught:
        await world.line.get_media(event.media[0], world.acc, world.kit)
    assert caught.value.fault == client.FAILED
    world.simulator.ends_files()
    for media in (Media("image", event.media[0].ref), Media("image", "1")):
        with pytest.raises(FaultError) as caught:
            await world.line.get_media(media, world.acc, world.kit)
        assert isinstance(caught.value.fault, Rejected)


async def test_a_file_of_an_apps_server_is_fetched_there_without_our_token(world: World) -> None:
    world.simulator.files["7"] = (PNG, "image/png")
    there = Media("image", f"{world.simulator.base}/elsewhere/7")
    assert await world.line.get_media(there, world.acc, world.kit) == (PNG, "image/png", "")
    world.simulator.files.clear()
    with pytest.raises(FaultError) as caught:
        await world.line.get_media(there, world.acc, world.kit)
    assert isinstance(caught.value.fault, Rejected)


# --- beside the messages ------------------------------------------------------------------------


async def test_typing_is_shown_to_one_person_alone(world: World) -> None:
    await world.line.typing(world.heard.peer, world.acc, world.kit, is_typing=True)
    await world.line.typing(world.heard.peer, world.acc, world.kit, is_typing=False)
    await world.line.typing(Peer(world.simulator.group_of("Buyers")), world.acc, world.kit, is_typing=True)
    assert world.simulator.typed == [world.heard.peer.id]


async def test_a_message_is_marked_as_read_by_its_token(world: World) -> None:
    await world.line.mark_read(world.heard.ref, world.heard.peer, world.acc, world.kit)
    await world.line.mark_read("461", world.heard.peer, world.acc, world.kit)
    assert world.simulator.read == [world.heard.peer.id]


async def test_people_and_groups_have_names_and_rooms_have_none(world: World) -> None:
    simulator = world.simulator
    group, room = simulator.group_of("Buyers"), simulator.group_of("Three of us", "room")
    found = [await world.line.profile(Peer(one), world.acc, world.kit) for one in (world.heard.peer.id, group, room)]
    assert [one.name for one in found] == ["ann", "Buyers", ""]
    zhao = simulator.user_of("Zhao")
    for peer in (group, room):
        assert await world.line.author(Peer(peer), zhao, world.acc, world.kit) == "Zhao"
    with pytest.raises(FaultError):
        await world.line.author(Peer(group), "Unobody", world.acc, world.kit)


async def test_an_account_is_examined(world: World) -> None:
    async def checks() -> list[Check]:
        return await world.line.check(world.acc, world.kit)

    simulator = world.simulator
    assert await checks() == [Check("token", ""), Check("webhook", ""), Check("messages", "")]
    simulator.month_most = simulator.pushed = 500
    simulator.webhook_status = 503
    _, webhook, messages = await checks()
    assert (webhook.problem.startswith("LINE's call to https://"), messages.problem) == (True, examining.NOTHING_LEFT)
    simulator.is_webhook_used = False
    assert (await checks())[1] == Check("webhook", examining.NOT_USED)
    simulator.webhook = ""
    assert (await checks())[1] == Check("webhook", examining.NO_WEBHOOK)
    simulator.channel_id = "another"
    await world.kit.forget_token()
    assert await checks() == [Check("token", faults.WRONG_SECRET.reason)]
