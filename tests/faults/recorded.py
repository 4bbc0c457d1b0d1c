"""A client of the wire protocol that writes down what it asks, hears and shows."""

from __future__ import annotations

import re
import time
import uuid
from collections import deque
from typing import Any, NamedTuple

import msgspec

from backbone.ids import new_event_id
from tests.faults import history as h
from trunkline.client import Applied, Client, Frame, RefusedError, SessionEndedError

KNOWN_MOST = 200
"""Messages that a person could send again."""

_CANARY = re.compile(h.CANARY + r"([a-z0-9]+)")


class Waiting(NamedTuple):
    """A post without an answer."""

    since: float
    person: Recorded
    what: str
    conv: str


class Sent(NamedTuple):
    """A message that was acknowledged: when, its id, and the frame as it was sent."""

    at: float
    op: str
    frame: Frame


class Tally:
    """What all clients of a process have come to: for whoever watches a run."""

    def __init__(self) -> None:
        self.ok = 0
        self.fail = 0
        self.refused = 0
        self.resent = 0
        self.longest_resent_s = 0.0
        self.resyncs = 0
        self.unanswered: dict[str, Waiting] = {}

    def oldest(self, now: float) -> tuple[float, str]:
        """Age of the post that waits longest, and what is known of it."""
        waiting = min(self.unanswered.items(), key=lambda one: one[1].since, default=None)
        if waiting is None:
            return 0.0, ""
        op, (since, person, what, conv) = waiting
        known = person.client.conversations.get(conv)
        replaying = known.is_replaying if known else "not shown"
        is_live = person.client.live.is_set()
        return now - since, f"{person.who.viewer} {what} {op} in {conv!r}: {is_live=} {replaying=}"


class Recorded:
    """One device of a person on tape. Enter `async with it.client.running():` and use it in place of the client.

    `sent` is what the person could send again, whichever device wrote it.
    """

    def __init__(
        self, recorder: h.Recorder, tally: Tally, who: h.Viewer, urls: list[str], *, token: str = "", cookie: str = ""
    ) -> None:
        self.who = who
        self.sent: deque[Sent] = deque(maxlen=KNOWN_MOST)
        self.seen_texts: dict[str, str] = {}
        """The last text shown of each conversation."""
        self._recorder = recorder
        self._tally = tally
        self._carried: set[str] = set()
        self.client = Client(urls, token=token, cookie=cookie, client="faults", seen=self._seen, pushed=self._pushed)
        recorder.write(who)

    async def say(self, text: str, conv: str | None, made_s_ago: float = 0.0) -> Frame | None:
        """A message; the `ok`, or None if it was refused for good or the session ended. Its id may be of an earlier
        time, as of a page that was closed before its message went.
        """
        frame = {"t": "send", "conv": conv, "kind": "text", "text": text}
        if made_s_ago:
            frame["id"] = _id_made(made_s_ago)
        return await self._post(frame, "send")

    async def say_again(self, sent: Sent) -> None:
        """Sends a message again as it was, with its id."""
        began, key = h.now(), f"again {sent.op}"
        if key in self._tally.unanswered or sent.op in self._tally.unanswered:
            return
        self._tally.unanswered[key] = Waiting(began, self, "again", sent.frame["conv"] or "")
        outcome, answer, code = "unknown", {}, ""
        try:
            answer = await self.client.post({"id": sent.op, **sent.frame})
            outcome = "ok"
        except RefusedError as refused:
            outcome, code = "fail", refused.code
        except SessionEndedError:
            return
        finally:
            self._tally.unanswered.pop(key, None)
        self._tally.resent += 1
        self._tally.longest_resent_s = max(self._tally.longest_resent_s, began - sent.at)
        self._recorder.write(
            h.Resent(
                began=began,
                at=h.now(),
                op=sent.op,
                viewer=self.who.viewer,
                age_s=round(began - sent.at, 3),
                outcome=outcome,  # type: ignore[arg-type]
                conv=answer.get("conv", ""),
                seq=answer.get("seq", 0),
                code=code,
            )
        )

    async def act(self, conv: str, do: str, **args: Any) -> Frame | None:
        """An act; as `say`."""
        return await self._post({"t": "act", "conv": conv, "do": do, "args": args}, do)

    async def look(self, conv: str) -> None:
        """Show a conversation from now on. Raises TimeoutError."""
        if conv not in self.client.conversations:
            self._recorder.write(h.Began(h.now(), self.who.viewer, conv))
        await self.client.subscribe(conv)

    async def leave(self, conv: str) -> None:
        """Show it no longer."""
        self.seen_texts.pop(conv, None)
        await self.client.unsubscribe(conv)

    def reached(self) -> None:
        """Write down that it is there, and where each conversation stands."""
        self._recorder.write(h.Here(self.who.viewer))
        for conv, known in self.client.conversations.items():
            if known.mark is not None:
                self._recorder.write(h.Reached(self.who.viewer, conv, *known.mark))

    async def _post(self, frame: Frame, what: str) -> Frame | None:
        op = frame.pop("id", "") or new_event_id()
        conv = frame["conv"] or ""
        began = h.now()
        self._recorder.write(h.Invoked(began, op, self.who.viewer, what, conv, frame.get("text", "")))
        self._tally.unanswered[op] = Waiting(began, self, what, conv)
        try:
            ok = await self.client.post({"id": op, **frame})
        except RefusedError as refused:
            self._recorder.write(h.Completed(h.now(), op, "fail", conv, 0, refused.code))
            self._tally.fail += 1
            return None
        except SessionEndedError:
            return None
        finally:
            self._tally.unanswered.pop(op, None)
        self._recorder.write(h.Completed(h.now(), op, "ok", ok["conv"], ok["seq"]))
        self._tally.ok += 1
        if what == "send":
            self.sent.append(Sent(h.now(), op, frame))
        return ok

    def _seen(self, conv: str, applied: Applied) -> None:
        self._recorder.write(h.Applied(self.who.viewer, conv, applied.epoch, applied.seq, applied.event["id"]))
        self.seen_texts[conv] = applied.event.get("text", "")
        # It is on tape: a client that lives for an hour must not keep it too.
        self.client.conversations[conv].events.clear()

    def _pushed(self, frame: Frame) -> None:
        kind = frame["t"]
        if kind == "resync":
            self._tally.resyncs += 1
            if frame["conv"] in self.client.conversations:
                self._recorder.write(h.Began(h.now(), self.who.viewer, frame["conv"], "resync"))
        elif kind == "opened" and frame["conv"] not in self.client.conversations:
            self._recorder.write(h.Began(h.now(), self.who.viewer, frame["conv"], "opened"))
        elif kind == "err" and frame.get("retry_after_ms"):
            for op in self._refused_by(frame):
                self._tally.refused += 1
                self._recorder.write(h.Refused(h.now(), op, frame["code"]))
        for tenant in _CANARY.findall(msgspec.json.encode(frame).decode()):
            if tenant not in self._carried:
                self._carried.add(tenant)
                self._recorder.write(h.Carried(self.who.viewer, tenant))

    def _refused_by(self, frame: Frame) -> list[str]:
        """The posts that a refusal is of: its own, or those that wait until the conversation is followed anew, which a
        client that has just come back asks for first.
        """
        unanswered = self._tally.unanswered
        if frame.get("id"):
            return [frame["id"]] if frame["id"] in unanswered else []
        conv = frame.get("conv")
        return [op for op, one in unanswered.items() if conv and one.conv == conv and one.person is self]


def _id_made(seconds_ago: float) -> str:
    """A UUID of version 7 of an earlier time."""
    ms, random = int((time.time() - seconds_ago) * 1000), uuid.uuid4().int
    return str(uuid.UUID(int=ms << 80 | 7 << 76 | (random >> 64 & 0xFFF) << 64 | 2 << 62 | random & ((1 << 62) - 1)))
