"""The whole log in a file, and back: what the checker compares a history with."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from backbone.nats import subjects
from backbone.nats.epochs import stream_state
from backbone.nats.link import Link
from backbone.nats.reader import Reader
from backbone.nats.streams import chat_stream
from tests.faults.world import Event

READ_WITHIN_S = 300.0


class Line(Struct, frozen=True, array_like=True):
    """One stored event: its stream, sequence, subject and bytes as text."""

    s: str
    seq: int
    subject: str
    raw: str


async def lasts(link: Link, streams: list[str]) -> dict[str, int]:
    """The last sequence of each stream now."""
    return {s: (await stream_state(link, chat_stream(s))).last for s in streams}


async def dump(link: Link, path: Path, after: Mapping[str, int]) -> int:
    """Writes what each stream of `after` holds beyond its sequence there; returns how many events.

    Raises TimeoutError after 300 s.
    """
    ends = await lasts(link, list(after))
    left = {s: last for s, last in ends.items() if last > after[s]}
    count = 0
    reader = Reader(link, {s: after[s] + 1 for s in left})
    encode = msgspec.json.Encoder().encode
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            with path.open("wb") as file:
                while left:
                    for entry in await reader.read():
                        if entry.s in left and entry.seq <= ends[entry.s]:
                            file.write(encode(Line(entry.s, entry.seq, entry.subject, entry.raw.decode())) + b"\n")
                            count += 1
                        if entry.seq >= ends[entry.s]:
                            left.pop(entry.s, None)
    finally:
        await reader.close()
    return count


def load(path: Path) -> dict[str, list[Event]]:
    """Events by conversation, without those that belong to none."""
    decoder = msgspec.json.Decoder(Line)
    found: dict[str, list[Event]] = defaultdict(list)
    with path.open("rb") as file:
        for text in file:
            line = decoder.decode(text)
            subject = subjects.parse_chat(line.subject)
            if subject.channel != subjects.DESK:
                body = msgspec.json.decode(line.raw)
                found[subject.conv].append(Event(line.seq, body["id"], body))
    return dict(found)
