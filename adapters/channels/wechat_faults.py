"""What answers of 公众平台's API mean: errors come with HTTP 200, as `errcode` and `errmsg`; pure.

The codes here are the same for official accounts and mini programs; each channel has its own beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from backbone.channel import Fault, MediaGone, Pause, Rejected, Retry, TokenExpired, WindowClosed

DAY_S: Final = 86_400
SHANGHAI_S: Final = 8 * 3_600
"""Shanghai is ahead of UTC by eight hours all year."""

QUOTA: Final = Retry(after_s=DAY_S, account=True)
"""The day's quota is used up. `meaning` has no clock: `until_midnight` says how long that is."""

IGNORED: Final = frozenset({0, 45072, 45080, 45081})
"""All is well; and of typing alone: an unknown command, no exchange within 30 s, shown already."""

FAULTS: Final[Mapping[int, Fault]] = {
    -1: Retry(),
    40001: TokenExpired(),
    40014: TokenExpired(),
    41001: TokenExpired(),
    42001: TokenExpired(),
    40007: MediaGone(),
    40003: Rejected("WeChat doesn't know this customer (40003)."),
    40004: Rejected("WeChat doesn't take this kind of file (40004)."),
    40005: Rejected("WeChat doesn't take this type of file (40005)."),
    40006: Rejected("The file is too large or too small for WeChat (40006)."),
    40008: Rejected("WeChat doesn't take this kind of message (40008)."),
    40009: Rejected("The picture is too large for WeChat (40009)."),
    40033: Rejected("WeChat doesn't take these characters (40033)."),
    44004: Rejected("The message is empty (44004)."),
    45002: Rejected("The message is too long for WeChat (45002)."),
    47001: Rejected("WeChat can't read the message (47001)."),
    45015: WindowClosed("time"),
    45047: WindowClosed("count"),
    45009: QUOTA,
    45011: Retry(after_s=60, account=True),
    40002: Pause("WeChat doesn't give a token this way (40002): is the account of another type?"),
    40013: Pause("WeChat doesn't know the AppID (40013): compare it with the console."),
    40125: Pause("The AppSecret is wrong (40125): enter the one of the console."),
    40164: Pause("This server's address isn't in the account's IP白名单 (40164): add it on the console."),
    40243: Pause("The AppSecret is frozen (40243): unfreeze it on the console."),
    41002: Pause("The AppID is missing (41002)."),
    41004: Pause("The AppSecret is missing (41004)."),
    50002: Pause("WeChat has limited the account (50002): see the notices of the console."),
}


class _Answer(Struct):
    errcode: int = 0
    errmsg: str = ""


def meaning(status: int, body: bytes, headers: Mapping[str, str], faults: Mapping[int, Fault]) -> Fault | None:
    """What an answer means by a channel's codes, None if all is well; a file is well."""
    if status != 200:
        return _by_status(status)
    if is_file(headers):
        return None
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        return Retry()
    if answer.errcode in IGNORED:
        return None
    return faults.get(answer.errcode) or Rejected(f"WeChat refuses: {answer.errcode} {answer.errmsg[:200]}")


def is_file(headers: Mapping[str, str]) -> bool:
    """Whether an answer is a file: errors are JSON, also where a file was asked for."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return "content-disposition" in headers or kind not in {"", "application/json", "text/plain", "text/html"}


def until_midnight(now: float) -> float:
    """Seconds until the day's quotas begin anew, at 00:00 in Shanghai. `now` in Unix seconds."""
    return DAY_S - (now + SHANGHAI_S) % DAY_S


def _by_status(status: int) -> Fault:
    if status >= 500 or status in {408, 425, 429}:
        return Retry()
    if status in {400, 413, 414, 415, 422}:
        return Rejected(f"What stands before WeChat refuses the message (HTTP {status}).")
    return Pause(f"WeChat's address answers HTTP {status}: look at it and at what stands between.")
