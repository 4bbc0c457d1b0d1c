"""The session's cookie. Over HTTPS it is one that only this very host, over HTTPS, can have set (`__Host-`)."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from node.settings import NodeSettings

PLAIN: Final = "tl"
SECURE: Final = "__Host-tl"


def are_secure(connection: HTTPConnection, settings: NodeSettings) -> bool:
    """Whether browsers come over HTTPS alone: by the settings, or as a trusted proxy says of this request."""
    is_told = settings.secure_cookies or settings.public_url.casefold().startswith("https:")
    return is_told or connection.scope.get("scheme") in {"https", "wss"}


def cookie_of(connection: HTTPConnection, settings: NodeSettings) -> str:
    """The session's cookie, empty if there is none. Over HTTPS the plain one doesn't count: a neighbouring host, or
    whoever sits on a line without HTTPS, can set it, and the agent would work in a stranger's session.
    """
    cookies = connection.cookies
    secure = cookies.get(SECURE, "")
    return secure or ("" if are_secure(connection, settings) else cookies.get(PLAIN, ""))
