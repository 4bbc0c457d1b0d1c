"""What a log is filled with is what people would have written."""

from __future__ import annotations

import msgspec

from backbone.conversation import empty, fold
from backbone.decide import parse_tolerant
from backbone.ids import check_contact, check_conversation, check_uuid
from backbone.nats import subjects
from tests.bench.population import CHANNEL, TENANT, TEXT, beginning_of, contact_of, conversation_of, message_of, open_of

MANY = 2000


def test_ids_are_valid_and_nobody_shares_one() -> None:
    for number in range(MANY):
        check_contact(contact_of(number))
        check_conversation(conversation_of(number))
        check_uuid(message_of(number))
    for each in (contact_of, conversation_of, message_of):
        assert len({each(number) for number in range(MANY)}) == MANY


def test_conversations_are_spread_over_all_streams() -> None:
    assert len({subjects.stream_of(conversation_of(number)) for number in range(MANY)}) == 8


def test_a_beginning_makes_an_open_conversation_of_its_person() -> None:
    head = empty(TENANT, CHANNEL, conversation_of(7))
    for seq, event in enumerate(beginning_of(7), 1):
        head = fold(head, parse_tolerant(msgspec.json.encode(event)), seq)
    assert (head.status, head.contact.id, head.n) == ("queued", contact_of(7), 1)
    assert open_of(7)[1].conv == head.conv


def test_a_text_has_about_150_bytes_with_its_number() -> None:
    assert 130 <= len(TEXT.encode()) + 34 <= 170
