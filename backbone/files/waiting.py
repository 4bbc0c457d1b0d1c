"""Uploaded files that no message names yet: an hour after it came a file is deleted, and nobody had it.

A key of the bucket `uploads` for each. `keep` deletes it before the message is stored: a crash between leaves a file
too many, never a message without its file. Whoever sweeps says so in the key first, so that the two never meet.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

import structlog
from msgspec import Struct

from backbone.errors import TrunklineError
from backbone.files.attachments import Attachments
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, Change, RevisionError
from backbone.nats.link import Link
from backbone.nats.objects import missing

LIFE_S: Final = 3600
SWEEP_S: Final = 300.0
MARKER_S: Final = 60

_log = structlog.get_logger("backbone.files.waiting")


class Upload(Struct, frozen=True, kw_only=True):
    """When a file came (Unix seconds); `going` once it is being deleted."""

    at: int
    going: bool = False


class Waiting:
    """The files of all tenants that wait for a message."""

    def __init__(self, link: Link, files: Attachments, life_s: float = LIFE_S) -> None:
        self._files = files
        self._life_s = life_s
        self._bucket: Bucket[Upload] = Bucket(link, "uploads", Upload)
        self._known: dict[str, tuple[int, Upload]] = {}

    async def add(self, tenant: str, file: str) -> None:
        """A file was stored."""
        await self._bucket.put(subjects.key(tenant, file), Upload(at=int(time.time())))

    async def keep(self, tenant: str, file: str) -> None:
        """A message will name it. Raises NotFoundError `file.not_found` where it is being deleted."""
        key = subjects.key(tenant, file)
        kept = await self._bucket.get(key)
        if kept is None:
            return
        if kept.value.going:
            raise missing()
        try:
            await self._bucket.delete(key, kept.revision, marker_s=MARKER_S)
        except RevisionError:
            # Another message kept it just now, or it is being deleted.
            again = await self._bucket.get(key)
            if again is not None:
                raise missing() from None

    async def run(self) -> None:
        """Sweeps until cancelled, beside other nodes that do the same: whoever moves the key first deletes the file."""
        self._bucket.watch(self._changed)
        while True:
            await asyncio.sleep(min(SWEEP_S, self._life_s) * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            try:
                await self.sweep(time.time())
            except TrunklineError as error:
                _log.warning("uploads.not_swept", code=error.code, error=error.message)

    async def sweep(self, now: float) -> int:
        """Deletes what waits for too long; returns how many."""
        swept = 0
        for key, (revision, upload) in list(self._known.items()):
            if upload.at + self._life_s > now:
                continue
            try:
                going = await self._bucket.update(key, Upload(at=upload.at, going=True), revision)
                tenant, file = key.split(".")
                await self._files.delete(tenant, file)
                await self._bucket.delete(key, going, marker_s=MARKER_S)
            except RevisionError:
                continue
            swept += 1
        if swept:
            _log.info("uploads.swept", files=swept)
        return swept

    def _changed(self, change: Change[Upload]) -> None:
        if change.value is None:
            self._known.pop(change.key, None)
        else:
            self._known[change.key] = (change.revision, change.value)
