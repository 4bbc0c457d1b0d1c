"""What WeCom's answers mean: errors come with HTTP 200, as `errcode` and `errmsg`; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from adapters.channels import wechat_faults
from backbone.channel import Fault, MediaGone, Pause, Rejected, Retry, TokenExpired, WindowClosed

STATE: Final = WindowClosed("state")
"""The session's state forbids sending, or the customer's last message is too old: `send` asks which."""

STALE_BELL: Final = Rejected("The token of the bell is wrong or over ten minutes old (95007).")
"""`fetch` pulls without it."""

UNLISTED: Final = "WeCom refuses: "
"""How the reason for a code begins that isn't in the table. One of them, nobody says which, means that a message was
taken before: `send` tells it apart."""

PHRASES: Final = {
    "time": "The customer's last message is over 48 hours ago.",
    "count": "Five messages have gone out since the customer's last one: they must write first.",
    "ended": "The session has ended: the customer must write first.",
    "state": "WeCom takes no message in this session now.",
}

_SLOW: Final = Retry(after_s=60, account=True)

FAULTS: Final[dict[int, Fault]] = {
    -1: Retry(),
    6000: Retry(),
    40014: TokenExpired(),
    41001: TokenExpired(),
    42001: TokenExpired(),
    40007: MediaGone(),
    45009: _SLOW,
    45033: _SLOW,
    95001: WindowClosed("count"),
    95002: WindowClosed("time"),
    95013: WindowClosed("ended"),
    95018: STATE,
    95007: STALE_BELL,
    95008: Rejected("The menu is too long for WeCom (95008)."),
    95009: Rejected("WeCom doesn't take this item of a menu (95009)."),
    95014: Rejected("The agent isn't a 接待人员 of this account, or not active (95014)."),
    95016: Rejected("The session can't be moved to this state (95016)."),
    95019: Rejected("The agent is on pause in WeCom (95019)."),
    95022: Rejected("WeCom can't read the place (95022)."),
    95030: Rejected("WeCom forbids this kind of message here (95030)."),
    40001: Pause("The Secret is wrong (40001): enter the one of 微信客服 → API."),
    40013: Pause("WeCom doesn't know the Corp ID (40013): compare it with 我的企业."),
    48002: Pause("The app may not use this call (48002): allow it on the console of WeCom."),
    40201: Pause("WeCom has banned the 客服账号 (40201): see the notices of the console."),
    60020: Pause("This server's address isn't trusted (60020): add it to 企业可信IP."),
    95000: Pause("WeCom doesn't know the 客服账号 (95000): compare the open_kfid."),
    95003: Pause("The company isn't verified (95003)."),
    95004: Pause("The 客服账号 was deleted (95004)."),
    95011: Pause("The Secret is of another way to manage the account (95011): use the one of 微信客服 → API."),
    95012: Pause("The Secret is of another way to manage the account (95012): use the one of your own app."),
    95017: Pause("The API of 微信客服 is switched off (95017): switch it on on the console."),
    95023: Pause("The 客服账号 was given to another app (95023)."),
}

SEND_FAILS: Final = {
    1: "The 客服账号 was deleted.",
    2: "微信客服 is switched off.",
    4: "The customer's last message is over 48 hours ago.",
    5: "The session has ended.",
    6: "Five messages had gone out since the customer's last one.",
    8: "The company isn't verified.",
    10: "The customer refuses messages.",
    11: "Nobody of the company is logged in.",
    12: "This kind of message is forbidden here.",
}
"""Why a message that was taken didn't arrive, by `fail_type`."""


SEND_FAULTS: Final[dict[str, Fault]] = {
    "1": Pause("The 客服账号 was deleted."),
    "2": Pause("微信客服 is switched off: switch it on on the console."),
    "4": WindowClosed("time"),
    "5": WindowClosed("ended"),
    "6": WindowClosed("count"),
    "8": Pause("The company isn't verified."),
}
"""What such a failure means where the same message may still go out."""


class _Answer(Struct):
    errcode: int = 0
    errmsg: str = ""


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """What an answer means, None if all is well; a file is well."""
    if status != 200:
        return _by_status(status)
    if wechat_faults.is_file(headers):
        return None
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        return Retry()
    if answer.errcode == 0:
        return None
    return FAULTS.get(answer.errcode) or Rejected(f"{UNLISTED}{answer.errcode} {answer.errmsg[:200]}")


def is_unlisted(fault: Fault) -> bool:
    """Whether a code stands behind it that the table doesn't have."""
    return isinstance(fault, Rejected) and fault.reason.startswith(UNLISTED)


def _by_status(status: int) -> Fault:
    if status >= 500 or status in {408, 425, 429}:
        return Retry()
    if status in {400, 413, 414, 415, 422}:
        return Rejected(f"What stands before WeCom refuses the message (HTTP {status}).")
    return Pause(f"WeCom's address answers HTTP {status}: look at it and at what stands between.")
