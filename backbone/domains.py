"""Names of hosts and domains as they go over the wire. Pure."""

from __future__ import annotations

from typing import Final

import idna

MOST_CHARS: Final = 253


def ascii_domain(domain: str) -> str:
    """A domain as it goes over the wire, in lower case: labels beyond ASCII in punycode; as it is where it can't be."""
    if domain.isascii() or len(domain) > MOST_CHARS:
        return domain.lower()
    try:
        # IDNA 2008 after the mapping of UTS 46: IDNA 2003, which is Python's own, writes to another domain (straße).
        return idna.encode(domain, uts46=True, transitional=False).decode("ascii")
    except UnicodeError:
        return domain.lower()
