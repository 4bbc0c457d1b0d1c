"""Access tokens for XOAUTH2."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Kit, Retry, Token

LIFE_S: Final = 3600.0
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class _Granted(Struct):
    access_token: str
    expires_in: float = LIFE_S
    refresh_token: str = ""


def form(acc: Account, previous: Token | None) -> dict[str, str]:
    """What a token server is asked: by the newest refresh token, else for the application itself. Pure."""
    refresh = (previous.more.get("refresh_token", "") if previous else "") or acc.refresh_token
    grant = (
        {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"}
    )
    wanted = {"scope": acc.scope} if acc.scope else {}
    return {**grant, "client_id": acc.client_id, "client_secret": acc.client_secret, **wanted}


async def fetch(acc: Account, kit: Kit, previous: Token | None) -> Token:
    """A new access token. Some servers change the refresh token with each: it is kept beside it."""
    answer = await kit.call(acc.token_url, body=urlencode(form(acc, previous)).encode(), headers=_FORM, token="")
    try:
        granted = msgspec.json.decode(answer.body, type=_Granted)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise FaultError(Retry(), "the token server's answer isn't one") from None
    kept = granted.refresh_token or (previous.more.get("refresh_token", "") if previous else "")
    return Token(value=granted.access_token, life_s=granted.expires_in, more={"refresh_token": kept} if kept else {})
