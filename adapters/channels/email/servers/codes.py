"""What the answers of mail servers and token servers mean: pure."""

from __future__ import annotations

import re
from typing import Final

from backbone.channel import Fault, Pause, Rejected, Retry

GREYLISTED_S: Final = 300.0
BUSY_S: Final = 60.0
MOST_REASON_CHARS: Final = 300

_LATER: Final = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN", "OVERQUOTA"})
_CROWDED: Final = re.compile(
    r"too many|try again|temporar|unavailable|maximum number of connections|rate", re.IGNORECASE
)
_IMAP_CODE: Final = re.compile(r"\[([A-Z]+)")


def fault_of_reply(code: int, said: str) -> Fault | None:
    """What a reply of an SMTP server to MAIL, RCPT or DATA means (RFC 5321, 4.2); None if all is well."""
    if 200 <= code < 400:
        return None
    reason = f"{code} {' '.join(said.split())}"[:MOST_REASON_CHARS]
    if code == 421:
        return Retry(after_s=BUSY_S, account=True)
    if code in {450, 451, 452}:
        return Retry(after_s=GREYLISTED_S)
    if code in {530, 534, 535, 538}:
        return Pause(f"The mail server refuses the account: {reason}")
    if 400 <= code < 500:
        return Retry(after_s=BUSY_S)
    return Rejected(f"The mail server refuses the mail: {reason}")


def fault_of_greeting(code: int, said: str) -> Fault:
    """What it means where a server doesn't let us in before any mail: the account as a whole."""
    if 500 <= code < 600:
        return Pause(f"The mail server refuses the account: {code} {' '.join(said.split())}"[:MOST_REASON_CHARS])
    return Retry(after_s=BUSY_S, account=True)


def fault_of_login(said: str) -> Fault:
    """What a NO to LOGIN or AUTHENTICATE means (RFC 5530): the credentials, unless the server says another thing."""
    code = _IMAP_CODE.search(said)
    if (code and code[1] in _LATER) or _CROWDED.search(said):
        return Retry(after_s=BUSY_S, account=True)
    return Pause(f"The mail server refuses the account: {' '.join(said.split())}"[:MOST_REASON_CHARS])


def fault_of_token(status: int, body: bytes) -> Fault | None:
    """What an OAuth token server's answer means (RFC 6749, 5.2); None if all is well."""
    if status == 200:
        return None
    if status == 429 or status >= 500:
        return Retry(account=True)
    reason = " ".join(body[:MOST_REASON_CHARS].decode(errors="replace").split())
    return Pause(f"The token server refuses the account: {status} {reason}")
