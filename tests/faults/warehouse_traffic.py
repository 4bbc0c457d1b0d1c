"""Made-up traffic of three tenants for the warehouse: openings, messages, edits, recalls, assignments, resolutions."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from typing import NamedTuple

from backbone import events as ev
from backbone import ids
from backbone.acks import Stored
from backbone.errors import TrunklineError
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.link import Link

STREAMS = [f"{n:02d}" for n in range(8)]
TENANTS = ("main", "acme", "umbrella")
AGENTS = ("ann", "bob")
_TEXTS = (
    "你好，我的订单什么时候发货？",
    "退款申请已提交",
    "Thanks, that solved it",
    "请问发票怎么开",
    "order number 12345 please",
)


class Talk(NamedTuple):
    """One conversation that goes on: its tenant, id, and the ids of its messages."""

    tenant: str
    conv: str
    messages: list[str]


def make(count: int, seed: int) -> list[ev.Event]:
    """`count` events in the order in which they are to be stored."""
    chance = random.Random(seed)
    talks: list[Talk] = []
    made: list[ev.Event] = []
    at = time.time_ns() // 1_000_000
    while len(made) < count:
        at += chance.randrange(3)
        if not talks or chance.random() < 0.04:
            talks.append(_open(chance))
            made.append(_event(ev.ConversationOpened, talks[-1], at, "visitor", inbox="web", contact="c1"))
        else:
            made.append(_next(chance, chance.choice(talks[-200:]), at))
    return made


async def publish(link: Link, events: list[ev.Event], at_once: int = 2000) -> None:
    """Stores all of them, in order. Raises the first refusal."""
    log = Log(link)
    refused: list[TrunklineError] = []
    stored = 0

    def done(outcome: Stored | TrunklineError) -> None:
        nonlocal stored
        stored += 1
        if isinstance(outcome, TrunklineError):
            refused.append(outcome)

    for event in events:
        while log.unacknowledged >= at_once:
            await asyncio.sleep(0.001)
        log.publish_soon(subjects.chat(event.tenant, event.channel, event.conv), event, done)
    async with asyncio.timeout(60):
        while stored < len(events):
            await asyncio.sleep(0.01)
    if refused:
        raise refused[0]


def _open(chance: random.Random) -> Talk:
    tenant = chance.choice(TENANTS)
    first = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return Talk(tenant, ids.conversation_id(tenant, "web", "somebody", first, STREAMS), [])


def _next(chance: random.Random, talk: Talk, at: int) -> ev.Event:
    dice = chance.random()
    agent = chance.choice(AGENTS)
    if dice < 0.05 and talk.messages:
        return _event(ev.MessageEdited, talk, at, "agent", target=chance.choice(talk.messages), text="edited")
    if dice < 0.07 and talk.messages:
        return _event(ev.MessageRecalled, talk, at, "agent", target=talk.messages.pop())
    if dice < 0.12:
        return _event(ev.ConversationAssigned, talk, at, "system", agent=agent)
    if dice < 0.15:
        return _event(ev.ConversationResolved, talk, at, "agent")
    if dice < 0.18:
        return _event(ev.ReadMarked, talk, at, "visitor", reader="visitor", read=1)
    by = "visitor" if dice < 0.6 else "agent"
    message = _event(ev.MessageAdded, talk, at, by, text=chance.choice(_TEXTS))
    talk.messages.append(message.id)
    return message


def _event(kind: type[ev.Event], talk: Talk, at: int, by: str, **body: object) -> ev.Event:
    actor = ev.Actor(by, "c1" if by == "visitor" else "ann", "李雷" if by == "visitor" else "")  # type: ignore[arg-type]
    return kind(id=ids.new_event_id(), tenant=talk.tenant, channel="web", conv=talk.conv, at=at, by=actor, **body)  # type: ignore[arg-type]
