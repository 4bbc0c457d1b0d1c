"""What stands in for parts of nats-py, against the real server: raw subscriptions, acknowledgements, reconnects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from nats.aio.client import Client

from backbone.acks import place_of
from backbone.errors import TooLargeError, TooManyError, TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.ids import conversation_id
from backbone.log import Log
from backbone.nats import rpc, subjects
from backbone.nats.buckets import VALUE_MOST, Bucket
from backbone.nats.link import Link
from backbone.nats.wire.header import header_block
from tests.harness.nats import NatsServer
from tests.harness.waiting import until

pytestmark = pytest.mark.anyio

HEADER = header_block(("X", "1"))


def loses_one_cancellation(attempts: list[str]) -> Callable[[], Coroutine[Any, Any, None]]:
    """What nats-py's `_select_next_server` does where `asyncio.wait_for` in it loses the first cancellation."""

    async def refused() -> None:
        attempts.append("begun")
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            if len(attempts) > 1:
                raise
        raise ConnectionRefusedError

    return refused


class Outcomes:
    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.problems: list[TrunklineError] = []

    def done(self, answer: bytes, problem: TrunklineError | None) -> None:
        """One outcome."""
        if problem:
            self.problems.append(problem)
        else:
            self.answers.append(answer)


async def test_messages_with_and_without_headers_reach_raw_and_ordinary_subscriptions(link: Link) -> None:
    raw: list[tuple[bytes, bytes, bytes | None, bytes]] = []
    ordinary = await link.subscribe("test.>")
    sid = link.subscribe_raw("test.*", lambda *message: raw.append(message))
    big = bytes(range(256)) * 2000
    link.publish_raw("test.a", b"1")
    link.publish_raw("test.b", b"2", HEADER, "answer.here")
    link.publish_raw("test.c", big, HEADER)
    link.publish_raw("test.d", b"")
    got = [await ordinary.next_msg(timeout=30) for _ in range(4)]
    assert [(m.subject, m.data) for m in got] == [("test.a", b"1"), ("test.b", b"2"), ("test.c", big), ("test.d", b"")]
    assert got[1].headers == {"X": "1"}
    await until(lambda: len(raw) == 4)
    assert raw == [
        (b"test.a", b"", None, b"1"),
        (b"test.b", b"answer.here", HEADER, b"2"),
        (b"test.c", b"", HEADER, big),
        (b"test.d", b"", None, b""),
    ]
    link.unsubscribe_raw(sid)
    link.publish_raw("test.e", b"5")
    await ordinary.next_msg(timeout=30)
    assert len(raw) == 4


async def test_every_publish_has_one_outcome_in_order(link: Link) -> None:
    outcomes = Outcomes()
    subject = subjects.chat("main", "web", conversation_id("main", "web", "somebody", "first", ["00"]))
    for number in range(500):
        link.publish_soon(subject, b"%d" % number, HEADER, outcomes.done, 5)
    await until(lambda: len(outcomes.answers) == 500)
    seqs = [int(answer.partition(b'"seq":')[2].rstrip(b"}")) for answer in outcomes.answers]
    assert seqs == list(range(seqs[0], seqs[0] + 500))
    assert not outcomes.problems


async def test_a_subject_without_a_stream_is_told_at_once(link: Link) -> None:
    outcomes = Outcomes()
    link.publish_soon("nobody.here", b"x", HEADER, outcomes.done, 5)
    await until(lambda: outcomes.problems)
    assert [p.code for p in outcomes.problems] == ["log.no_responders"]


async def test_no_answer_in_time_is_an_unknown_outcome(link: Link) -> None:
    outcomes = Outcomes()
    await link.subscribe("silent")
    link.publish_soon("silent", b"x", HEADER, outcomes.done, 0.1)
    await until(lambda: outcomes.problems)
    assert isinstance(outcomes.problems[0], UnknownOutcomeError)


async def test_a_lost_connection_ends_what_waits_and_subscriptions_come_back(link: Link, nats: NatsServer) -> None:
    outcomes = Outcomes()
    raw: list[bytes] = []
    await link.subscribe("silent")
    link.subscribe_raw("test.back", lambda _subject, _reply, _header, data: raw.append(data))
    await link.flush()
    link.publish_soon("silent", b"x", HEADER, outcomes.done, 60)
    nats.kill()
    await until(lambda: outcomes.problems)
    assert isinstance(outcomes.problems[0], UnknownOutcomeError)
    with pytest.raises(UnavailableError):
        link.publish_soon("test.back", b"x", HEADER, outcomes.done, 1)
    nats.start()
    await until(lambda: link.is_usable)
    link.publish_raw("test.back", b"again")
    await until(lambda: raw == [b"again"])


async def test_who_waits_for_the_bound_goes_on_in_order_or_is_refused_in_time(link: Link) -> None:
    log = Log(link, max_unacknowledged=2)
    await link.subscribe("silent")
    log.unacknowledged = 2
    went: list[int] = []

    async def wait(number: int) -> None:
        await log.room_for_more(5)
        log.unacknowledged += 1
        went.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(4)]
    with pytest.raises(TooManyError) as refused:
        await log.room_for_more(0.05)
    assert (refused.value.code, refused.value.retry_after_ms) == ("log.busy", 200)
    assert not went
    for expected in range(1, 5):
        log._one_less()
        await until(lambda expected=expected: len(went) == expected)
        assert log.unacknowledged == 2
    await asyncio.gather(*waiting)
    assert went == [0, 1, 2, 3]


async def test_the_server_writes_a_live_events_place_as_it_is_read(link: Link) -> None:
    subject = subjects.chat("main", "web", conversation_id("main", "web", "somebody", "place", ["00"]))
    headers: list[bytes | None] = []
    Log(link).attach(subject, lambda _subject, _reply, header, _data: headers.append(header))
    for _ in range(2):
        await link.request_raw(subject, b"{}", HEADER)
    await until(lambda: len(headers) == 2)
    (first, nothing), (second, before) = map(place_of, headers)
    assert (nothing, before) == (0, first)
    assert second > first
    assert place_of(None) == place_of(HEADER) == (0, 0)


async def test_it_closes_in_order_whatever_the_connection_is(nats: NatsServer) -> None:
    broken = Link()
    await broken.open(nats.url, name="broken", user=nats.user, password=nats.password)
    nats.kill()
    broken.publish_raw("test.lost", b"x" * 100_000)
    await until(lambda: not broken.is_usable)
    broken._pending.append(b"PUB test.lost 1\r\nx\r\n")
    broken._pending_data_size += 1
    await broken.close()
    nats.start()
    assert broken.is_closed


@pytest.mark.parametrize("turns", range(6))
async def test_it_closes_in_order_at_each_step_of_a_loss(nats: NatsServer, turns: int) -> None:
    link = Link()
    lost: list[int] = []
    await link.open(nats.url, name="lost", user=nats.user, password=nats.password)
    link.on_disconnect(lambda: lost.append(turns))
    nats.kill()
    while not link.is_reconnecting:
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    await link.close()
    nats.start()
    assert link.is_closed
    assert lost


async def test_it_closes_though_a_cancellation_was_lost_while_it_reconnected(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`asyncio.wait_for` loses it where its work ends in the same turn: `trunkline nats run` never ended, 3 of 240."""
    link = Link()
    await link.open(nats.url, name="lost", user=nats.user, password=nats.password)
    attempts: list[str] = []

    monkeypatch.setattr(link, "_select_next_server", loses_one_cancellation(attempts))
    nats.kill()
    await until(lambda: attempts)
    async with asyncio.timeout(10):
        await link.close()
    nats.start()
    assert link._reconnection_task is not None
    assert link._reconnection_task.done()
    assert len(attempts) == 2


async def test_a_first_connection_that_is_given_up_ends_though_a_cancellation_was_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = Link()
    attempts: list[str] = []

    monkeypatch.setattr(link, "_select_next_server", loses_one_cancellation(attempts))
    opening = asyncio.create_task(link.open("nats://127.0.0.1:1", name="lost"))
    await until(lambda: attempts)
    opening.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait({opening})
    assert opening.cancelled()
    assert len(attempts) == 2


async def test_one_byte_too_much_is_refused_by_every_way_to_publish_and_costs_no_connection(link: Link) -> None:
    """nats-server closes a connection that sends more than `max_payload`, and with it the work of a whole process."""
    lost: list[None] = []
    link.on_disconnect(lambda: lost.append(None))
    most = link.max_payload
    whole, over = b"x" * most, b"x" * (most + 1)
    beside_a_header = b"x" * (most + 1 - len(HEADER))
    bucket = Bucket[str](link, "channels", str)
    with pytest.raises(TooLargeError, match="at once"):
        link.publish_raw("test.a", over)
    with pytest.raises(TooLargeError):
        link.publish_raw("test.a", beside_a_header, HEADER)
    with pytest.raises(TooLargeError):
        link.publish_soon("test.a", beside_a_header, HEADER, Outcomes().done, 5)
    with pytest.raises(TooLargeError):
        await link.request_raw("test.a", over)
    with pytest.raises(TooLargeError):
        await link.publish("test.a", over)
    with pytest.raises(TooLargeError):
        await link.publish("test.a", beside_a_header, headers={"X": "1"})
    with pytest.raises(TooLargeError):
        link.publish_raw("test." + "a" * 2000, b"")
    with pytest.raises(TooLargeError) as refused:
        await bucket.put("key", "x" * VALUE_MOST)
    assert refused.value.code == "bucket.too_large"
    with pytest.raises(TooLargeError):
        bucket.put_soon("key", "x" * VALUE_MOST)
    with pytest.raises(TooLargeError):
        await rpc.call(link, "echo", "main", "say", {"text": "x" * most}, dict)
    sub = await link.subscribe("test.whole")
    link.publish_raw("test.whole", whole)
    assert (await sub.next_msg(timeout=30)).data == whole
    assert not lost


async def test_an_answer_of_a_service_that_is_too_large_is_an_error_for_who_asked_and_costs_no_connection(
    link: Link,
) -> None:
    lost: list[None] = []
    link.on_disconnect(lambda: lost.append(None))

    async def say(_tenant: str, wanted: int) -> str:
        return "x" * wanted

    serving = await rpc.serve(link, "echo", "1.0.0", {"say": rpc.Verb(int, say)})
    with pytest.raises(TooLargeError) as refused:
        await rpc.call(link, "echo", "main", "say", link.max_payload, str)
    assert refused.value.code == "log.too_large"
    assert await rpc.call(link, "echo", "main", "say", 3, str) == "xxx"
    await serving.stop()
    assert not lost


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"PUB test.a 3000000\r\n", id="too large"),
        pytest.param(b"NONSENSE\r\n\r\n", id="no operation"),
        pytest.param(b"PUB " + b"a" * 5000 + b" 1\r\nx\r\n", id="a line too long"),
    ],
)
async def test_a_connection_that_the_server_closes_with_an_error_is_back_by_itself(link: Link, sent: bytes) -> None:
    """nats-py closes for good at an error of the server; the process stood still until somebody restarted it."""
    back = asyncio.Event()

    async def reconnected() -> None:
        back.set()

    link.on_reconnect(reconnected)
    link._write(sent)
    async with asyncio.timeout(5):
        await back.wait()
    outcomes = Outcomes()
    link.publish_soon(
        subjects.chat("main", "web", conversation_id("main", "web", "somebody", "after", ["00"])),
        b"1",
        HEADER,
        outcomes.done,
        5,
    )
    await until(lambda: outcomes.answers)
    assert not link.was_lost.is_set()


async def test_a_connection_that_is_given_up_for_good_says_so(nats: NatsServer) -> None:
    lost = Link()
    await lost.open(nats.url, name="test", user=nats.user, password=nats.password)
    await Client._close(lost, Client.CLOSED)
    async with asyncio.timeout(5):
        await lost.was_lost.wait()
    await lost.close()
