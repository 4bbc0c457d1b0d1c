"""Whether an account is well, by what LINE says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from adapters.channels.line import faults
from adapters.channels.line.calls import call, read
from adapters.channels.line.settings import Account
from backbone.channel import Check, FaultError, Kit, Pause, Rejected

NO_WEBHOOK: Final = "LINE doesn't know where to call: enter the address for callbacks as the webhook URL."
NOT_USED: Final = "LINE doesn't call: turn on Use webhook on the channel's page Messaging API."
NOTHING_LEFT: Final = (
    "The month's messages are used up: only an answer within a minute of the customer's message goes out."
)


class _Hook(Struct):
    endpoint: str = ""
    active: bool = False


class _Test(Struct, rename="camel"):
    success: bool = False
    status_code: int = 0
    reason: str = ""
    detail: str = ""


class _Quota(Struct):
    type: str = "none"
    value: int = 0


class _Used(Struct, rename="camel"):
    total_usage: int = 0


async def checks(acc: Account, kit: Kit) -> list[Check]:
    """Token, webhook and the month's messages; the first alone where the token isn't good."""
    token = await _checked("token", _token, acc, kit)
    if token.problem:
        return [token]
    return [token, await _checked("webhook", _webhook, acc, kit), await _checked("messages", _quota, acc, kit)]


async def _checked(name: str, of: Callable[[Account, Kit], Awaitable[str]], acc: Account, kit: Kit) -> Check:
    try:
        return Check(name, await of(acc, kit))
    except FaultError as error:
        fault = error.fault
        return Check(name, fault.reason if isinstance(fault, Pause | Rejected) else "LINE doesn't answer.")


async def _token(acc: Account, kit: Kit) -> str:
    await call(kit, acc, f"{acc.api}/v2/bot/info", method="GET")
    return ""


async def _webhook(acc: Account, kit: Kit) -> str:
    """LINE calls the address once, with no events."""
    hook = f"{acc.api}/v2/bot/channel/webhook"
    try:
        found = read(await call(kit, acc, f"{hook}/endpoint", method="GET"), _Hook)
    except FaultError as error:
        if error.fault == faults.FAULTS[404]:
            return NO_WEBHOOK
        raise
    if not found.active:
        return NOT_USED
    tried = read(await call(kit, acc, f"{hook}/test", json={}), _Test)
    return "" if tried.success else f"LINE's call to {found.endpoint} failed: {tried.reason} {tried.detail}".strip()


async def _quota(acc: Account, kit: Kit) -> str:
    quota = f"{acc.api}/v2/bot/message/quota"
    most = read(await call(kit, acc, quota, method="GET"), _Quota)
    if most.type != "limited":
        return ""
    used = read(await call(kit, acc, f"{quota}/consumption", method="GET"), _Used).total_usage
    return NOTHING_LEFT if used >= most.value else ""
