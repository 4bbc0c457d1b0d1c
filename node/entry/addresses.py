"""By what an address is counted: one helper for every limit by address. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from backbone.errors import SettingError

SITE_BITS: Final = 64
"""The least that a provider gives one customer of IPv6: 2^64 addresses, each of which would have limits of its own."""


Networks = tuple[IPv4Network | IPv6Network, ...]


def networks(text: str, variable: str) -> Networks:
    """The addresses and networks (CIDR) of a setting, comma-separated. Raises SettingError that names the wrong one."""
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            found.append(ip_network(part, strict=False))
        except ValueError:
            raise SettingError(
                message=f"{variable} has {part!r}: give addresses such as 10.0.0.7, or networks such as 10.0.0.0/8.",
                field=variable,
            ) from None
    return tuple(found)


def is_within(address: str, allowed: Networks) -> bool:
    """Whether an address, or what it is counted as, lies in one of the networks."""
    try:
        own = ip_network(address, strict=False)
    except ValueError:
        return False
    return any(own.version == one.version and own.overlaps(one) for one in allowed)


def counted_as(address: str) -> str:
    """An address as limits count it: IPv4 as it is, also where IPv6 wraps it; IPv6 by its /64; other text as it is."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if parsed.is_loopback:
        return str(parsed)
    return str(IPv6Network((int(parsed), SITE_BITS), strict=False))


def is_loopback(address: str) -> bool:
    """Whether it is this machine's own, and so a proxy's beside the node."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_loopback
