"""Who a user of the app is, by a token of the company's own server: pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any, Final

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey
from msgspec import Meta, Struct

from adapters.channels.app.settings import Account
from backbone.channel import Peer, same
from backbone.errors import NotAuthenticatedError

LIFE_S: Final = 3600
"""A token is good for so long at most, from when it was issued."""

SKEW_S: Final = 60
"""Clocks of servers differ by so much."""

MOST_CHARS: Final = 8192
MOST_KEYS: Final = 20

_Id = Annotated[str, Meta(min_length=1, max_length=256)]
_Time = Annotated[float, Meta(ge=0, le=2**53)]

_RSA_LEAST_CHARS: Final = 342
"""2048 bits in base64."""


class _Claims(Struct):
    sub: _Id
    iat: _Time
    exp: _Time
    tenant: str
    nbf: _Time = 0
    name: str = ""
    email: str = ""
    email_verified: bool = False
    """As OpenID Connect has it: an address that a server doesn't say it has verified is what somebody typed."""


class _KeySet(Struct):
    keys: list[dict[str, Any]] = []


def verify(token: str, account: Account, now: float) -> Peer:
    """The user that a token names; `now` in Unix seconds.

    Raises NotAuthenticatedError: `token.expired` where the app should fetch another, `token.invalid` for all else.
    """
    try:
        claims = msgspec.convert(claims_of(token, account), _Claims)
    except msgspec.ValidationError:
        raise _invalid("lacks sub, iat, exp or tenant, or has one of another form") from None
    if claims.tenant != account.tenant:
        raise _invalid("is for another tenant")
    if claims.exp - claims.iat > LIFE_S:
        raise _invalid("is good for over an hour")
    if claims.iat > now + SKEW_S or claims.nbf > now + SKEW_S:
        raise _invalid("isn't good yet")
    if claims.exp <= now:
        raise NotAuthenticatedError("token.expired", "The token has ended; fetch another.", field="token")
    alias, verified = {"sub": claims.sub}, ("sub",)
    if not claims.email:
        return Peer(claims.sub, claims.name[:256], alias, verified)
    vouched = (*verified, "email") if claims.email_verified else verified
    return Peer(claims.sub, claims.name[:256], {**alias, "email": claims.email[:256].lower()}, vouched)


def verify_user_hash(user_id: str, given: str, account: Account) -> Peer:
    """The user by the hex HMAC-SHA256 of their id, where the account allows it. Raises NotAuthenticatedError."""
    if not account.allows_user_hash or not account.user_hash_secret or not 1 <= len(user_id) <= 256:
        raise NotAuthenticatedError("token.invalid", "User hashes aren't taken here; sign in by a token.")
    if not same(given, user_hash(user_id, account.user_hash_secret)):
        raise NotAuthenticatedError("token.invalid", "The hash isn't this user's.")
    return Peer(user_id, "", {"sub": user_id}, ("sub",))


def user_hash(user_id: str, secret: str) -> str:
    """The hash that the company's server makes for a user."""
    return hmac.new(secret.encode(), user_id.encode(errors="replace"), hashlib.sha256).hexdigest()


def claims_of(token: str, account: Account) -> dict[str, Any]:
    """The claims of a token that the company signed, whatever they say. Raises NotAuthenticatedError."""
    if len(token) > MOST_CHARS or token.count(".") != 2 or not token.isascii():
        raise _invalid("isn't a signed JWT")
    try:
        return jwt.decode(token, lambda one: _key(account, one.headers()), algorithms=[account.algorithm]).claims
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        raise _invalid(f"isn't signed by {account.algorithm} and a key of this account") from None


def _key(account: Account, header: dict[str, Any]) -> OctKey | RSAKey | ECKey:
    """The account's key for a token. Nothing in the header but `kid` has a say. Raises ValueError."""
    if account.algorithm == "HS256":
        if len(account.secret) < 32:
            raise ValueError("no secret")
        return OctKey.import_key(account.secret)
    kind = {"RS256": "RSA", "ES256": "EC"}[account.algorithm]
    fits = [
        one
        for one in _keys(account.jwks)
        if one.get("kty") == kind
        and one.get("use", "sig") == "sig"
        and one.get("alg", account.algorithm) == account.algorithm
        and one.get("kid") == header.get("kid", one.get("kid"))
    ]
    if len(fits) != 1:
        raise ValueError("no key, or several")
    public = {name: value for name, value in fits[0].items() if name not in {"d", "p", "q", "dp", "dq", "qi", "oth"}}
    if kind == "EC":
        return ECKey.import_key(public)
    if len(str(public.get("n", ""))) < _RSA_LEAST_CHARS:
        raise ValueError("the key is too short")
    return RSAKey.import_key(public)


def _keys(jwks: str) -> list[dict[str, Any]]:
    try:
        return msgspec.json.decode(jwks or "{}", type=_KeySet).keys[:MOST_KEYS]
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("no key set") from None


def _invalid(why: str) -> NotAuthenticatedError:
    return NotAuthenticatedError("token.invalid", f"The token {why}.", field="token")
