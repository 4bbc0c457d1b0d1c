"""People who wrote before the benchmark began: their ids by number, so that every process derives the same. Pure."""

from __future__ import annotations

import hashlib

from backbone import events as ev
from backbone.contacts import OpenConversation
from backbone.ids import conversation_id, derived_event_id, provider_event_id
from backbone.nats import subjects

STREAMS = [f"{n:02d}" for n in range(8)]
TENANT, INBOX, CHANNEL = "main", "web", "web"
TEXT = "你好，我的订单什么时候到" * 3 + "？"
"""About 150 bytes with the number that a message bears."""

BEGAN_MS = 1_760_000_000_000


def contact_of(number: int) -> str:
    """The id of a person."""
    letters = hashlib.sha256(b"%d" % number).hexdigest()[:26]
    return "c" + letters.translate(str.maketrans("0189", "ghij"))


def message_of(number: int) -> str:
    """The id of the message with which they began."""
    return provider_event_id("bench", INBOX, str(number))


def conversation_of(number: int) -> str:
    """The id of their conversation."""
    return conversation_id(TENANT, INBOX, "somebody", message_of(number), STREAMS)


def open_of(number: int) -> tuple[str, OpenConversation]:
    """Key and record of the bucket `contacts` by which their next message finds the conversation."""
    opened = OpenConversation(conv=conversation_of(number), opened_by=message_of(number))
    return subjects.key(TENANT, "o", INBOX, contact_of(number)), opened


def beginning_of(number: int) -> tuple[ev.ConversationOpened, ev.MessageAdded]:
    """The two events with which the conversation begins."""
    contact, conv, message = contact_of(number), conversation_of(number), message_of(number)
    by, at = ev.Actor("visitor", contact), BEGAN_MS + number
    opened = ev.ConversationOpened(
        id=derived_event_id(message, "opened"),
        tenant=TENANT,
        channel=CHANNEL,
        conv=conv,
        at=at,
        by=by,
        inbox=INBOX,
        contact=contact,
    )
    return opened, added(number, message, TEXT, at)


def added(number: int, message: str, text: str, at: int) -> ev.MessageAdded:
    """One more message of a person in their conversation."""
    return ev.MessageAdded(
        id=message,
        tenant=TENANT,
        channel=CHANNEL,
        conv=conversation_of(number),
        at=at,
        by=ev.Actor("visitor", contact_of(number)),
        text=text,
    )
