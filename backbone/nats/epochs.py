"""Epochs: stretches of a stream's sequences (docs/log.md).

A stream's `metadata.epoch` lists `<epoch>@<first sequence>`, comma-separated, ascending. An epoch is the
Unix second of its beginning. A watermark (epoch, seq) holds if its sequence lies below the beginning of the epoch
that followed. Pure, but for `stream_state` and `begin`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from backbone.nats.link import Link
from backbone.nats.streams import EPOCH_KEY

STRETCHES_MOST: Final = 128


class Epochs(NamedTuple):
    """The stretches of one stream, ascending: (epoch, first sequence)."""

    stretches: tuple[tuple[int, int], ...]

    @property
    def now(self) -> int:
        """The epoch that new events belong to."""
        return self.stretches[-1][0]

    def number(self, seq: int) -> int:
        """The epoch of a stored sequence."""
        for epoch, first in reversed(self.stretches):
            if seq >= first:
                return epoch
        return self.stretches[0][0]

    def holds(self, epoch: int, seq: int) -> bool:
        """Whether whoever read up to `seq` in `epoch` has read what the stream still holds.

        What an epoch had at or beyond the beginning of the next one was lost; all below it stayed. So a
        reader goes from one epoch's events to the next one's without beginning anew.
        """
        for number, (known, _) in enumerate(self.stretches):
            if known == epoch:
                return number + 1 == len(self.stretches) or seq < self.stretches[number + 1][1]
        return False


class StreamState(NamedTuple):
    """A stream as it is now: first and last sequence (first = last + 1 if empty) and its epochs."""

    first: int
    last: int
    epochs: Epochs


def parse(text: str) -> Epochs:
    """Reads `metadata.epoch`. Raises ValueError for anything else."""
    stretches = []
    for part in text.split(","):
        epoch, _, first = part.strip().partition("@")
        stretches.append((int(epoch), int(first)))
    if stretches != sorted(stretches, key=lambda s: s[1]):
        msg = f"epochs aren't ascending: {text}"
        raise ValueError(msg)
    return Epochs(tuple(stretches))


def render(epochs: Epochs) -> str:
    """What `parse` reads."""
    return ",".join(f"{epoch}@{first}" for epoch, first in epochs.stretches)


def after_rollback(epochs: Epochs, last: int, now_s: int) -> Epochs:
    """The epochs of a stream whose last sequence is below one that was seen: a new one begins at last + 1.

    Stretches that began beyond `last` never were; the new number is above every old one. Of more than `STRETCHES_MOST`
    the oldest are forgotten: whoever comes with a position of theirs is told to begin again.
    """
    kept = tuple(s for s in epochs.stretches if s[1] <= last)[1 - STRETCHES_MOST :]
    number = max([now_s, *(e + 1 for e, _ in epochs.stretches)])
    return Epochs((*kept, (number, last + 1)))


async def stream_state(link: Link, stream: str) -> StreamState:
    """State of the stream named `stream` (`CHAT_00`). Raises ApiError if there is none."""
    info = await link.api(f"STREAM.INFO.{stream}", {})
    return state_of(info)


def state_of(info: dict[str, Any]) -> StreamState:
    """The state in a STREAM.INFO answer."""
    state, config = info["state"], info["config"]
    text = (config.get("metadata") or {}).get(EPOCH_KEY) or "0@1"
    return StreamState(state["first_seq"], state["last_seq"], parse(text))


async def begin(link: Link, stream: str, seen_epoch: int, seen_last: int, now_s: int) -> StreamState:
    """Begins a new epoch if the stream ends below `seen_last`, a sequence seen in it in `seen_epoch` (0: unknown).

    Returns the state with the epochs now in force. Safe to call from several processes: who comes second
    finds the new epoch and leaves it.
    """
    for _ in range(3):
        info = await link.api(f"STREAM.INFO.{stream}", {})
        state = state_of(info)
        if seen_epoch and any(epoch > seen_epoch and at <= seen_last for epoch, at in state.epochs.stretches):
            # Somebody was first, and the log has gone on since.
            return state
        is_begun = state.epochs.stretches[-1][1] == state.last + 1 and state.epochs.now != seen_epoch
        if state.last >= seen_last or is_begun:
            return state
        epochs = after_rollback(state.epochs, state.last, now_s)
        config = info["config"]
        config["metadata"] = {**config.get("metadata", {}), EPOCH_KEY: render(epochs)}
        await link.api(f"STREAM.UPDATE.{stream}", config)
    return await stream_state(link, stream)
