"""What Douyin's answers mean: a code in `extra.error_code`, `data.error_code` or `err_no`, by the page; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from backbone.channel import Fault, Pause, Rejected, Retry, TokenExpired, WindowClosed

DAY_S: Final = 86_400
SHANGHAI_S: Final = 8 * 3_600
"""Shanghai is ahead of UTC by eight hours all year."""

QUOTA: Final = Retry(after_s=DAY_S, account=True)
"""The day's quota is used up. `classify` has no clock: `until_midnight` says how long that is."""

TOO_OFTEN: Final = Retry(after_s=300, account=True)
"""10020: tokens were asked for too often; at a renewal it means that none is left, which `token` knows."""

MISMATCH: Final = Rejected("Douyin says that this answers no message of this customer (28003082).")
"""`send` tries the message that is answered explicitly."""

PHRASES: Final = {
    "time": "The customer's last message is over 24 hours ago: they must write first.",
    "count": "Six messages have gone out since the customer's last one: they must write first.",
    "never": "The customer hasn't written yet.",
}

_BUSY: Final = Retry()

FAULTS: Final[dict[int, Fault]] = {
    10008: TokenExpired(),
    2190002: TokenExpired(),
    2190008: TokenExpired(),
    28001003: TokenExpired(),
    28001008: TokenExpired(),
    28001005: _BUSY,
    28001006: _BUSY,
    28029014: _BUSY,
    28003018: Retry(after_s=60, account=True),
    10020: TOO_OFTEN,
    2190001: QUOTA,
    28003070: WindowClosed("count"),
    28003080: WindowClosed("time"),
    28003081: WindowClosed("time"),
    28003082: MISMATCH,
    28001038: Rejected("Douyin refuses the content (28001038): addresses of web pages are, for one."),
    28003101: Rejected("Douyin has banned the customer (28003101)."),
    28029016: Rejected("Douyin gives no file of this kind of message (28029016)."),
    28029020: Rejected("Douyin has no file of this message (28029020)."),
    10003: Pause("Douyin doesn't know the client key (10003): compare it with the console."),
    10004: Pause("The app has no right to this (10004): ask for it on the console, then authorise anew."),
    10007: Pause("The authorisation code was used or is too old (10007): let the operator scan anew."),
    10010: Pause("The authorisation has ended (10010): let the operator scan anew."),
    2190015: Pause("The authorisation is of another account (2190015): compare the open_id."),
    28001015: Pause("The authorisation is of another account (28001015): compare the open_id."),
    28001012: Pause("The operator hasn't allowed this to the app (28001012): authorise anew with all rights."),
    28001018: Pause("The app has no right to this (28001018): ask for it on the console, then authorise anew."),
    28003095: Pause("The automatic answers of Douyin's own workbench are on (28003095): switch them off there."),
    28029004: Pause("Douyin has banned the account from sending (28029004): see its notices."),
}


class Said(NamedTuple):
    """What an answer says of itself; code 0 is well."""

    code: int
    words: str


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """What an answer means, None if all is well; a file is well."""
    if status == 200 and is_file(headers):
        return None
    said = said_by(body)
    if said is not None and said.code:
        return FAULTS.get(said.code) or Rejected(f"Douyin refuses: {said.code} {said.words[:200]}")
    if status != 200:
        return _by_status(status)
    return None if said is not None else Retry()


def said_by(body: bytes) -> Said | None:
    """The first code that isn't 0 of the three places; None where it isn't Douyin's JSON."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
    for place, name, words in (
        (found.get("extra"), "error_code", ("sub_description", "description")),
        (found.get("data"), "error_code", ("description",)),
        (found, "err_no", ("err_msg", "err_tips")),
    ):
        code = _number(place.get(name)) if isinstance(place, dict) else 0
        if code and isinstance(place, dict):
            return Said(code, " ".join(str(place[word]) for word in words if place.get(word)))
    return Said(0, "")


def is_file(headers: Mapping[str, str]) -> bool:
    """Whether an answer is a file: errors are JSON, also where a file was asked for."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return "content-disposition" in headers or kind not in {"", "application/json", "text/plain", "text/html"}


def until_midnight(now: float) -> float:
    """Seconds until the day's quotas begin anew, at 00:00 in Shanghai. `now` in Unix seconds."""
    return DAY_S - (now + SHANGHAI_S) % DAY_S


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _by_status(status: int) -> Fault:
    if status >= 500 or status in {408, 425, 429}:
        return Retry()
    if status in {400, 413, 414, 415, 422}:
        return Rejected(f"What stands before Douyin refuses the message (HTTP {status}).")
    return Pause(f"Douyin's address answers HTTP {status}: look at it and at what stands between.")
