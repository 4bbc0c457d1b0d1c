"""Which addresses somebody else may make us call: public ones, and those that the operator allows (SSRF).

`check_url` is pure and refuses what can be seen in the address; `PublicResolver` refuses what a name leads to. A
connection is made to the very addresses that it checked, so a name that changes its mind (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

Address = IPv4Address | IPv6Address

MOST_CHARS: Final = 2048

_V4_REFUSED: Final = tuple(
    ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16/32",  # Azure's services of the host, in a public range
    )
)
_V6_REFUSED: Final = tuple(
    ip_network(block)
    for block in (
        "::/96",  # IPv4 in its oldest disguise
        "::ffff:0:0:0/96",  # translated IPv4
        "64:ff9b:1::/48",  # local translation
        "2001::/23",  # Teredo and its like
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local, as it once was
    )
)
_NAT64: Final = ip_network("64:ff9b::/96")

_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_WITH_USER = re.compile(r"[^/?#]*//[^/?#]*@")
_ENDS_IN_NUMBER = re.compile(r"(^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)\.?$")
_NAME = re.compile(r"[a-z0-9_.-]+")
_OWN_NAMES: Final = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa")


class ForbiddenTargetError(OSError):
    """An address that we don't call; the text says why, in words for whoever entered it."""


Networks = tuple[IPv4Network | IPv6Network, ...]


class _Operator:
    """What the operator of this process allows besides public addresses; see `allow`."""

    networks: Networks = ()


def allow(text: str) -> None:
    """Allows this process the private networks that its operator lists (`TRUNKLINE_OUTSIDE_ALLOW`), comma-separated.

    No account can: a tenant's admin would reach whatever the operator's network holds. Raises ValueError for a part
    that is no network.
    """
    _Operator.networks = networks_of(text)


def networks_of(text: str) -> Networks:
    """Networks of a comma-separated list, such as `10.1.0.0/16,127.0.0.1`. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def check_url(url: str, *, needs_https: bool = True, allowed: Networks | None = None) -> URL:
    """The address to call. `allowed`: private networks, by default the operator's. Raises ForbiddenTargetError."""
    allowed = _Operator.networks if allowed is None else allowed
    if len(url) > MOST_CHARS or _ODD.search(url):
        raise ForbiddenTargetError("the address is too long or has characters that no address has")
    try:
        parsed = URL(url)
        host = (parsed.raw_host or "").rstrip(".").lower()
        port = parsed.port
    except (ValueError, UnicodeError):
        raise ForbiddenTargetError("this is no address") from None
    if not host or not port:
        raise ForbiddenTargetError("the address names no host")
    if _WITH_USER.match(url):
        raise ForbiddenTargetError("the address must not hold a user or a password")
    may_be_plain = not needs_https or _is_allowed_name(host, allowed)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and may_be_plain):
        raise ForbiddenTargetError("the address must begin with https://")
    check_host(host, allowed=allowed)
    return parsed


def check_address(address: str, *, allowed: Networks | None = None) -> None:
    """Raises ForbiddenTargetError unless an IP address is public, however it is disguised, or `allowed`."""
    found = ip_address(address)
    if is_public(found) or _is_in(found, _Operator.networks if allowed is None else allowed):
        return
    raise ForbiddenTargetError(f"{address} isn't a public address")


def is_public(address: Address) -> bool:
    """Whether an address is anybody's on the internet."""
    address = _plain(address)
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in block for block in (_V4_REFUSED if address.version == 4 else _V6_REFUSED))


class PublicResolver(AbstractResolver):
    """Finds the addresses of a name; raises ForbiddenTargetError if any of them is neither public nor allowed."""

    def __init__(self, *, allowed: Networks | None = None, inner: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See aiohttp."""
        found = await self._inner.resolve(host, port, family)
        for each in found:
            check_address(each["host"], allowed=self._allowed)
        return found

    async def close(self) -> None:
        """See aiohttp."""
        await self._inner.close()


def check_host(host: str, *, allowed: Networks | None = None) -> None:
    """Raises ForbiddenTargetError for a host of which can be seen that it leads home: what a name leads to, a resolver
    checks.
    """
    allowed = _Operator.networks if allowed is None else allowed
    host = host.rstrip(".").lower()
    try:
        literal: Any = ip_address(host.strip("[]"))
    except ValueError:
        literal = None
    if literal is not None:
        check_address(str(literal), allowed=allowed)
    elif _ENDS_IN_NUMBER.search(host):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are loopback to some who read them.
        raise ForbiddenTargetError("a number isn't a name, and not an IP address in its usual form")
    elif _is_own(host):
        if not _is_allowed_name(host, allowed):
            raise ForbiddenTargetError(f"{host} is a name of this network")
    elif not _NAME.fullmatch(host) or ".." in host:
        raise ForbiddenTargetError("this is no name of a host")


def _is_allowed_name(host: str, allowed: Networks) -> bool:
    """Whether a host is in a network that is allowed, or a name that only this network knows and may lead there."""
    try:
        return _is_in(ip_address(host.strip("[]")), allowed)
    except ValueError:
        of_machine = host == "localhost"
        return _is_own(host) and any(network.is_loopback == of_machine for network in allowed)


def _is_in(address: Address, networks: Networks) -> bool:
    plain = _plain(address)
    return any(plain in network for network in networks)


def _is_own(host: str) -> bool:
    """Whether a host is this machine, or a name that only this network knows."""
    try:
        return _plain(ip_address(host.strip("[]"))).is_loopback
    except ValueError:
        return f".{host}".endswith(_OWN_NAMES)


def _plain(address: Address) -> Address:
    """An IPv4 address out of the IPv6 address that carries it."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
