"""What is made of events: for each stream of the log how many messages each tenant had, kept in the stream's cursor."""

from collections import Counter
from collections.abc import Mapping, Sequence

from prometheus_client import Gauge

from backbone.decide import parse_tolerant
from backbone.events import MessageAdded
from backbone.follow import Adapter, Cursor, Entry, Refusal, each
from trunkline_sample.settings import Settings

_messages = Gauge("trunkline_sample_messages", "Messages in the log.")


class Sample(Adapter):
    """Counts messages by tenant."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._counts: dict[str, Counter[str]] = {}

    async def restore(self, cursors: Mapping[str, Cursor]) -> Mapping[str, int]:
        """Goes on from what each cursor holds."""
        self._counts = {s: Counter(cursor.state) for s, cursor in cursors.items()}
        return await super().restore(cursors)

    async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
        """Counts each; what is no event goes to DEAD."""
        return each(entries, self._count)

    def _count(self, entry: Entry) -> None:
        event = parse_tolerant(entry.raw)
        if isinstance(event, MessageAdded) and (self._settings.notes or not event.note):
            self._counts.setdefault(entry.s, Counter())[event.tenant] += 1

    def state(self, stream: str) -> dict[str, int]:
        """What the stream's cursor is to hold."""
        return self._counts.get(stream, Counter())

    async def tick(self, now: float) -> None:
        """Tells how many there are."""
        del now
        _messages.set(sum(sum(counts.values()) for counts in self._counts.values()))
