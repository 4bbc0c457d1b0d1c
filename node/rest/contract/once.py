"""`Idempotency-Key` on a POST that stores no event: done once, and the same answer for a day, on whatever node.

The bucket `answers` holds, for each key of each actor, first a claim (120 s, by create) and then the answer (24 h),
sealed with the system's secret, since answers hold cookies and tokens. A refusal gives the key back. A node that dies
between the effect and its answer leaves a claim that runs out: the request may then be done again.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
import structlog
from msgspec import Struct
from starlette.responses import Response

from backbone.errors import ConflictError, TrunklineError
from backbone.ids import key_hash
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, KeyExistsError
from node.context import Context

KEPT_S: Final = 24 * 3600
CLAIM_S: Final = 120
"""Longer than the slowest request, the examination of an account, takes."""

ANSWER_MOST: Final = 128 * 1024
"""Bytes; a longer answer isn't kept."""

NOBODY: Final = "_"
_HEADERS: Final = frozenset({b"content-type", b"set-cookie", b"etag", b"cache-control"})

_log = structlog.get_logger("node.rest")


class Kept(Struct, frozen=True, kw_only=True):
    """A key that was used. `sealed`: an `Answer` as JSON."""

    sealed: str


class Answer(Struct, frozen=True, kw_only=True):
    """`asked`: SHA-256 of the request, in hex. `status` is 0 while it is being done."""

    asked: str
    status: int = 0
    headers: list[tuple[str, str]] = []
    body: bytes = b""


class Once:
    """One use of a key: `found` is the answer that there is already, else `keep` or `give_back` ends it."""

    def __init__(self, context: Context, actor: str, key: str, request: bytes) -> None:
        self._context = context
        self._bucket: Bucket[Kept] = Bucket(context.link, "answers", Kept)
        tenant, _, who = actor.partition(".")
        self._key = subjects.key(tenant or NOBODY, key_hash(f"{who}\0{key}"))
        self._asked = hashlib.sha256(request).hexdigest()
        self._revision = 0

    async def found(self) -> Response | None:
        """The answer of an earlier try. Raises ConflictError `id.used` for another request under the key, and
        `request.running` while the earlier try is being done.
        """
        try:
            self._revision = await self._bucket.create(self._key, self._sealed(Answer(asked=self._asked)), CLAIM_S)
        except KeyExistsError:
            return await self._before()
        return None

    async def keep(self, response: Response) -> None:
        """It was done, and this is the answer."""
        if len(response.body) > ANSWER_MOST:
            await self.give_back()
            return
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in response.raw_headers if k in _HEADERS]
        answer = Answer(asked=self._asked, status=response.status_code, headers=headers, body=bytes(response.body))
        try:
            await self._bucket.update(self._key, self._sealed(answer), self._revision, KEPT_S)
        except TrunklineError as error:
            # The client has its answer; a second try within the claim's time is told that it runs.
            _log.warning("answer.not_kept", code=error.code)

    async def give_back(self) -> None:
        """It wasn't done: the key may be used again."""
        try:
            await self._bucket.delete(self._key, self._revision, marker_s=60)
        except TrunklineError as error:
            _log.info("key.not_given_back", code=error.code)

    async def _before(self) -> Response | None:
        kept = await self._bucket.get(self._key)
        if kept is None:
            # It was given back meanwhile.
            raise _running()
        answer = msgspec.json.decode(self._context.sealer.open(self._key, kept.value.sealed), type=Answer)
        if answer.asked != self._asked:
            raise ConflictError(
                "id.used", "Another request has this key; give yours one of its own.", field="Idempotency-Key"
            )
        if not answer.status:
            raise _running()
        response = Response(answer.body, answer.status)
        response.raw_headers = [
            *((k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers),
            (b"content-length", str(len(answer.body)).encode()),
            (b"idempotency-replayed", b"true"),
        ]
        return response

    def _sealed(self, answer: Answer) -> Kept:
        return Kept(sealed=self._context.sealer.seal(self._key, msgspec.json.encode(answer)))


def _running() -> ConflictError:
    return ConflictError(
        "request.running", "The same request is being done; ask again a little later.", field="Idempotency-Key"
    )
