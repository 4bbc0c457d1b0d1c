"""Connections for IMAP, SMTP and HTTP/2 to hosts that somebody else chose: to an address that was checked."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Final

from backbone.domains import ascii_domain
from backbone.outside import guard

MOST_ADDRESSES: Final = 4


async def addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """(family, address for `connect`) of a host, each one that may be called. Raises ForbiddenTargetError if any isn't,
    OSError where the name isn't known.
    """
    host = _ascii(host)
    guard.check_host(host)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        guard.check_address(str(address[0]))
    return [(int(family), address) for family, _, _, _, address in found][:MOST_ADDRESSES]


def _ascii(host: str) -> str:
    """A name as it goes over the wire, before it is checked: `①②⑦.⓪.⓪.①` is an address of this machine."""
    name = ascii_domain(host)
    if not name.isascii():
        raise guard.ForbiddenTargetError("this is no name of a host")
    return name


async def connected(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection to the first address of a host that answers. Raises ForbiddenTargetError, OSError, TimeoutError."""
    failed: OSError = OSError(f"{host} has no address")
    async with asyncio.timeout(timeout_s):
        for family, address in await addresses(host, port):
            connection = socket.socket(family, socket.SOCK_STREAM)
            connection.setblocking(False)  # noqa: FBT003 - as it is called
            try:
                await asyncio.get_running_loop().sock_connect(connection, address)
            except OSError as error:
                connection.close()
                failed = error
            except BaseException:
                connection.close()
                raise
            else:
                return connection
    raise failed
