"""Signed texts that a client keeps and brings back: visitors' tokens and links to files; and marks of records in
buckets that only a process with the secret may make.

HMAC-SHA256 by the system's secret (a setting, the same in every process), through itsdangerous. A purpose
is part of the key, so that a link never passes for a token. Rotation: the first secret signs, earlier ones still count.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct

from backbone.clock import utc_ms
from backbone.errors import NotAuthenticatedError, NotFoundError

TOKEN_LIFE_S: Final = 30 * 86_400
"""Idle: who doesn't come for so long is somebody new."""

RENEW_BELOW_S: Final = 23 * 86_400

LIFE_MOST_S: Final = 365 * 86_400
"""Absolute, however often a token is renewed."""

LINK_LIFE_S: Final = 300

S = TypeVar("S", bound=Struct)


class VisitorToken(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visitor of one inbox; `exp` in Unix seconds. `user`: who they are at the company, where that is proved.

    `at`: when it was issued; `first`: when the first one was that it renews (both Unix ms; 0 in tokens of before).
    """

    tenant: str
    inbox: str
    contact: str
    exp: int
    user: str = ""
    name: str = ""
    at: int = 0
    first: int = 0

    @property
    def issued_ms(self) -> int:
        """When it was issued."""
        return self.at or (self.exp - TOKEN_LIFE_S) * 1000

    @property
    def began_ms(self) -> int:
        """When the first one was issued that it renews."""
        return self.first or self.issued_ms


class FileLink(Struct, frozen=True, kw_only=True):
    """One file for whoever holds the link, until `exp` (Unix seconds)."""

    tenant: str
    file: str
    name: str
    mime: str
    exp: int


class Signer:
    """Signs by the first of `secrets` (or the only one), takes what any of them signed."""

    def __init__(self, secrets: str | Sequence[str]) -> None:
        self._secrets = [secrets] if isinstance(secrets, str) else list(secrets)
        self._token = _serializer(self._secrets, "trunkline.visitor.v1")
        self._link = _serializer(self._secrets, "trunkline.file.v1")

    def visitor_token(
        self,
        tenant: str,
        inbox: str,
        contact: str,
        user: str = "",
        name: str = "",
        *,
        first_ms: int = 0,
        life_s: int = LIFE_MOST_S,
    ) -> str:
        """A token of 30 days for one visitor of one inbox; of less where `life_s` since `first_ms` ends sooner.

        `first_ms`: `began_ms` of the token that it renews, Unix ms; 0: it is a first one.
        """
        now_ms = utc_ms()
        first = first_ms or now_ms
        exp = min(now_ms // 1000 + TOKEN_LIFE_S, first // 1000 + life_s)
        token = VisitorToken(
            tenant=tenant, inbox=inbox, contact=contact, exp=exp, user=user, name=name, at=now_ms, first=first
        )
        return str(self._token.dumps(msgspec.to_builtins(token)))

    def visitor(self, token: str) -> VisitorToken:
        """Whom a token names. Raises NotAuthenticatedError `token.invalid` or `token.expired`."""
        found = _loads(self._token, token, VisitorToken)
        if found is None:
            raise NotAuthenticatedError(
                "token.invalid", "The token isn't one of ours; ask for a new one.", field="token"
            )
        if found.exp < time.time():
            raise NotAuthenticatedError("token.expired", "The token has expired; ask for a new one.", field="token")
        return found

    def file_link(self, tenant: str, file: str, name: str, mime: str, life_s: int = LINK_LIFE_S) -> str:
        """A link to one file, of 5 minutes unless told."""
        exp = int(time.time()) + life_s
        link = FileLink(tenant=tenant, file=file, name=name, mime=mime, exp=exp)
        return str(self._link.dumps(msgspec.to_builtins(link)))

    def file(self, signed: str) -> FileLink:
        """What a link opens. Raises NotFoundError for anything but a live link of ours."""
        found = _loads(self._link, signed, FileLink)
        if found is None or found.exp < time.time():
            raise NotFoundError("file.link_expired", "The link is no longer valid; open the file again.")
        return found

    def mark(self, purpose: str, *parts: str | int) -> str:
        """What shows of a record, in whatever store, that a process with the secret made it: hex HMAC-SHA256."""
        return _mark(self._secrets[0], purpose, parts)

    def is_mark(self, mark: str, purpose: str, *parts: str | int) -> bool:
        """Whether `mark` is one of ours for these parts."""
        given = mark.encode(errors="replace")
        return any(hmac.compare_digest(given, _mark(one, purpose, parts).encode()) for one in self._secrets)


def needs_renewal(token: VisitorToken, life_s: int = LIFE_MOST_S) -> bool:
    """Whether to hand out a fresh token, so that a visitor who keeps coming stays the same person until `life_s`."""
    now = time.time()
    return token.exp - now < RENEW_BELOW_S and token.exp < token.began_ms // 1000 + life_s


def _mark(secret: str, purpose: str, parts: Sequence[str | int]) -> str:
    key = hmac.digest(secret.encode(), f"trunkline.{purpose}.v1".encode(), "sha256")
    return hmac.digest(key, msgspec.json.encode(parts), "sha256").hex()


def _serializer(secrets: list[str], purpose: str) -> URLSafeSerializer:
    # The library wants the one that signs at the end.
    return URLSafeSerializer(
        secrets[::-1], salt=purpose, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )


def _loads(serializer: URLSafeSerializer, text: str, kind: type[S]) -> S | None:
    try:
        return msgspec.convert(serializer.loads(text), kind)
    except (BadSignature, msgspec.ValidationError, UnicodeEncodeError):
        # The last: half a surrogate pair, which no token of ours holds.
        return None
