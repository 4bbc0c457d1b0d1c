"""Files in NATS's object store, in chunks and by a connection of their own.

Eight downloads of 20 MiB by the line of messages made nats-server cut the whole node off as a slow consumer. Here a
reader asks for 256 KiB, and for more once that has gone out; the line of messages carries none of it. The layout is
that of the NATS object-store convention, so that `nats object` reads it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from backbone.errors import NotFoundError, TrunklineError, UnavailableError
from backbone.ids import new_uuid
from backbone.nats.link import Link
from backbone.nats.streams import FILES_BUCKET
from backbone.nats.wire.answers import ApiError
from backbone.nats.wire.header import header_block, header_value, status_of

CHUNK: Final = 128 * 1024
CHUNKS_A_READ: Final = 2
READS_AT_ONCE: Final = 8
READ_TRIES: Final = 5
READ_AGAIN_S: Final = 0.2
NOT_FOUND: Final = 404

_STREAM: Final = f"OBJ_{FILES_BUCKET}"
_ROLLUP: Final = header_block(("Nats-Rollup", "sub"))

Connect = Callable[[], Awaitable[Link]]
"""Gives the connection that files travel by, made at the first call."""


class ObjectInfo(Struct, omit_defaults=True, kw_only=True):
    """What the store keeps beside an object's chunks; the convention's names. `nuid` names the chunks' subject."""

    name: str
    bucket: str = FILES_BUCKET
    nuid: str = ""
    size: int = 0
    chunks: int = 0
    mtime: str = ""
    digest: str = ""
    description: str = ""
    deleted: bool = False
    options: dict[str, Any] = {}


class _Ack(Struct):
    error: _Problem | None = None


class _Problem(Struct):
    code: int = 500
    err_code: int = 0
    description: str = ""


class Objects:
    """Puts, reads and deletes objects by their names."""

    def __init__(self, connect: Connect, check_room: Callable[[], None] = lambda: None) -> None:
        """`check_room` raises where nothing more may be stored now."""
        self._connect = connect
        self.check_room = check_room
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    async def put(self, name: str, description: str, content: bytes) -> None:
        """Stores an object; nobody sees it before it is whole.

        Raises UnavailableError `files.full` where the store has no room, and what a publish raises.
        """
        self.check_room()
        link = await self._connect()
        nuid = new_uuid().replace("-", "")
        digest = hashlib.sha256()
        try:
            for start in range(0, len(content), CHUNK):
                chunk = content[start : start + CHUNK]
                digest.update(chunk)
                # Each is acknowledged before the next goes out: what a slow disk hasn't taken isn't on its way.
                await _store(link, _chunks(nuid), chunk)
            info = ObjectInfo(
                name=name,
                nuid=nuid,
                size=len(content),
                chunks=-(-len(content) // CHUNK),
                mtime=datetime.now(UTC).isoformat(),
                digest=f"SHA-256={base64.urlsafe_b64encode(digest.digest()).decode()}",
                description=description,
                options={"max_chunk_size": CHUNK},
            )
            await _store(link, _meta(name), msgspec.json.encode(info), _ROLLUP)
        except TrunklineError:
            await self._throw_away(link, nuid)
            raise

    async def info(self, name: str) -> ObjectInfo:
        """What the store keeps about an object. Raises NotFoundError `file.not_found`."""
        link = await self._connect()
        try:
            answer = await link.api(f"STREAM.MSG.GET.{_STREAM}", {"last_by_subj": _meta(name)})
        except ApiError as refused:
            if refused.status_code != NOT_FOUND:
                raise
            raise missing() from None
        found = msgspec.json.decode(base64.b64decode(answer["message"].get("data", "")), type=ObjectInfo)
        if found.deleted:
            raise missing()
        return found

    async def read(self, info: ObjectInfo) -> AsyncIterator[bytes]:
        """The bytes of an object, a chunk at a time; whoever takes none holds two of them and no more.

        Raises NotFoundError where it is deleted meanwhile, TrunklineError `file.broken` for a wrong digest at the end.
        """
        link = await self._connect()
        digest, seq, left = hashlib.sha256(), 0, info.chunks
        while left:
            page = await self._page(link, _chunks(info.nuid), seq)
            seq, left = page[-1][0], left - len(page)
            for _, chunk in page:
                digest.update(chunk)
                yield chunk
        if info.digest and info.digest.partition("=")[2] != base64.urlsafe_b64encode(digest.digest()).decode():
            raise TrunklineError("file.broken", "The file's bytes aren't those that were stored.")

    async def delete(self, name: str) -> None:
        """Takes an object and its chunks out of the store; one that isn't there is no error."""
        link = await self._connect()
        try:
            info = await self.info(name)
        except NotFoundError:
            return
        await link.api(f"STREAM.PURGE.{_STREAM}", {"filter": _meta(name)})
        await self._throw_away(link, info.nuid)

    async def _page(self, link: Link, subject: str, after: int) -> list[tuple[int, bytes]]:
        """The next chunks after a sequence: at least one."""
        request = msgspec.json.encode({"seq": after + 1, "next_by_subj": subject, "batch": CHUNKS_A_READ})
        for _ in range(READ_TRIES):
            async with self._reads:
                answers = await link.request_many(f"$JS.API.DIRECT.GET.{_STREAM}", request, _ends)
            page = [
                (int(header_value(answer.header, b"Nats-Sequence") or 0), answer.data)
                for answer in answers
                if status_of(answer.header) is None
            ]
            if page:
                return page
            # A replica that answers may lag behind the one that took the chunk in.
            await asyncio.sleep(READ_AGAIN_S)
        raise missing()

    async def _throw_away(self, link: Link, nuid: str) -> None:
        await link.api(f"STREAM.PURGE.{_STREAM}", {"filter": _chunks(nuid)})


async def _store(link: Link, subject: str, payload: bytes, header: bytes | None = None) -> None:
    reply = await link.request_raw(subject, payload, header)
    if problem := msgspec.json.decode(reply.data, type=_Ack).error:
        if "maximum" in problem.description or "no space" in problem.description:
            raise UnavailableError("files.full", "The store of files has no room; only an operator can make some.")
        raise ApiError(problem.code, problem.err_code, problem.description)


def _chunks(nuid: str) -> str:
    return f"$O.{FILES_BUCKET}.C.{nuid}"


def _meta(name: str) -> str:
    return f"$O.{FILES_BUCKET}.M.{base64.urlsafe_b64encode(name.encode()).decode()}"


def _ends(header: bytes | None, _data: bytes) -> bool:
    return status_of(header) is not None


def missing() -> NotFoundError:
    """There is no such file, or it isn't the asker's to know of."""
    return NotFoundError("file.not_found", "There is no such file.", field="file")
