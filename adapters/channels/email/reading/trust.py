"""Whether the sender is who they seem: what our own server found, and nobody else (RFC 8601). Pure."""

from __future__ import annotations

import re
from typing import Final

from adapters.channels.email import charset
from adapters.channels.email.mime import Part
from adapters.channels.email.settings import Account

MICROSOFT: Final = "microsoft365"
"""As `authserv_id`: the server is Exchange Online, whose Authentication-Results name no server."""

_RESULTS: Final = "authentication-results"
_COMMENT: Final = re.compile(r"\([^()]*\)")
_DMARC: Final = re.compile(r"\bdmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_FROM: Final = re.compile(r"\bheader\.from\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
_METHOD: Final = re.compile(r"\s*(?:spf|dkim|dmarc|compauth|arc)\s*=", re.IGNORECASE)
_HOSTS: Final = ("outlook.office365.com", "outlook.office.com", "partner.outlook.cn")
_HOP: Final = re.compile(r"from\s+[a-z0-9.-]{1,200}\.(?:outlook\.com|office365\.com|outlook\.cn)\s", re.IGNORECASE)


def dmarc(part: Part, acc: Account, sender: str) -> str:
    """`pass`, `fail` or another result of DMARC for the sender's domain; empty if our server said none.

    Only the topmost field with our server's name counts: anybody may write others. Where there is none, a failure
    counts that the topmost field says without a name, as Exchange Online does: nobody gains by writing it.
    """
    found = _of_microsoft(part) if is_microsoft(acc) else _of_server(part, acc.authserv_id.lower())
    return _result(found, sender) or ("fail" if _result(_unnamed(part), sender) == "fail" else "")


def _result(found: str, sender: str) -> str:
    method = next((each for each in found.split(";") if _DMARC.search(each)), "")
    result, of = _DMARC.search(method), _FROM.search(method)
    if not result:
        return ""
    is_theirs = not of or _covers(of[1].lower().rpartition("@")[2], sender.rpartition("@")[2])
    return result[1].lower() if is_theirs else ""


def is_microsoft(acc: Account) -> bool:
    """Whether the account's server is Exchange Online."""
    return acc.authserv_id.lower() == MICROSOFT or (not acc.authserv_id and acc.imap_host.lower() in _HOSTS)


def _of_server(part: Part, name: str) -> str:
    """The results of the topmost field of the server of that name, without comments."""
    for value in part.every(_RESULTS) if name else ():
        server, _, found = _text(value).partition(";")
        if (server.split() or [""])[0].lower() == name:
            return found
    return ""


def _unnamed(part: Part) -> str:
    """The results of the topmost field, if it names no server."""
    found = _text(part.first(_RESULTS))
    return found if _METHOD.match(found) else ""


def _of_microsoft(part: Part) -> str:
    """The results of the topmost field, as far as Exchange Online wrote it: it stands above the line `Received` by
    which the mail came in from outside, so that all of those above it are hops within Microsoft. One that a sender
    wrote stands below.
    """
    for name, value in part.fields:
        if name == "received" and not _HOP.match(_text(value)):
            return ""
        if name == _RESULTS:
            found = _text(value)
            return found if _METHOD.match(found) else ""
    return ""


def _text(value: bytes) -> str:
    return _COMMENT.sub(" ", charset.decode(value[:20_000]).replace("\n", " ")).strip()


def _covers(domain: str, of_sender: str) -> bool:
    return domain == of_sender or of_sender.endswith("." + domain)
