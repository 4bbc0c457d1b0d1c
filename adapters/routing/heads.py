"""The projection: heads of conversations folded from the log, and what of them must be written. Pure.

It can be thrown away and rebuilt: the same events make the same heads.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from msgspec import structs

from backbone import events as ev
from backbone.conversation import Head, empty, fold
from backbone.decide import is_lifecycle, parse_tolerant
from backbone.nats import subjects
from backbone.nats.reader import Entry


class Projection:
    """Heads and agents' chosen states of one group of tenants."""

    def __init__(self, group: int, groups: int) -> None:
        self._group = group
        self._groups = groups
        self._mine: dict[str, bool] = {}
        self.heads: dict[str, Head] = {}
        self.states: dict[tuple[str, str], ev.AgentStateChanged] = {}
        self.open: Counter[tuple[str, str]] = Counter()
        self.queued: dict[str, set[str]] = {}
        self.urgent: set[str] = set()
        self.changed: set[str] = set()
        self.reopening: dict[str, str] = {}
        self.strangers: dict[str, str] = {}
        self.left_queue: list[int] = []
        """Since when (UTC ms) those waited that somebody has taken since; whoever measures that takes them out."""

        self.is_stirred = False
        """Whether something came that a decision may follow from; whoever decides takes it back."""

    def restore(self, head: Head) -> None:
        """A head as the bucket had it."""
        if self.is_mine(head.tenant):
            self._set(head)

    def restore_reopening(self, state: Any) -> None:
        """What a cursor carried: conversations that wait to be reopened, by the message."""
        for conv, message in (state if isinstance(state, dict) else {}).items():
            if conv in self.heads and self.heads[conv].status == "resolved":
                self.reopening[conv] = str(message)
                self.is_stirred = True

    def take(self, entry: Entry, epoch: int) -> None:
        """Folds one event of the log. Raises msgspec.DecodeError or ValueError for what isn't one."""
        subject = subjects.parse_chat(entry.subject)
        if not self.is_mine(subject.tenant):
            return
        event = parse_tolerant(entry.raw)
        if subject.channel == subjects.DESK:
            if isinstance(event, ev.AgentStateChanged):
                self.states[event.tenant, event.agent] = event
                self.is_stirred = True
            return
        known = self.heads.get(subject.conv)
        if known is None and not isinstance(event, ev.ConversationOpened):
            # Its head went when it was closed for good, or its beginning lies before what is read.
            self.strangers[subject.conv] = subject.tenant
            return
        head = fold(known or empty(subject.tenant, subject.channel, subject.conv), event, entry.seq, epoch)
        if head is known:
            if entry.seq == head.seq and epoch > head.epoch:
                # A decision of our own was adopted with the epoch of what it followed; the log says which it is of.
                self._set(structs.replace(head, epoch=epoch))
                self.changed.add(head.conv)
            # Heads are written before cursors: after a kill the head has the event, and nobody may have acted on it.
            self._note_reopening(head, event)
            return
        self._set(head)
        self.changed.add(head.conv)
        if is_lifecycle(event):
            self.urgent.add(head.conv)
            self.is_stirred = True
        self._note_reopening(head, event)

    def _note_reopening(self, head: Head, event: ev.Event | ev.Envelope) -> None:
        """A customer's message behind the resolution wants it reopened, until that or another resolution is read."""
        if head.status != "resolved" or isinstance(event, ev.ConversationResolved | ev.ConversationReopened):
            self.reopening.pop(head.conv, None)
        elif _is_from_visitor(event):
            self.reopening[head.conv] = event.id
            self.is_stirred = True

    def drop(self, conv: str) -> None:
        """Forgets a conversation that is closed for good."""
        head = self.heads.pop(conv, None)
        if head is not None:
            self._count(head, -1)
        self.changed.discard(conv)
        self.urgent.discard(conv)
        self.reopening.pop(conv, None)

    def adopt(self, head: Head) -> None:
        """The head after a decision of our own, ahead of its coming back by the log."""
        known = self.heads.get(head.conv)
        if known is None or head.seq > known.seq:
            self._set(head)
            self.changed.add(head.conv)
            self.urgent.add(head.conv)

    def is_mine(self, tenant: str) -> bool:
        """Whether a tenant belongs to this process's group."""
        mine = self._mine.get(tenant)
        if mine is None:
            number = int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:4])
            mine = self._mine[tenant] = number % self._groups == self._group
        return mine

    def owned_by(self, tenant: str, agent: str) -> list[Head]:
        """Open conversations of an agent."""
        return [h for h in self.heads.values() if h.agent == agent and h.tenant == tenant and h.status == "open"]

    def _set(self, head: Head) -> None:
        old = self.heads.get(head.conv)
        if old is not None:
            self._count(old, -1)
            if old.status == "queued" and old.queue is not None and head.status == "open":
                self.left_queue.append(old.queue.at)
        self.heads[head.conv] = head
        self._count(head, 1)

    def _count(self, head: Head, step: int) -> None:
        if head.status == "open" and head.agent:
            self.open[head.tenant, head.agent] += step
        elif head.status == "queued":
            queued = self.queued.setdefault(head.tenant, set())
            if step > 0:
                queued.add(head.conv)
            else:
                queued.discard(head.conv)


def _is_from_visitor(event: ev.Event | ev.Envelope) -> bool:
    return isinstance(event, ev.MessageAdded) and event.by.kind in {"visitor", "provider"} and not event.note
