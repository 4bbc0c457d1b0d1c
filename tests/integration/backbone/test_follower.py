"""A follower on a real nats-server: what it does for an adapter whose code fails, waits, or keeps too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from backbone.errors import TrunklineError, UnavailableError
from backbone.follow import Adapter, Cursor, Entry, Follower, Refusal, Suspects, Turns, each
from backbone.nats import dead
from backbone.nats.cursors import cursors, get_cursor, put_cursor
from backbone.nats.epochs import stream_state
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream
from tests.integration.backbone.test_reader import write

pytestmark = pytest.mark.anyio

STREAMS = ["00", "01"]
QUICK = Turns(tick_s=0.02, commit_every_s=0.02)


class Counting(Adapter):
    """Counts events by stream, in its cursors."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    async def restore(self, cursors: Mapping[str, Cursor]) -> Mapping[str, int]:
        """Goes on from what they hold."""
        self.counts = {s: int(cursor.state) for s, cursor in cursors.items()}
        return await super().restore(cursors)

    async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
        """Counts each."""
        return each(entries, self.one)

    def one(self, entry: Entry) -> None:
        """Counts one."""
        self.counts[entry.s] = self.counts.get(entry.s, 0) + 1

    def state(self, stream: str) -> Any:
        """The count."""
        return self.counts.get(stream, 0)


async def followed(link: Link, make: Callable[[], Adapter], holds: Callable[[Follower], bool], **more: Any) -> Follower:
    """Follows, and begins again as a process does, until `holds`; then it is cancelled, as by a lost lease."""
    suspects = Suspects()
    async with asyncio.timeout(60):
        while True:
            follower = Follower(
                link, make(), name="counting", reader="counting", streams=STREAMS, suspects=suspects, **more
            )
            running = asyncio.create_task(follower.run())
            while not running.done() and not holds(follower):
                await asyncio.sleep(0.01)
            is_done = not running.done()
            running.cancel()
            (ended,) = await asyncio.gather(running, return_exceptions=True)
            if is_done:
                return follower
            assert isinstance(ended, ExceptionGroup), ended
            if ended.split(TrunklineError)[1]:
                raise ended


def all_kept(ends: dict[str, int]) -> Callable[[Follower], bool]:
    """Whether every cursor was written at the end of its stream."""
    return lambda follower: {s: seq for s, (_, seq) in follower._written.items()} == ends


async def lasts(link: Link) -> dict[str, int]:
    return {s: (await stream_state(link, chat_stream(s))).last for s in STREAMS}


async def kept(link: Link) -> dict[str, Cursor]:
    return {one.key.partition(".")[2]: one.value for one in await cursors(link).all("counting.*")}


async def buried(link: Link) -> set[tuple[str, int]]:
    return {(letter.stream, letter.seq) for letter in await dead.letters(link, "main", "counting")}


@pytest.mark.parametrize("at", [[3], [3, 4, 5], [1, 20, 40]])
async def test_events_that_the_code_fails_at_are_passed_over_and_nothing_half_done_is_kept(
    link: Link, at: list[int]
) -> None:
    """A batch that raised names no event, and has changed half of what is known."""
    await write(link, 120)
    ends = await lasts(link)
    assert min(ends.values()) >= 40

    class Failing(Counting):
        async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
            for entry in entries:
                self.one(entry)
                if entry.seq in at:
                    raise KeyError(entry.seq)
            return ()

        async def ended(self, *, is_valid: bool) -> None:
            # Ticks go on meanwhile, and would keep the half.
            assert not is_valid or self.counts == {s: end - len(at) for s, end in ends.items()}
            await asyncio.sleep(0.1)

    await followed(link, Failing, all_kept(ends), turns=QUICK)
    assert {s: c.state for s, c in (await kept(link)).items()} == {s: end - len(at) for s, end in ends.items()}
    assert await buried(link) == {(s, seq) for s in STREAMS for seq in at}


async def test_events_that_are_refused_go_to_dead_and_the_others_count(link: Link) -> None:
    await write(link, 60)
    ends = await lasts(link)

    class Refusing(Counting):
        def one(self, entry: Entry) -> None:
            if entry.seq % 10 == 0:
                raise ValueError(entry.seq)
            super().one(entry)

    await followed(link, Refusing, all_kept(ends), turns=QUICK)
    refused = {(s, seq) for s, end in ends.items() for seq in range(10, end + 1, 10)}
    assert await buried(link) == refused
    assert sum(cursor.state for cursor in (await kept(link)).values()) == 60 - len(refused)


@pytest.mark.parametrize("wrong", ["of another epoch", "beyond the end"])
async def test_a_cursor_that_doesnt_hold_goes_with_its_state(link: Link, wrong: str) -> None:
    """The stream was put back, and no reader of it was there to begin an epoch."""
    state = await stream_state(link, chat_stream("00"))
    epoch = state.epochs.now
    await put_cursor(link, "counting", "00", Cursor(epoch - 1, 3, 999) if "epoch" in wrong else Cursor(epoch, 50, 999))
    if "epoch" in wrong:
        await write(link, 60)
    caught_up = await followed(link, Counting, lambda follower: not follower.problem(), turns=QUICK)
    if "end" in wrong:
        assert caught_up.lasts() == {}
        await write(link, 60)
    ends = await lasts(link)
    await followed(link, Counting, all_kept(ends), turns=QUICK)
    assert {s: cursor.state for s, cursor in (await kept(link)).items()} == ends


async def test_an_event_isnt_blamed_for_a_log_that_is_away(link: Link) -> None:
    await write(link, 20)
    ends, tries = await lasts(link), []

    class Waiting(Counting):
        async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
            tries.append(len(entries))
            if len(tries) < 3:
                raise UnavailableError(message="The log is away.")
            return await super().take(entries)

    await followed(link, Waiting, lambda follower: follower.lasts() == ends, turns=QUICK)
    assert await buried(link) == set()
    assert set(tries[:2]) != {1}, "it was taken by single events, as if one were to blame"


async def test_what_a_cursor_holds_is_never_of_the_middle_of_a_batch(link: Link) -> None:
    """Else a kill behind it would count the first half of the batch twice."""
    await write(link, 200)
    ends = await lasts(link)
    seen: list[Cursor] = []

    class Slow(Counting):
        async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
            for entry in entries:
                self.one(entry)
                await asyncio.sleep(0.002)
            return ()

        async def commit(self, cursors: Mapping[str, Cursor]) -> None:
            seen.extend(cursors.values())

    slow = Turns(events=20, tick_s=0.005, commit_every_s=0.005)
    await followed(link, Slow, lambda follower: follower.lasts() == ends, turns=slow)
    assert len(seen) > 5
    assert [cursor.seq for cursor in seen] == [int(bytes(cursor.state)) for cursor in seen]


async def test_an_adapter_at_work_is_given_no_more_than_the_buffer_holds(link: Link) -> None:
    await write(link, 150)
    is_free, most = asyncio.Event(), []

    class Busy(Counting):
        async def take(self, entries: Sequence[Entry]) -> Sequence[Refusal]:
            await is_free.wait()
            return await super().take(entries)

    def holds(follower: Follower) -> bool:
        most.append(follower._reader.buffered if follower._reader else 0)
        if len(most) > 30:
            is_free.set()
        return sum(follower.lasts().values()) == 150

    await followed(link, Busy, holds, turns=Turns(events=10, buffered=20))
    assert 0 < max(most) <= 20


async def test_a_state_that_no_cursor_holds_is_told_and_reading_goes_on(link: Link) -> None:
    await write(link, 20)

    class Hoarding(Counting):
        def state(self, stream: str) -> Any:
            return "x" * 200_000 + stream

    follower = await followed(
        link, Hoarding, lambda f: "Keep less in the cursor" in (f.problem() or "") and not f.unread, turns=QUICK
    )
    assert sum(follower.lasts().values()) == 20
    assert await kept(link) == {}


@pytest.mark.parametrize("keeps_more", [True, False])
async def test_after_a_roll_back_cursors_stay_that_hold_unless_more_is_kept_beside_them(
    link: Link, *, keeps_more: bool
) -> None:
    await write(link, 60)
    ends = await lasts(link)
    told: list[str] = []

    class Told(Counting):
        async def rolled_back(self, stream: str) -> bool:
            told.append(stream)
            return keeps_more

    await followed(link, Told, all_kept(ends), turns=QUICK)
    follower = Follower(link, Told(), name="counting", reader="counting", streams=STREAMS, turns=QUICK)
    running = asyncio.create_task(follower.run())
    async with asyncio.timeout(20):
        while follower.problem():
            await asyncio.sleep(0.01)
        # The stream is made anew, as one that was lost: it ends below what was read of it.
        config = (await link.api("STREAM.INFO.CHAT_00", {}))["config"]
        await link.api("STREAM.DELETE.CHAT_00", {})
        await link.api("STREAM.CREATE.CHAT_00", config)
        await asyncio.wait({running})
    assert "log.rolled_back" in {e.code for e in running.exception().exceptions}  # type: ignore[union-attr]
    assert told == ["00"]
    assert (await get_cursor(link, "counting", "01") is None) == keeps_more
    await followed(link, Told, all_kept({"01": ends["01"]}), turns=QUICK)
    assert (await kept(link))["01"].state == ends["01"]
