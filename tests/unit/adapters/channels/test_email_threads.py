"""Mails that answer each other are one conversation, whatever programs and people leave of their references."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from adapters.channels.email import Email, thread
from tests.simulators.email import EmailSimulator
from tests.unit.adapters.channels.kit_email import DAY_S, PEER, Reading, kit_for, letter, out


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator().running() as running:
        yield running


async def test_an_answer_to_a_mail_of_ours_comes_into_its_thread(provider: EmailSimulator) -> None:
    async with kit_for(provider, thread_secret="") as (kit, acc), Reading(acc, kit) as reading:
        provider.say(PEER, "question")
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread, context=question.context), acc, kit)
        provider.say(PEER, "thank you", subject="another subject altogether")
        thanks = (await reading.messages(2))[1]
    assert thanks.thread == question.thread
    assert thanks.reply_to == f"<{out().key}@shop.example>"


async def test_an_answer_to_the_plus_address_comes_into_its_thread_without_any_reference(
    provider: EmailSimulator,
) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        provider.say(PEER, "question")
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread, context=question.context), acc, kit)
        to = provider.accepted[0].more["reply_to"].rpartition("<")[2].rstrip(">")
        provider.deliver_raw(letter(5, at=0, to=to))
        answer = (await reading.messages(2))[1]
    assert to.startswith(f"support+{question.thread}.")
    assert (answer.text, answer.thread) == ("words of 5", question.thread)


async def test_mails_of_one_page_that_answer_each_other_are_one_thread(provider: EmailSimulator) -> None:
    first = letter(1, at=0)
    second = letter(2, at=0, extra="In-Reply-To: <1@customer.example>\r\n")
    third = letter(3, at=0, extra="References: <unknown@x.example> <2@customer.example>\r\n")
    apart = letter(4, at=0, extra="References: <unknown@x.example>\r\nSubject: Re: mail 1\r\n")
    for raw in (first, second, third, apart):
        provider.deliver_raw(raw)
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        one, two, three, four = await reading.messages(4)
    assert one.thread == two.thread == three.thread == thread.key_of("<1@customer.example>")
    assert four.thread != one.thread


async def test_what_is_read_again_stays_in_its_thread(provider: EmailSimulator) -> None:
    provider.deliver_raw(letter(1, at=0))
    provider.deliver_raw(letter(2, at=0, extra="In-Reply-To: <1@customer.example>\r\n"))
    async with kit_for(provider) as (kit, acc):
        async with Reading(acc, kit) as reading:
            before = await reading.messages(2)
        async with Reading(acc, kit) as again:
            after = await again.messages(2)
    assert [(each.key, each.thread) for each in after] == [(each.key, each.thread) for each in before]


async def test_a_conversation_without_a_thread_gets_its_answers(provider: EmailSimulator) -> None:
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        await Email().send(out(thread=""), acc, kit)
        provider.say(PEER, "who are you?")
        (answer,) = await reading.messages(1)
    assert answer.thread == ""


async def test_threads_are_remembered_for_400_days_under_no_address_and_no_id(provider: EmailSimulator) -> None:
    provider.say(PEER, "question")
    async with kit_for(provider) as (kit, acc), Reading(acc, kit) as reading:
        (question,) = await reading.messages(1)
        await Email().send(out(thread=question.thread), acc, kit)
        assert Counter(place.partition(":")[0] for place in kit.kept) == {"mid": 2, "sent": 1, "to": 1}
        for place, (_, life_s) in kit.kept.items():
            assert not {"@", "<", "/"} & set(place)
            # What only a bounce needs is kept for as long as servers try.
            assert life_s == (400 * DAY_S if place.startswith("mid:") else 7 * DAY_S)
