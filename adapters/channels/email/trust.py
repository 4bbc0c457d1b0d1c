"""Whether the sender is who they seem: what our own server found, and nobody else (RFC 8601). Pure."""

from __future__ import annotations

import re
from typing import Final

from adapters.channels.email import charset
from adapters.channels.email.mime import Part

_COMMENT: Final = re.compile(r"\([^()]*\)")
_DMARC: Final = re.compile(r"\bdmarc\s*=\s*([a-z]+)", re.IGNORECASE)
_FROM: Final = re.compile(r"\bheader\.from\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def dmarc(part: Part, authserv_id: str, sender: str) -> str:
    """`pass`, `fail` or another result of DMARC for the sender's domain; empty if our server said none.

    Only the topmost field with our server's name counts: anybody may write others.
    """
    if not authserv_id:
        return ""
    for value in part.every("authentication-results"):
        name, _, found = _COMMENT.sub(" ", charset.decode(value[:20_000]).replace("\n", " ")).partition(";")
        if (name.split() or [""])[0].lower() != authserv_id.lower():
            continue
        method = next((each for each in found.split(";") if _DMARC.search(each)), "")
        result, of = _DMARC.search(method), _FROM.search(method)
        if not result:
            return ""
        is_theirs = not of or _covers(of[1].lower().rpartition("@")[2], sender.rpartition("@")[2])
        return result[1].lower() if is_theirs else ""
    return ""


def _covers(domain: str, of_sender: str) -> bool:
    return domain == of_sender or of_sender.endswith("." + domain)
