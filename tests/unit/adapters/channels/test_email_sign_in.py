"""How we sign in at a mail server that sends: sealed connections, tokens that end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.channels.email import Email
from adapters.channels.email.servers import imap
from backbone.channel import FaultError, Pause
from backbone.outside import guard
from tests.simulators.email import ADDRESS, PASSWORD, EmailSimulator
from tests.unit.adapters.channels.kit_email import kit_for, out, refused


@pytest.fixture
async def provider() -> AsyncIterator[EmailSimulator]:
    async with EmailSimulator(is_read=False).running() as running:
        yield running


@pytest.mark.parametrize(
    ("own", "password"),
    [
        ({"smtp_auth": "password", "smtp_user": ADDRESS, "smtp_password": PASSWORD}, "of the mailbox alone"),
        ({}, PASSWORD),
    ],
)
async def test_smtp_has_a_login_of_its_own_where_it_is_somebody_elses(
    provider: EmailSimulator, own: dict[str, str], password: str
) -> None:
    async with kit_for(provider, user="mailbox" if own else "", password=password, **own) as (kit, acc):
        await Email().send(out(), acc, kit)
    assert len(provider.accepted) == 1


@pytest.mark.parametrize(
    ("settings", "is_tried"), [({"smtp_auth": "none"}, False), ({"smtp_auth": "password"}, False), ({}, True)]
)
async def test_a_relay_without_login_is_given_no_password(
    provider: EmailSimulator, settings: dict[str, str], *, is_tried: bool
) -> None:
    tried: list[str] = []
    provider.refuses_password = lambda user, *_, **__: bool(tried.append(user)) or True  # type: ignore[method-assign]
    async with kit_for(provider, **settings) as (kit, acc):
        fault = await refused(out(), acc, kit)
    assert isinstance(fault, Pause)
    assert bool(tried) is is_tried
    # What it says of a mail by somebody who isn't in is all that goes wrong.
    assert ("530" in fault.reason) is not is_tried


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_the_connection_is_sealed_and_the_certificate_checked(security: Any) -> None:
    async with EmailSimulator(security=security, is_read=False).running() as provider:
        async with kit_for(provider) as (kit, acc):
            await Email().send(out(), acc, kit)
        assert len(provider.accepted) == 1
        async with kit_for(provider, ca="") as (kit, acc):
            assert await refused(out(), acc, kit) == Pause("The certificate of 127.0.0.1 isn't trusted.")
        async with kit_for(provider, ca="no certificate") as (kit, acc):
            assert isinstance(await refused(out(), acc, kit), Pause)
    assert len(provider.accepted) == 1


async def test_a_server_without_starttls_gets_no_password(provider: EmailSimulator) -> None:
    async with kit_for(provider, smtp_security="starttls") as (kit, acc):
        fault = await refused(out(), acc, kit)
    assert isinstance(fault, Pause)
    assert provider.calls == 0


async def test_a_token_that_has_ended_is_renewed_once() -> None:
    async with EmailSimulator(auth="xoauth2", is_read=False).running() as provider, kit_for(provider) as (kit, acc):
        await Email().send(out(), acc, kit)
        provider.script("token")
        await Email().send(out(key="f" * 32), acc, kit)
        assert kit.fetched == 2
        assert len(provider.accepted) == 2
        provider.script("refused")
        assert isinstance(await refused(out(key="e" * 32), acc, kit), Pause)
        assert [each["grant_type"] for each in provider.granted] == ["refresh_token"] * 3


async def test_a_refresh_token_that_changes_is_kept_for_the_next() -> None:
    async with EmailSimulator(auth="xoauth2", is_read=False).running() as provider, kit_for(provider) as (kit, acc):
        provider.rotates = True
        for number in range(3):
            await Email().send(out(key=f"{number:032x}"), acc, kit)
            await kit.forget_token()
        assert provider.granted[0]["refresh_token"] == "first-refresh-token"
        assert len({each["refresh_token"] for each in provider.granted}) == 3


async def test_an_application_signs_in_for_itself_where_there_is_no_refresh_token() -> None:
    scope = "https://outlook.office365.com/.default"
    async with (
        EmailSimulator(auth="xoauth2", is_read=False).running() as provider,
        kit_for(provider, refresh_token="", scope=scope) as (kit, acc),
    ):
        await Email().send(out(), acc, kit)
    (asked,) = provider.granted
    assert asked["grant_type"] == "client_credentials"
    assert asked["scope"] == scope


async def test_a_refused_refresh_token_pauses_the_account() -> None:
    async with (
        EmailSimulator(auth="xoauth2", is_read=False).running() as provider,
        kit_for(provider, refresh_token="another") as (kit, acc),
    ):
        fault = await refused(out(), acc, kit)
    assert fault == Pause('The token server refuses the account: 400 {"error":"invalid_grant"}')


async def test_mail_servers_that_lead_home_are_never_connected_to(provider: EmailSimulator) -> None:
    """However a tenant's admin names this machine; the operator allowed nothing."""
    guard.allow("")
    try:
        for host in ("127.0.0.1", "localhost", "::ffff:127.0.0.1"):
            async with kit_for(provider, smtp_host=host, imap_host=host) as (kit, acc):
                assert isinstance(await refused(out(), acc, kit), Pause)
                with pytest.raises(FaultError) as caught:
                    async with imap.opened(acc, kit):
                        pass
                assert isinstance(caught.value.fault, Pause)
                assert "isn't allowed" in caught.value.fault.reason
    finally:
        guard.allow("127.0.0.0/8,::1")
    assert provider.calls == 0
