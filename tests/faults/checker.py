"""Reads a history and the log and says what breaks a promise: pure, and slow to believe.

It knows the contract's event types and nothing else of the product: what a conversation may do, who may see what
and what must be in the log are written again here, so that an error there isn't excused by the same error here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from backbone.events import SHOWN_TO_VISITORS
from tests.faults import history as h
from tests.faults.devices import calm_ones_wait_little, every_device_hears, resends_find_what_is_stored
from tests.faults.transitions import State
from tests.faults.world import Event, Place, Post, Run, Violation, World

NEWEST = 200
"""What `sub` without a watermark shows at once."""

NEWEST_BYTES = 256 * 1024
"""Or less, if they are long: a page has bytes enough for so many at least."""

OTHER_BYTES = 600
"""Of an event beside its text, at most."""

REFUSED_WITHIN_S = 6.0
"""A post in an outage is refused within this: the log's own deadline is 5 s."""

SETTLE_S = 1.0
"""From a process's death until others can know of it."""

UNAVAILABLE = frozenset({"log.unavailable", "log.unknown_outcome"})
"""What a node says of a log that it can't reach: at once, or for what was on its way."""

OF_THE_CLIENT = frozenset({"limit.rate"})
"""Refusals that have nothing to do with the log."""


def check(world: World) -> list[Violation]:
    """Everything that breaks a promise, I1 to I6, I11 and I12. Empty: all hold."""
    return [
        *nothing_acknowledged_is_lost(world),
        *resends_find_what_is_stored(world),
        *one_gapless_order(world),
        *every_device_hears(world),
        *completed_before_stands_before(world),
        *decisions_are_single(world),
        *tenants_are_islands(world),
        *nobody_waits_on_a_ghost(world),
        *bounded(world),
        *unavailable_beats_wrong(world),
        *calm_ones_wait_little(world),
    ]


# --- I1 -------------------------------------------------------------------------------------------


def nothing_acknowledged_is_lost(world: World) -> Iterator[Violation]:
    """Each `ok` is in the log once, where it said, byte for byte; nothing is there that was refused or not sent."""
    for number, conv in world.looks():
        for event in world.branches[number].events[conv]:
            first = world.own_places(number)[event.id]
            if first.event is not event:
                yield Violation("I1", "doubled", f"{event.id} is in {conv} and {first}")
            yield from _as_it_was_sent(world, event.id, conv, event)
    for number in range(len(world.branches)):
        for op, place in world.own_places(number).items():
            if below := world.below_the_cut(op, number):
                yield Violation("I1", "doubled", f"{op} is in {place} and {below}")
    yield from _answers_hold(world)


def _answers_hold(world: World) -> Iterator[Violation]:
    for op, post in world.posts.items():
        stored = [world.place(op, n) for n in world.alive(post.began.at, post.ended.at)]
        if post.is_ok and not any(place and _is_there(post, place) for place in stored):
            if not _was_theirs_already(world, post):
                yield Violation("I1", "lost", f"{op} ({post.began.what}) was acknowledged: {post.ended}")
        elif post.ended.outcome == "fail" and stored and stored[-1]:
            # In the log as it was when it was refused; what a future held that was lost by then isn't held to it.
            yield Violation("I1", "refused_but_stored", f"{op} ({post.began.what}): {post.ended.code}")


def _is_there(post: Post, place: Place) -> bool:
    """Whether it is where the `ok` said; of an act that makes two events the `ok` names the last."""
    after = post.ended.seq - place.event.seq
    return place.conv == post.ended.conv and 0 <= after <= (post.began.what in {"release", "reopen"})


def _as_it_was_sent(world: World, op: str, conv: str, event: Event) -> Iterator[Violation]:
    """A message in the log is what its client wrote, by whom, in whose tenant."""
    body = event.body
    if body["type"] != "message.added" or body["by"]["kind"] not in {"visitor", "agent"}:
        return
    post = world.posts.get(op)
    if post is None:
        yield Violation("I1", "invented", f"{op} in {conv} was sent by nobody")
        return
    viewer = world.viewers[post.began.viewer]
    sent = (post.began.text, viewer.person, viewer.tenant)
    if (body["text"], body["by"]["id"], body["tenant"]) != sent:
        yield Violation("I1", "changed", f"{op} in {conv}: {body} is not {sent}")


def _was_theirs_already(world: World, post: Post) -> bool:
    """Whether a `take` was answered with `ok` because it was true already, which stores nothing."""
    if post.began.what != "take":
        return False
    agent = world.viewers[post.began.viewer].person
    for number in world.alive(post.began.at, post.ended.at):
        state = State()
        for event in world.conversation(post.began.conv, number):
            if event.seq <= post.ended.seq:
                state.take(event.body)
        if state.owner == agent:
            return True
    return False


# --- I2, I3 ---------------------------------------------------------------------------------------


def one_gapless_order(world: World) -> Iterator[Violation]:
    """Each viewer's sequence is a gapless run of one future of the log, and goes to its end for who still looks."""
    for run in world.runs:
        is_visitor = world.viewers[run.viewer].kind == "visitor"
        ids = [event for _, event in run.shown]
        if len(ids) != len(set(ids)):
            twice = next(one for one in ids if ids.count(one) > 1)
            yield Violation("I2", "shown_twice", f"{run.viewer} of {run.conv}: {twice}")
            continue
        verdicts = [_against(world, run, n, is_visitor=is_visitor) for n in range(len(world.branches))]
        if all(verdicts):
            # It fits no future of the log: say what is wrong with the one that it fits best.
            yield min((v for v in verdicts if v), key=lambda v: _MILDEST.index(v.name))


_MILDEST = ["behind", "late_start", "gap", "swapped", "shown_wrongly"]


def _against(world: World, run: Run, branch: int, *, is_visitor: bool) -> Violation | None:
    stored = world.conversation(run.conv, branch)
    visible = [event for event in stored if not is_visitor or is_shown(event.body)]
    places = {(event.seq, event.id): n for n, event in enumerate(visible)}
    found = [places.get(one, -1) for one in run.shown]
    wrong = ""
    if -1 in found:
        wrong = "shown_wrongly"
    elif found != sorted(found):
        wrong = "swapped"
    elif found and found != list(range(found[0], found[0] + len(found))):
        wrong = "gap"
    elif found and found[0] > _newest(stored):
        wrong = "late_start"
    elif run.reached and stored and _is_behind(world, run, branch, visible, found):
        wrong = "behind"
    return Violation("I3", wrong, f"{run.viewer} of {run.conv}: {_first_wrong(run, found)}") if wrong else None


def _newest(stored: list[Event]) -> int:
    """The latest event at which a viewer who knew nothing may begin: a page of the newest, by count and by bytes."""
    size = 0
    for back, event in enumerate(reversed(stored), start=1):
        size += len(event.body.get("text", "").encode()) + OTHER_BYTES
        if back >= NEWEST or size > NEWEST_BYTES:
            return len(stored) - back
    return 0


def _is_behind(world: World, run: Run, branch: int, visible: list[Event], found: list[int]) -> bool:
    """Whether who still looks doesn't stand at the end of the log as it is now."""
    now = world.conversation(run.conv, world.last)
    is_whole = found[-1] == len(visible) - 1 if found else not visible
    return not is_whole or not now or run.reached[-1].seq != now[-1].seq or world.conversation(run.conv, branch) != now


def _first_wrong(run: Run, found: list[int]) -> str:
    for n, place in enumerate(found):
        if place < 0 or (n and place != found[n - 1] + 1):
            return f"event {n} of {len(found)}, {run.shown[n]}, is number {place} there; before it {found[:n][-3:]}"
    return f"shows {found[:1]} to {found[-1:]}, reached {run.reached}"


def completed_before_stands_before(world: World) -> Iterator[Violation]:
    """A post that was answered before another began has the lower sequence."""
    for number, conv in world.looks():
        stored = world.conversation(conv, number)
        first_places = {event.id: event.seq for event in reversed(stored)}
        posts = [(seq, world.posts[op]) for op, seq in first_places.items() if op in world.posts]
        # What was lost with a future and was sent again into the next one stands where it came then.
        places = {event.id: event for event in reversed(stored)}
        theirs = [one for one in posts if world.is_of(one[1], conv, places[one[1].began.op], number)]
        answered = sorted((one for one in theirs if one[1].is_ok), key=lambda one: one[1].ended.at)
        times = [post.ended.at for _, post in answered]
        highest: list[tuple[int, Post]] = []
        for one in answered:
            highest.append(max(highest[-1], one, key=lambda seq_and_post: seq_and_post[0]) if highest else one)
        for seq, post in posts:
            before = bisect_right(times, post.began.at)
            if before and highest[before - 1][0] > seq:
                first = highest[before - 1][1].ended
                yield Violation("I3", "order_in_time", f"{first} was answered before {post.began} began, at {seq}")


def is_shown(event: Mapping[str, Any]) -> bool:
    """Whether a visitor may see an event."""
    return event["type"] in SHOWN_TO_VISITORS and not event.get("note")


# --- I4 -------------------------------------------------------------------------------------------


def decisions_are_single(world: World) -> Iterator[Violation]:
    """Never two owners, and every transition legal, in each future of the log."""
    for number, conv in world.looks():
        state = State()
        for event in world.conversation(conv, number):
            before = (state.status, state.owner)
            if wrong := state.take(event.body):
                yield Violation("I4", wrong, f"{conv} at {event.seq} was {before}: {event.body}")
                break


# --- I5, I6 ---------------------------------------------------------------------------------------


def tenants_are_islands(world: World) -> Iterator[Violation]:
    """What a session receives carries its tenant's canary and no other; who showed something did receive it."""
    carried: dict[str, set[str]] = defaultdict(set)
    for record in world.rest:
        if isinstance(record, h.Carried):
            carried[record.viewer].add(record.tenant)
    for viewer in world.viewers.values():
        if foreign := carried[viewer.viewer] - {viewer.tenant}:
            yield Violation("I5", "leaked", f"{viewer} received {foreign}")
    for run in world.runs:
        if run.shown and not carried[run.viewer]:
            yield Violation("I5", "no_canary", f"{run.viewer} showed events without any canary")
    for number, conv in world.looks():
        tenants = {event.body["tenant"] for event in world.branches[number].events[conv]}
        if len(tenants) > 1:
            yield Violation("I5", "leaked", f"{conv} holds events of {tenants}")


def nobody_waits_on_a_ghost(world: World) -> Iterator[Violation]:
    """At the end no absent agent owns an open conversation, and none is queued while one who is there has room."""
    crew = {(r.tenant, r.agent): r for r in world.rest if isinstance(r, h.Crew)}
    if not crew:
        return
    owned: dict[tuple[str, str], int] = defaultdict(int)
    queued: dict[str, list[str]] = defaultdict(list)
    for conv, stored in world.branches[world.last].events.items():
        state = State()
        for event in stored:
            state.take(event.body)
        tenant = stored[0].body["tenant"]
        if state.status == "queued":
            queued[tenant].append(conv)
        elif state.status == "open":
            owned[tenant, state.owner] += 1
            owner = crew.get((tenant, state.owner))
            if owner is None or not owner.present:
                yield Violation("I6", "ghost", f"{conv} belongs to {state.owner}, who isn't there")
    for agent in crew.values():
        waiting, has = queued[agent.tenant], owned[agent.tenant, agent.agent]
        if agent.present and waiting and has < agent.capacity:
            yield Violation("I6", "waits_with_room", f"{agent} has {has}; {len(waiting)} wait, among them {waiting[0]}")


# --- I10, I11, I12 --------------------------------------------------------------------------------


def projections_are_disposable(kept: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> Iterator[Violation]:
    """A projection that was deleted and built again is what it was."""
    for key in sorted(kept.keys() | rebuilt.keys()):
        if kept.get(key) != rebuilt.get(key):
            yield Violation("I10", "projection_differs", f"{key}: {_differing(kept.get(key), rebuilt.get(key))}")


def _differing(before: Any, after: Any) -> str:
    """The fields of two records that differ, since the others fill a page."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{before} became {after}"
    names = [name for name in before | after if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name)} became {after.get(name)}" for name in names)


def bounded(world: World) -> Iterator[Violation]:
    """Every figure that was measured is within its bound."""
    for record in world.rest:
        if isinstance(record, h.Measured) and record.value > record.most:
            yield Violation("I11", "grew", f"{record}")


def unavailable_beats_wrong(world: World) -> Iterator[Violation]:
    """Without the log nothing is acknowledged, posts are refused fast with a stable code, `/readyz` says no."""
    outages = [r for r in world.rest if isinstance(r, h.Outage)]
    refusals: dict[str, list[h.Refused]] = defaultdict(list)
    for record in world.rest:
        if isinstance(record, h.Refused):
            refusals[record.op].append(record)
        elif isinstance(record, h.Probed) and record.ready:
            for outage in outages:
                if outage.since + SETTLE_S <= record.at <= outage.until:
                    yield Violation("I12", "ready_in_outage", f"{record} in {outage}")
    for op, post in world.posts.items():
        for outage in outages:
            if outage.since <= post.began.at <= outage.until:
                yield from _in_outage(outage, op, post, refusals[op])


def _in_outage(outage: h.Outage, op: str, post: Post, refusals: list[h.Refused]) -> Iterator[Violation]:
    if post.is_ok and post.ended.at <= outage.until and post.began.what == "send":
        yield Violation("I12", "acknowledged_in_outage", f"{op}: {post.ended}")
    during = [r for r in refusals if r.at <= outage.until and r.code not in OF_THE_CLIENT]
    if any(r.code not in UNAVAILABLE for r in during):
        yield Violation("I12", "other_code_in_outage", f"{op}: {during}")
    is_long = outage.until - post.began.at > REFUSED_WITHIN_S and post.ended.at > outage.until
    if is_long and not any(r.at - post.began.at <= REFUSED_WITHIN_S for r in during):
        yield Violation("I12", "silent_in_outage", f"{op} began {post.began.at} in {outage}")
