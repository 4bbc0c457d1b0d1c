"""A message that was given up is sent after all: the log is told that it is wanted again, and whoever has its lane
takes it up from there, whenever that is.
"""

from __future__ import annotations

from adapters.channels.kit import state
from backbone import events as ev
from backbone.clock import utc_ms
from backbone.decide import is_readable, parse_tolerant
from backbone.ids import derived_event_id
from backbone.log import Log
from backbone.nats import dead, subjects
from backbone.nats.dead import Letter
from backbone.nats.link import Link

MOST_EVENTS = 20_000


async def replay(link: Link, letter: Letter) -> bool:
    """Wants a dead letter's message again and takes the letter out of `DEAD`; False if it has been sent meanwhile.

    A letter that is wanted twice is one wish. Raises ValueError for what is no message of ours, TrunklineError.
    """
    event = parse_tolerant(letter.raw) if is_readable(letter.raw) else None
    if event is None or not state.is_ours(event):
        raise ValueError(f"letter {letter.number} holds no message of ours")
    chat = subjects.parse_chat(letter.subject)
    log = Log(link)
    known = state.begin(chat.tenant, chat.channel, chat.conv)
    for each in await log.replay_all(letter.subject, 0, MOST_EVENTS):
        state.apply(known, parse_tolerant(each.raw), each.seq)
    outcomes = known.outcomes.get(event.id, {})
    failed = [part for part, outcome in outcomes.items() if outcome.rank == state.RANK["failed"]]
    is_wanted = bool(failed) or not state.is_settled(known, event.id)
    if is_wanted:
        part = failed[0] if failed else 0
        wish = ev.DeliveryUpdated(
            id=derived_event_id(event.id, f"again.{letter.number}"),
            tenant=chat.tenant,
            channel=chat.channel,
            conv=chat.conv,
            at=utc_ms(),
            by=ev.Actor("system", "replay"),
            target=event.id,
            part=part,
            parts=known.parts.get(event.id, 1),
            state="failed",
            error=ev.ProviderError(code=state.AGAIN),
        )
        await log.publish(letter.subject, wish)
    await dead.forget(link, letter.number)
    return is_wanted
