"""Calls to the Messaging API in the account's name."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from adapters.channels.line import faults
from adapters.channels.line.settings import Account
from backbone.channel import Answer, FaultError, Kit

S = TypeVar("S", bound=Struct)


async def call(kit: Kit, acc: Account, url: str, *, headers: dict[str, str] | None = None, **request: Any) -> Answer:
    """`kit.call` with the account's long-lived token, which can't be renewed, or one that the kit keeps."""
    if not acc.access_token:
        return await kit.call(url, headers=headers, **request)
    own = {**(headers or {}), "Authorization": f"Bearer {acc.access_token}"}
    return await kit.call(url, headers=own, token="", **request)


def read(answer: Answer, wanted: type[S]) -> S:
    """What LINE answered. Raises FaultError where something else answered in its place."""
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise FaultError(faults.UNREADABLE, answer.body[:200].decode(errors="replace")) from None
