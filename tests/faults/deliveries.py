"""What a platform accepted against what the log says became of it: pure, and slow to believe.

I2, I3 and I7 for messages that leave the system, and I1 to I3 for those that come into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from tests.faults.world import Event, Violation

Ending = Literal["sent", "failed", "unknown", "pending"]

OUT = frozenset({"accepted", "sent", "delivered", "read"})


class Send(NamedTuple):
    """A message of ours and what the log says became of it; `reason` of a failure, its code and text."""

    event: str
    peer: str
    text: str
    end: Ending
    code: str = ""
    reason: str = ""


class Traffic(NamedTuple):
    """All sends in the order of the log; by peer, what its platform accepted of us, in order; reasons of dead
    letters by event; by peer, what customers wrote that was answered with 2xx, in order, and what of it the log holds.
    """

    sends: Sequence[Send]
    accepted: Mapping[str, Sequence[str]]
    dead: Mapping[str, str]
    told: Mapping[str, Sequence[str]]
    heard: Mapping[str, Sequence[str]]


def check(traffic: Traffic) -> list[Violation]:
    """Everything that breaks a promise. Texts are unique among all messages of a traffic."""
    return [*_sent_once(traffic), *_in_order(traffic), *_all_have_an_end(traffic), *_all_is_heard(traffic)]


def end_of(updates: Sequence[Mapping[str, Any]]) -> tuple[Ending, str, str]:
    """What the `delivery.updated` of one message come to, with code and reason of a failure."""
    states = {update["state"] for update in updates}
    if states & OUT:
        return "sent", "", ""
    for update in updates:
        error = update.get("error") or {}
        if update["state"] == "failed" and error.get("final", False):
            return "failed", error.get("code", ""), error.get("text", "")
    return ("unknown" if "unknown" in states else "pending"), "", ""


def sends_of(log: Mapping[str, Sequence[Event]], peers: Mapping[str, str]) -> list[Send]:
    """The agents' messages of a log with their ends, in the order of each conversation; `peers` by conversation."""
    found = []
    for conv, events in log.items():
        updates: dict[str, list[Mapping[str, Any]]] = {}
        for event in events:
            if event.body["type"] == "delivery.updated":
                updates.setdefault(event.body["target"], []).append(event.body)
        found += [
            Send(event.id, peers[conv], event.body["text"], *end_of(updates.get(event.id, [])))
            for event in events
            if event.body["type"] == "message.added" and event.body["by"]["kind"] == "agent"
        ]
    return found


# --- I2, I3 ---------------------------------------------------------------------------------------


def _sent_once(traffic: Traffic) -> Iterator[Violation]:
    known = {send.text: send for send in traffic.sends}
    for peer, texts in traffic.accepted.items():
        for text, count in Counter(texts).items():
            if count > 1:
                yield Violation("I2", "sent_twice", f"{peer} got {text} {count} times")
            if text not in known:
                yield Violation("I2", "invented", f"{peer} got {text}, which nobody wrote")
            elif known[text].peer != peer:
                yield Violation("I5", "wrong_peer", f"{peer} got {text}, which was for {known[text].peer}")


def _in_order(traffic: Traffic) -> Iterator[Violation]:
    place = {send.text: n for n, send in enumerate(traffic.sends)}
    for peer, texts in traffic.accepted.items():
        places = [place[text] for text in dict.fromkeys(texts) if text in place]
        for before, after in pairwise(places):
            if after < before:
                first, second = traffic.sends[before].text, traffic.sends[after].text
                yield Violation("I3", "swapped", f"{peer} got {first} before {second}")


# --- I7 -------------------------------------------------------------------------------------------


def _all_have_an_end(traffic: Traffic) -> Iterator[Violation]:
    got = {(peer, text) for peer, texts in traffic.accepted.items() for text in texts}
    for send in traffic.sends:
        is_there = (send.peer, send.text) in got
        if send.end == "pending":
            yield Violation("I7", "without_an_end", f"{send.text} of {send.peer}")
        elif send.end == "sent" and not is_there:
            yield Violation("I7", "lost", f"{send.text} is said to be sent, and {send.peer} never got it")
        elif send.end == "failed":
            yield from _failed_in_words(send, traffic.dead, is_there=is_there)


def _failed_in_words(send: Send, dead: Mapping[str, str], *, is_there: bool) -> Iterator[Violation]:
    if is_there:
        yield Violation("I7", "denied", f"{send.text} is said to have failed, and {send.peer} got it")
    if not send.code:
        yield Violation("I7", "silent", f"{send.text} failed for no reason")
    if send.code == "channel.gave_up" and not dead.get(send.event):
        yield Violation("I7", "not_in_dead", f"{send.text} was given up, and no dead letter says why")


# --- what comes in --------------------------------------------------------------------------------


def _all_is_heard(traffic: Traffic) -> Iterator[Violation]:
    for peer, told in traffic.told.items():
        heard = traffic.heard.get(peer, [])
        for text, count in Counter(heard).items():
            if count > 1:
                yield Violation("I2", "heard_twice", f"{text} of {peer} is there {count} times")
        if missing := set(told) - set(heard):
            yield Violation("I1", "not_heard", f"{sorted(missing)} of {peer} were answered with 2xx and aren't there")
        if [text for text in dict.fromkeys(heard) if text in set(told)] != [t for t in told if t in set(heard)]:
            yield Violation("I3", "heard_in_another_order", f"{peer} wrote {list(told)}, heard was {list(heard)}")
