"""Typed key-value buckets: get, create, compare-and-set, delete, watch (the NATS key-value convention,
over the raw connection, since nats-py's knows no per-key time to live on put).

Keys are made by `subjects.key`. Values are msgspec Structs as JSON. A revision is the stream's sequence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
import prometheus_client
import structlog

from backbone.errors import ConflictError, TooLargeError, TrunklineError, UnavailableError
from backbone.nats.feed import Delivery, Feed
from backbone.nats.link import Link
from backbone.nats.wire.answers import WRONG_LAST_SEQUENCE, ApiError
from backbone.nats.wire.header import by_the_server, header_block, header_value, is_reflected, status_of

VALUE_MOST: Final = 256 * 1024
"""Bytes of one value: what is read with others must not hold them up."""

Headers = tuple[tuple[str, str], ...]
"""Names and values beside a stored value; one line of ASCII each."""

_FORGET: Final = (("Nats-Rollup", "sub"),)

V = TypeVar("V")

_log = structlog.get_logger("backbone.nats.buckets")
_unreadable = prometheus_client.Counter(
    "trunkline_bucket_unreadable", "Stored records that this version can't read, by bucket.", ["bucket"]
)


class Kept(NamedTuple, Generic[V]):
    """A value with its key and revision."""

    key: str
    value: V
    revision: int


class KeyExistsError(ConflictError):
    """`create` found a value; somebody was first."""

    code = "bucket.exists"


class RevisionError(ConflictError):
    """The key moved since it was read."""

    code = "bucket.moved"


class UnreadableError(TrunklineError):
    """A record is there, and this version can't read it: another version's, or broken."""

    code = "bucket.unreadable"


class Change(NamedTuple, Generic[V]):
    """What a watch tells: a new value, or None when the key was deleted or ran out (`expired`); `at_ms`: when, by the
    server's clock (UTC ms).
    """

    key: str
    value: V | None
    revision: int
    expired: bool = False
    at_ms: int = 0


class Bucket(Generic[V]):
    """One bucket whose values are all of one type (a Struct, or a tagged union of Structs)."""

    def __init__(self, link: Link, name: str, kind: Any) -> None:
        self._link = link
        self._stream = f"KV_{name}"
        self._prefix = f"$KV.{name}."
        self._decode: Callable[[bytes], V] = msgspec.json.Decoder(kind).decode

    async def get(self, key: str) -> Kept[V] | None:
        """The value and its revision, None if there is none (or it was deleted). Raises UnreadableError."""
        found = await self._last(key)
        if found is None or found[2]:
            return None
        try:
            return Kept(key, self._decode(found[1]), found[0])
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise UnreadableError(message=f"{key} in {self._stream} can't be read: {wrong}.") from wrong

    async def create(self, key: str, value: V, ttl_s: int = 0, *, headers: Headers = ()) -> int:
        """Stores the first value of a key; returns its revision. `headers` go with it. Raises KeyExistsError."""
        try:
            return await self._publish(key, value, 0, ttl_s, headers)
        except RevisionError:
            # A delete marker also counts as the subject's last message: expect that instead.
            found = await self._last(key)
            if found is not None and found[2]:
                try:
                    return await self._publish(key, value, found[0], ttl_s, headers)
                except RevisionError:
                    pass
            raise KeyExistsError(message=f"{key} exists already.") from None

    async def update(
        self, key: str, value: V, revision: int, ttl_s: int = 0, *, headers: Headers = (), forget: bool = False
    ) -> int:
        """Stores a value if the key is still at `revision`; returns the new one. Raises RevisionError.

        `headers` go with it. `forget`: what the bucket's history holds of the key is thrown away.
        """
        return await self._publish(key, value, revision, ttl_s, (*headers, *(_FORGET if forget else ())))

    async def put(self, key: str, value: V, ttl_s: int = 0) -> int:
        """Stores a value whatever was there; returns its revision."""
        return await self._publish(key, value, None, ttl_s)

    def put_soon(self, key: str, value: V) -> asyncio.Future[Any]:
        """`put` without waiting: the future fails if it wasn't stored."""
        return self._link.request_future(self._prefix + key, self._encode(key, value))

    async def delete(
        self,
        key: str,
        revision: int | None = None,
        *,
        marker_s: int = 0,
        headers: Headers = (),
        purge: bool = False,
    ) -> None:
        """Deletes a key, if `revision` is given only at that one (RevisionError). Watchers hear of it.

        `marker_s`: how long the mark of the deletion stays, where keys are never used again; 0: for ever. `headers` go
        with the mark. `purge`: with what the bucket's history holds of the key.
        """
        pairs: list[tuple[str, str | int]] = (
            [("KV-Operation", "PURGE"), *_FORGET] if purge else [("KV-Operation", "DEL")]
        )
        pairs += headers
        if marker_s:
            pairs.append(("Nats-TTL", f"{marker_s}s"))
        if revision is not None:
            pairs.append(("Nats-Expected-Last-Subject-Sequence", revision))
        await self._send(key, b"", pairs)

    async def purge(self, key_filter: str) -> None:
        """Throws away all keys that match, at once. Watchers do not hear of it: put or delete each key again."""
        await self._link.api(f"STREAM.PURGE.{self._stream}", {"filter": self._prefix + key_filter})

    async def keys(self, key_filter: str = ">") -> list[str]:
        """All keys with a value that match a filter such as `main.inbox.*`."""
        return [kept.key for kept in await self.all(key_filter)]

    async def all(self, key_filter: str = ">") -> list[Kept[V]]:
        """All values that match a filter; for some thousands, else use `watch`."""
        found: dict[str, Kept[V]] = {}

        def take(change: Change[V]) -> None:
            if change.value is None:
                found.pop(change.key, None)
            else:
                found[change.key] = Kept(change.key, change.value, change.revision)

        watch = self.watch(take, key_filter)
        try:
            async with asyncio.timeout(10):
                await watch.caught_up.wait()
        except TimeoutError:
            raise TrunklineError("bucket.unreadable", f"{self._stream} couldn't be read within 10 s.") from None
        finally:
            await watch.close()
        return sorted(found.values())

    def watch(
        self,
        receive: Callable[[Change[V]], None],
        key_filter: str = ">",
        reset: Callable[[], None] | None = None,
        unreadable: Callable[[str, str], None] | None = None,
    ) -> Feed:
        """Calls `receive` with every value there is, then with each change; close the feed to end.

        A record that this version can't read is said in the log and skipped: one tenant's, or a newer version's, must
        not hold up the others. What was known of its key stays so.
        `unreadable` is told its key and the reason.
        `reset` is called when the bucket was made anew: forget all, everything comes again.
        """
        skip = len(self._prefix)

        def take(one: Delivery) -> None:
            key = one.subject[skip:].decode()
            try:
                value = None if _is_marker(one.header) or is_reflected(one.header) else self._decode(one.data)
            except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
                _unreadable.labels(self._stream).inc()
                _log.warning("bucket.skipped", bucket=self._stream, key=key, revision=one.seq, reason=str(wrong))
                if unreadable:
                    unreadable(key, str(wrong))
                return
            expired = value is None and b"\r\nNats-Marker-Reason: " in (one.header or b"")
            receive(Change(key, value, one.seq, expired, one.at_ms))

        async def examine(info: dict[str, Any], next_seq: int) -> int:
            if info["state"]["last_seq"] >= next_seq - 1:
                return next_seq
            if reset:
                reset()
            return 1

        return Feed(
            self._link,
            self._stream,
            take,
            start=1,
            filter_subject=self._prefix + key_filter,
            last_per_subject=True,
            examine=examine,
        )

    async def _publish(self, key: str, value: V, expected: int | None, ttl_s: int, headers: Headers = ()) -> int:
        pairs: list[tuple[str, str | int]] = [*headers]
        if expected is not None:
            pairs.append(("Nats-Expected-Last-Subject-Sequence", expected))
        if ttl_s:
            pairs.append(("Nats-TTL", f"{ttl_s}s"))
        return await self._send(key, self._encode(key, value), pairs)

    def _encode(self, key: str, value: V) -> bytes:
        """The bytes of a value. Raises TooLargeError `bucket.too_large`."""
        raw = msgspec.json.encode(value)
        if len(raw) > VALUE_MOST:
            raise TooLargeError("bucket.too_large", f"{key} has {len(raw)} bytes; a record has {VALUE_MOST} at most.")
        return raw

    async def _send(self, key: str, payload: bytes, pairs: list[tuple[str, str | int]]) -> int:
        try:
            reply = await self._link.request_raw(self._prefix + key, payload, header_block(*pairs) if pairs else None)
        except UnavailableError as error:
            # Nobody listens: a cluster elects a leader, or a server still reads its store.
            raise UnavailableError("log.unavailable", error.message, retry_after_ms=1000) from error
        answer = msgspec.json.decode(reply.data)
        if problem := answer.get("error"):
            if problem.get("err_code") == WRONG_LAST_SEQUENCE:
                raise RevisionError(message=f"{key} moved meanwhile.")
            raise ApiError(problem.get("code", 500), problem.get("err_code", 0), problem["description"])
        revision: int = answer["seq"]
        return revision

    async def _last(self, key: str) -> tuple[int, bytes, bool] | None:
        """Revision, bytes and whether it is a delete marker, or no value of ours."""
        # The key in the subject: permissions hold a kind of process to what it may read.
        reply = await self._link.request_raw(f"$JS.API.DIRECT.GET.{self._stream}.{self._prefix}{key}", b"")
        if status_of(reply.header) is not None:
            return None
        revision = int(header_value(by_the_server(reply.header), b"Nats-Sequence") or 0)
        is_nothing = _is_marker(reply.header) or is_reflected(reply.header, as_direct=True)
        return revision, reply.data, is_nothing


def _is_marker(header: bytes | None) -> bool:
    """A deleted or expired key leaves a message without a value, said by one of two headers."""
    return header is not None and (b"\r\nKV-Operation: " in header or b"\r\nNats-Marker-Reason: " in header)
