"""A system that keeps every promise, in memory: makes histories and logs that are right, for a test to spoil."""

from __future__ import annotations

import itertools
from typing import Any

from tests.faults import history as h
from tests.faults.checker import NEWEST, is_shown
from tests.faults.world import Branch, Event, World, gather

TENANTS = ("main", "acme")


class Perfect:
    """Visitors `v0`.. and agents `a0`.. of two tenants by turns; conversations of one stream, `00`."""

    def __init__(self, visitors: int = 2, agents: int = 2) -> None:
        self.records: list[h.AnyRecord] = []
        self.log: dict[str, list[Event]] = {}
        self.branches: list[Branch] = []
        self.since = 0.0
        self._at = 0.0
        self._seq = 0
        self._ids = itertools.count(1)
        self._looks: dict[tuple[str, str], int] = {}
        self._kind = {f"v{n}": "visitor" for n in range(visitors)} | {f"a{n}": "agent" for n in range(agents)}
        for viewer in self._kind:
            self.records.append(h.Viewer(viewer, self.tenant(viewer), self._kind[viewer], f"person-{viewer}"))
            self.records.append(h.Carried(viewer, self.tenant(viewer)))

    def tenant(self, viewer: str) -> str:
        """Whose session it is."""
        return TENANTS[int(viewer[1:]) % 2]

    def now(self) -> float:
        """A later time at each call."""
        self._at += 1.0
        return self._at

    # --- what people do -------------------------------------------------------------------------

    def say(self, viewer: str, conv: str, outcome: h.Outcome = "ok") -> str:
        """A message, in a conversation that it opens if there is none; returns its id."""
        op = f"m{next(self._ids)}"
        text = f"{h.CANARY}{self.tenant(viewer)} {op}"
        self.records.append(h.Invoked(self.now(), op, viewer, "send", conv, text))
        if outcome != "fail":
            if conv not in self.log:
                self.store(conv, "conversation.opened", f"opened-{op}", self.tenant(viewer))
            actor = {"kind": self._kind[viewer], "id": self.person(viewer)}
            self.store(conv, "message.added", op, self.tenant(viewer), by=actor, text=text)
        self.end(op, outcome, conv)
        return op

    def act(self, viewer: str, conv: str, what: str, **body: Any) -> str:
        """A decision, legal or not: the one who asks sees to it."""
        op = f"d{next(self._ids)}"
        self.records.append(h.Invoked(self.now(), op, viewer, what, conv))
        agent = f"person-{viewer}"
        match what:
            case "take":
                self.store(conv, "queue.left", f"left-{op}", self.tenant(viewer))
                body = {"agent": agent, "reason": {"rule": "take"}, **body}
                self.store(conv, "conversation.assigned", op, self.tenant(viewer), **body)
            case "release":
                self.store(conv, "conversation.released", op, self.tenant(viewer), agent=agent)
                self.store(conv, "queue.entered", f"entered-{op}", self.tenant(viewer))
            case _:
                self.store(conv, f"conversation.{what}d", op, self.tenant(viewer), **body)
        self.end(op, "ok", conv)
        return op

    def end(self, op: str, outcome: h.Outcome, conv: str) -> None:
        """The answer to a post."""
        seq = next((e.seq for e in self.log.get(conv, []) if e.id == op), 0)
        if outcome != "unknown":
            self.records.append(
                h.Completed(self.now(), op, outcome, conv, seq, "conflict" if outcome == "fail" else "")
            )

    def store(self, conv: str, kind: str, event: str, tenant: str, **body: Any) -> None:
        """An event, shown to all who look."""
        self._seq += 1
        stored = Event(self._seq, event, {"type": kind, "id": event, "tenant": tenant, **body})
        self.log.setdefault(conv, []).append(stored)
        for viewer, looked_at in self._looks:
            if looked_at == conv:
                self._show(viewer, conv, stored)

    def look(self, viewer: str, conv: str, why: Any = "sub") -> None:
        """A viewer begins to show a conversation."""
        self.records.append(h.Began(self.now(), viewer, conv, why))
        self._looks[viewer, conv] = self._seq
        for event in self.log.get(conv, [])[-NEWEST:]:
            self._show(viewer, conv, event)

    def leave(self, viewer: str, conv: str) -> None:
        """A viewer looks no longer."""
        self._looks.pop((viewer, conv), None)

    def roll_back(self, cut: int) -> None:
        """The log is put back to sequence `cut`; who showed what was lost begins again."""
        until = self.now()
        tail = {conv: [e for e in events if e.seq > cut] for conv, events in self.log.items()}
        tail = {conv: events for conv, events in tail.items() if events}
        self.branches.append(Branch(self.since, until, {"00": cut}, tail))
        self.log = {conv: [e for e in events if e.seq <= cut] for conv, events in self.log.items()}
        self.log = {conv: events for conv, events in self.log.items() if events}
        self.since = self.now()
        self._seq = cut
        for viewer, conv in list(self._looks):
            if conv in tail:
                self.look(viewer, conv, "resync")

    def say_again(self, viewer: str, op: str, *, code: str = "") -> None:
        """A message is sent again by a device of its person: told where it is, or stored anew where it was lost."""
        began = self.now()
        first = next(r for r in self.records if isinstance(r, h.Invoked) and r.op == op)
        places = {e.id: (conv, e.seq) for conv, events in self.log.items() for e in events}
        if op not in places and not code:
            actor = {"kind": self._kind[viewer], "id": self.person(viewer)}
            if first.conv not in self.log:
                self.store(first.conv, "conversation.opened", f"opened-{op}", self.tenant(viewer))
            self.store(first.conv, "message.added", op, self.tenant(viewer), by=actor, text=first.text)
            places = {e.id: (conv, e.seq) for conv, events in self.log.items() for e in events}
        conv, seq = ("", 0) if code else places[op]
        outcome: h.Outcome = "fail" if code else "ok"
        self.records.append(h.Resent(began, self.now(), op, viewer, 86_400.0, outcome, conv, seq, code))

    def second_device(self, viewer: str) -> str:
        """Another viewer of the same person; shows what they look at from now on."""
        name = f"{viewer}0"
        self._kind[name] = self._kind[viewer]
        self.records.append(h.Viewer(name, self.tenant(viewer), self._kind[viewer], self.person(viewer)))
        self.records.append(h.Carried(name, self.tenant(viewer)))
        return name

    def person(self, viewer: str) -> str:
        """Whose device it is: `v00` is one of `v0`."""
        return f"person-{viewer[:2] if len(viewer) > 2 and viewer.endswith('0') else viewer}"

    # --- what the checker gets ------------------------------------------------------------------

    def world(self) -> World:
        """The history so far, and the log."""
        reached: list[h.AnyRecord] = [
            h.Reached(viewer, conv, 1, self.log[conv][-1].seq) for viewer, conv in self._looks if self.log.get(conv)
        ]
        reached = [*[h.Here(viewer) for viewer in self._kind], *reached]
        last = Branch(self.since, float("inf"), {}, self.log)
        return gather([*self.records, *reached], [*self.branches, last])

    def _show(self, viewer: str, conv: str, event: Event) -> None:
        if self._kind[viewer] == "agent" or is_shown(event.body):
            self.records.append(h.Applied(viewer, conv, 1, event.seq, event.id))
