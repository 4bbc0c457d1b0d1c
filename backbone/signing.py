"""Signed texts that a client keeps and brings back: visitors' tokens and links to files.

HMAC-SHA256 by the system's secret (a setting, the same in every process), through itsdangerous. A purpose
is part of the key, so that a link never passes for a token.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final, TypeVar

import msgspec
from itsdangerous import BadSignature, URLSafeSerializer
from msgspec import Struct

from backbone.errors import NotAuthenticatedError, NotFoundError

TOKEN_LIFE_S: Final = 30 * 86_400
RENEW_BELOW_S: Final = 23 * 86_400
LINK_LIFE_S: Final = 300

S = TypeVar("S", bound=Struct)


class VisitorToken(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A visitor of one inbox; `exp` in Unix seconds. `user`: who they are at the company, where that is proved."""

    tenant: str
    inbox: str
    contact: str
    exp: int
    user: str = ""
    name: str = ""


class FileLink(Struct, frozen=True, kw_only=True):
    """One file for whoever holds the link, until `exp` (Unix seconds)."""

    tenant: str
    file: str
    name: str
    mime: str
    exp: int


class Signer:
    """Signs and checks by one secret."""

    def __init__(self, secret: str) -> None:
        self._token = _serializer(secret, "trunkline.visitor.v1")
        self._link = _serializer(secret, "trunkline.file.v1")

    def visitor_token(self, tenant: str, inbox: str, contact: str, user: str = "", name: str = "") -> str:
        """A token of 30 days for one visitor of one inbox."""
        exp = int(time.time()) + TOKEN_LIFE_S
        token = VisitorToken(tenant=tenant, inbox=inbox, contact=contact, exp=exp, user=user, name=name)
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


def needs_renewal(token: VisitorToken) -> bool:
    """Whether to hand out a fresh token, so that a visitor who keeps coming stays the same person."""
    return token.exp - time.time() < RENEW_BELOW_S


def _serializer(secret: str, purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        secret, salt=purpose, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    )


def _loads(serializer: URLSafeSerializer, text: str, kind: type[S]) -> S | None:
    try:
        return msgspec.convert(serializer.loads(text), kind)
    except (BadSignature, msgspec.ValidationError, UnicodeEncodeError):
        # The last: half a surrogate pair, which no token of ours holds.
        return None
