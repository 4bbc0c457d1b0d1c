"""Which addresses we may be made to call, and how a name that lies gains nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from backbone.outside import connect, guard
from backbone.outside.guard import ForbiddenTargetError, PublicResolver, check_url, is_public
from backbone.outside.http import Caller
from tests.simulators.api import ApiSimulator

HOME = guard.networks_of("127.0.0.0/8,::1")

LOOPBACK = [
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://①②⑦.⓪.⓪.①/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://localhost/",
    "https://LOCALHOST./",
]
"""This machine in its disguises, which a setting for tests may allow."""

FORBIDDEN = [
    "http://example.com/",
    "ftp://example.com/",
    "//example.com/",
    "https://",
    "https:///path",
    "",
    "https://127.1/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:0:0:0:0:80ff:fffe]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://[fd00:ec2::254]/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://a.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://example.com@127.0.0.1/",
    "https://user:secret@example.com/",
    "https://@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com\n.internal/",
    "https://exa mple.com/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://ex..ample.com/",
    "https://[::1/",
    "https://" + "a" * 3000 + ".com/",
]


@pytest.mark.parametrize("url", [*LOOPBACK, *FORBIDDEN])
def test_an_address_that_leads_home_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        check_url(url, allowed=())


@pytest.mark.parametrize("url", FORBIDDEN)
def test_allowing_loopback_allows_nothing_else(url: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        check_url(url, allowed=HOME)


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?a=1", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/", "https://例子.测试/"]
)
def test_a_public_address_is_allowed(url: str) -> None:
    assert check_url(url, allowed=()).scheme == "https"


@pytest.mark.parametrize("url", [*LOOPBACK, "http://127.0.0.1:8080/", "http://localhost/", "http://127.8.8.8/"])
def test_loopback_is_allowed_where_a_setting_says_so(url: str) -> None:
    assert check_url(url, allowed=HOME)


@pytest.mark.parametrize("address", ["::ffff:8.8.8.8", "64:ff9b::808:808", "1.1.1.1", "2400:cb00::1"])
def test_a_public_address_is_public_in_any_disguise(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_as_public_as_it_is_without(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(0xFFFF << 32 | int(address))
    translated = ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | int(address))
    assert is_public(mapped) == is_public(translated) == is_public(address)
    if address.is_private or address.is_multicast or address.is_link_local:
        assert not is_public(address)


@given(st.text(max_size=60), st.booleans())
def test_no_text_raises_anything_else(text: str, allows: bool) -> None:  # noqa: FBT001
    for url in (text, f"https://{text}/"):
        try:
            host = check_url(url, allowed=HOME if allows else ()).raw_host
        except ForbiddenTargetError:
            continue
        assert host


class Names(AbstractResolver):
    """A name server that answers each question with the next of its answers."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer."""
        del family
        self.asked += 1
        found = self.answers.pop(0)
        return [
            {"hostname": host, "host": each, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for each in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:169.254.169.254"]])
async def test_a_name_that_leads_home_is_refused_also_beside_a_public_address(answer: list[str]) -> None:
    with pytest.raises(ForbiddenTargetError):
        await PublicResolver(allowed=(), inner=Names(answer)).resolve("rebind.example", 443)


async def test_a_refused_name_is_never_connected_to() -> None:
    simulator = ApiSimulator()
    async with (
        simulator.running(),
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=PublicResolver(allowed=(), inner=Names(["127.0.0.1"])))
        ) as session,
    ):
        port = simulator.base.rpartition(":")[2]
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(f"http://rebind.example:{port}/files/none")
    assert isinstance(caught.value.os_error, ForbiddenTargetError)


async def test_a_name_is_asked_for_once_so_that_a_second_answer_gains_nothing() -> None:
    simulator = ApiSimulator()
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with simulator.running():
        resolver = PublicResolver(allowed=HOME, inner=names)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
        ) as session:
            port = simulator.base.rpartition(":")[2]
            answer = await session.get(f"http://rebind.example:{port}/files/none")
            assert answer.status == 404
    assert names.asked == 1


async def test_a_real_name_of_this_machine_is_refused_by_what_it_leads_to() -> None:
    resolver: Any = PublicResolver(allowed=())
    with pytest.raises(ForbiddenTargetError):
        await resolver.resolve("localhost", 443)
    await resolver.close()
    assert issubclass(guard.ForbiddenTargetError, OSError)


@pytest.fixture
def _nothing_allowed() -> Iterator[None]:
    """As where the operator has set nothing."""
    guard.allow("")
    yield
    guard.allow("127.0.0.0/8,::1")


@pytest.mark.usefixtures("_nothing_allowed")
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/files/none", "http://localhost:{port}/", "http://[::1]:{port}/"]
)
async def test_provider_address_that_leads_home_is_never_called(url: str) -> None:
    """By the caller that all channels have."""
    simulator = ApiSimulator()
    caller = Caller()
    async with simulator.running():
        port = simulator.base.rpartition(":")[2]
        with pytest.raises(ForbiddenTargetError):
            await caller.call("GET", url.format(port=port), most_bytes=1000, timeout_s=5)
    await caller.close()
    assert simulator.calls == 0


@pytest.mark.usefixtures("_nothing_allowed")
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "169.254.169.254", "10.0.0.1", "::1", "①②⑦.⓪.⓪.①"]
)
async def test_mail_server_that_leads_home_is_never_connected_to(host: str) -> None:
    with pytest.raises(ForbiddenTargetError):
        await connect.connected(host, 25, 5)


async def test_mail_server_with_a_name_beyond_ascii_is_one() -> None:
    with pytest.raises(OSError, match=r"[^ ]") as caught:
        await connect.addresses("邮件.invalid", 993)
    assert not isinstance(caught.value, ForbiddenTargetError)
    with pytest.raises(ForbiddenTargetError):
        await connect.addresses("邮" * 100, 993)


async def test_operator_alone_allows_a_private_network() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        connection = await connect.connected("127.0.0.1", port, 5)
        connection.close()
    inside = guard.networks_of("10.1.0.0/16")
    assert check_url("http://10.1.2.3/", allowed=inside)
    assert check_url("http://crm.internal/", allowed=inside)
    for url in ("http://10.2.0.1/", "http://127.0.0.1/", "http://localhost/", "http://example.com/"):
        with pytest.raises(ForbiddenTargetError):
            check_url(url, allowed=inside)
