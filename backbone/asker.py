"""Who asks, carried from the process that knows them to the one that answers: in a header of the request.

What comes without one was asked by a process for itself, or by one of an earlier version.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import structs

from backbone.access import EVERYTHING, Scope, Who, scope
from backbone.errors import ForbiddenError
from backbone.nats.rpc import headers_asked

WHO: Final = "Trunkline-Who"

_decoder: Final = msgspec.json.Decoder(Who)


def as_headers(who: Who) -> tuple[tuple[str, str], ...]:
    """For `rpc.call`: what access asks of `who`, without what names them to people or proves them."""
    known = structs.replace(who, name="", user="", session="")
    return ((WHO, msgspec.json.encode(known).decode("ascii", "backslashreplace")),)


def asker(tenant: str) -> Who | None:
    """Who asks what is being answered now; None: a process for itself.

    Raises ForbiddenError `access.forbidden` for somebody who can't be read, or is of another tenant than the subject.
    """
    told = headers_asked.get().get(WHO)
    if told is None:
        return None
    try:
        who = _decoder.decode(told)
    except msgspec.DecodeError:
        who = None
    if who is None or who.tenant != tenant:
        raise ForbiddenError("access.forbidden", "The request doesn't say who asks in words that are known here.")
    return who


def scope_asked(tenant: str) -> Scope:
    """The conversations that who asks may look at."""
    who = asker(tenant)
    return EVERYTHING if who is None else scope(who)
