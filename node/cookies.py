"""The session's cookie. Over HTTPS it is one that only this very host, over HTTPS, can have set (`__Host-`)."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection

from node.settings import NodeSettings

PLAIN: Final = "tl"
SECURE: Final = "__Host-tl"


def are_secure(settings: NodeSettings) -> bool:
    """Whether browsers reach the nodes over HTTPS alone."""
    return settings.secure_cookies or settings.public_url.casefold().startswith("https:")


def cookie_of(connection: HTTPConnection, settings: NodeSettings) -> str:
    """The session's cookie, empty if there is none. Over HTTPS the plain one doesn't count: a neighbouring host, or
    whoever sits on a line without HTTPS, can set it, and the agent would work in a stranger's session.
    """
    cookies = connection.cookies
    secure = cookies.get(SECURE, "")
    return secure or ("" if are_secure(settings) else cookies.get(PLAIN, ""))
