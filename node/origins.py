"""Whose page is asking: the `Origin` of browsers against the node's own (console.md section 8)."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from node.addresses import counted_as


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


def address(connection: HTTPConnection) -> str:
    """Where the request came from, for records; limits count by `network`."""
    return connection.client.host if connection.client else ""


def network(connection: HTTPConnection) -> str:
    """Where the request came from, as every limit by address counts it."""
    return counted_as(address(connection))
