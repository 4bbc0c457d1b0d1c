"""How an adapter reads the log: it says what it makes of events, a `Follower` does the rest."""

from backbone.follow.adapter import Adapter, Refusal, each
from backbone.follow.follower import Follower, RolledBackError, Turns
from backbone.follow.running import FollowSettings, follow, start
from backbone.follow.suspects import Suspects
from backbone.nats.cursors import Cursor
from backbone.nats.reader import Entry

__all__ = [
    "Adapter",
    "Cursor",
    "Entry",
    "FollowSettings",
    "Follower",
    "Refusal",
    "RolledBackError",
    "Suspects",
    "Turns",
    "each",
    "follow",
    "start",
]
