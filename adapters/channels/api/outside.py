"""Calls to addresses that somebody else chose: over connections that were made to public addresses only, kept for a
while, since a system of the company's is called again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from adapters.channels.api import guard
from backbone.channel import Answer, FaultError, Rejected, Retry, Unknown

CONNECTIONS: Final = 200
KEPT_S: Final = 4
"""A connection that nobody used for so long is closed: many servers close one after five seconds."""


class Outside:
    """The connections of one process; those of accounts that may call this machine are apart from all others."""

    def __init__(self) -> None:
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def close(self) -> None:
        """Closes all of them."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def call(
        self,
        method: str,
        target: URL,
        *,
        allows_loopback: bool,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int,
        timeout_s: float,
    ) -> Answer:
        """One call; of a POST's answer the beginning counts. Raises FaultError, and ForbiddenTargetError where a name
        leads home.
        """
        limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=5)
        session = self._session(allows_loopback=allows_loopback)
        try:
            async with session.request(
                method, target, data=body, headers=headers, allow_redirects=False, timeout=limits
            ) as answer:
                content = b""
                while len(content) <= most_bytes and (more := await answer.content.read(most_bytes + 1 - len(content))):
                    content += more
                if len(content) > most_bytes:
                    # What is left unread must not be the beginning of the next answer.
                    answer.close()
                    if method == "GET":
                        raise FaultError(Rejected(f"The file has over {most_bytes} bytes."))
                return Answer(answer.status, content[:most_bytes], {k.lower(): v for k, v in answer.headers.items()})
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, guard.ForbiddenTargetError):
                raise error.os_error from None
            raise FaultError(Retry(), f"can't be reached: {error.os_error}") from None
        except aiohttp.ConnectionTimeoutError:
            raise FaultError(Retry(), "can't be reached in time") from None
        except TimeoutError:
            raise FaultError(Unknown(), f"no answer within {timeout_s} s") from None
        except aiohttp.ClientError as error:
            raise FaultError(Unknown(), f"the answer broke off: {type(error).__name__}") from None

    def _session(self, *, allows_loopback: bool) -> aiohttp.ClientSession:
        session = self._sessions.get(allows_loopback)
        if session is None:
            connector = aiohttp.TCPConnector(
                resolver=guard.PublicResolver(allows_loopback=allows_loopback),
                use_dns_cache=False,
                limit=CONNECTIONS,
                keepalive_timeout=KEPT_S,
            )
            session = self._sessions[allows_loopback] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar()
            )
        return session
