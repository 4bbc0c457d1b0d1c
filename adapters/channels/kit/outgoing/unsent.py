"""Since when the oldest message waits that a channel has taken up and nobody has taken from it yet."""

from __future__ import annotations

import time
from typing import Final

import prometheus_client

_oldest = prometheus_client.Gauge(
    "trunkline_channel_oldest_unsent_seconds",
    "Age of the oldest message that is being sent or waits for an account, a window or a time; 0 if there is none.",
    ["channel"],
)


class Unsent:
    """What isn't sent of one channel, by any key, with the time (UTC ms) since when."""

    def __init__(self, channel: str) -> None:
        self._since: Final[dict[str, int]] = {}
        _oldest.labels(channel).set_function(self.oldest_s)

    def begin(self, key: str, since: int) -> None:
        """It waits since then; again changes nothing."""
        self._since.setdefault(key, since)

    def end(self, key: str) -> None:
        """It waits no longer."""
        self._since.pop(key, None)

    def oldest_s(self) -> float:
        """Age of the oldest one in seconds. Any thread may ask."""
        oldest = min(list(self._since.values()), default=None)
        return 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
