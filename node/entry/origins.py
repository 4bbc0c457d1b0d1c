"""Whose page is asking: the `Origin` of browsers against the node's own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from backbone.errors import InvalidInputError
from node.entry.addresses import counted_as

ORIGINS_MOST: Final = 50
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN: Final = re.compile(rf"https?://(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,10}}(?::[0-9]{{1,5}})?", re.ASCII)


def is_foreign(connection: HTTPConnection, public_url: str) -> bool:
    """Whether a browser says that another site's page is asking. Without `Origin` it isn't known to be one."""
    origin = connection.headers.get("origin")
    if origin is None:
        return False
    return origin.casefold() not in own_origins(connection, public_url)


def own_origins(connection: HTTPConnection, public_url: str) -> set[str]:
    """The origins under which this node's own pages run."""
    host = connection.headers.get("host", "").casefold()
    own = {f"http://{host}", f"https://{host}"}
    if public_url:
        parts = urlsplit(public_url)
        own.add(f"{parts.scheme}://{parts.netloc}".casefold())
    return own


def checked_origins(origins: list[str]) -> tuple[str, ...]:
    """Sites that may show an inbox's widget, as browsers write them; `*` for any, `https://*.example.com` for many.

    Raises InvalidInputError `inbox.origins`.
    """
    given = [one.strip().rstrip("/").casefold() for one in origins]
    if len(given) > ORIGINS_MOST or not all(one == "*" or _ORIGIN.fullmatch(one) for one in given):
        raise InvalidInputError(
            "inbox.origins",
            f"Give at most {ORIGINS_MOST} sites such as https://www.example.com, or * for any.",
            field="origins",
        )
    return tuple(dict.fromkeys(given))


def address(connection: HTTPConnection) -> str:
    """Where the request came from, for records; limits count by `network`."""
    return connection.client.host if connection.client else ""


def network(connection: HTTPConnection) -> str:
    """Where the request came from, as every limit by address counts it."""
    return counted_as(address(connection))
