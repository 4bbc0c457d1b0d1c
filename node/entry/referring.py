"""What is kept of the address of a page where the chat is shown: pure.

A host page's query holds whatever its site puts there, tokens of sign-ins and names of people among it, and an event is
kept for ever. The path stays, and parameters that the operator allows.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

PAGE_MOST: Final = 1024
PARAMETERS_MOST: Final = 20
VALUE_MOST: Final = 200

_WEB: Final = frozenset({"http", "https"})
_RUNS: Final = frozenset({"javascript", "data", "vbscript", "blob", "file"})
"""Schemes that name no page of a site."""


def allowed_of(setting: str) -> tuple[str, ...]:
    """The parameters that a setting such as `utm_*,ref` allows."""
    return tuple(part.strip().casefold() for part in setting.split(",") if part.strip())


def kept(address: str, allowed: tuple[str, ...]) -> str:
    """An address without its query but for `allowed` parameters, its fragment and its user; empty if it is no page's.

    What isn't a URL, such as the name of an app's screen, is cut where a query would begin.
    """
    try:
        parts = urlsplit(address.strip())
        host = _host(parts)
    except ValueError:
        return ""
    scheme = parts.scheme.casefold()
    if scheme in _RUNS:
        return ""
    if scheme not in _WEB or not host:
        return address.partition("?")[0].partition("#")[0].strip()[:PAGE_MOST]
    whole = f"{scheme}://{host}{parts.path}"[:PAGE_MOST]
    query = urlencode(_parameters(parts.query, allowed))
    return f"{whole}?{query}" if query and len(whole) + len(query) < PAGE_MOST else whole


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _parameters(query: str, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = parse_qsl(query[: 4 * PAGE_MOST], max_num_fields=None)
    found = [(name, value[:VALUE_MOST]) for name, value in pairs if _is_allowed(name.casefold(), allowed)]
    return found[:PARAMETERS_MOST]


def _is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in allowed)
