"""Which `Host` is one of this node's."""

from __future__ import annotations

import pytest

from backbone.errors import InvalidInputError
from node.entry.origins import checked_origins
from node.rest.hosts import is_ours, names_of
from node.settings import NodeSettings

NAMES = names_of(NodeSettings(public_url="https://Desk.Example.com/x", hosts="node, chat.example.com"))


@pytest.mark.parametrize(
    "host",
    [
        "desk.example.com",
        "DESK.example.com:443",
        "node:8080",
        "chat.example.com.",
        "localhost:8080",
        "127.0.0.1:8080",
        "10.0.0.7",
        "[::1]:8080",
        "[2001:db8::1]",
    ],
)
def test_its_names_and_addresses_in_figures_are(host: str) -> None:
    assert is_ours(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "rebound.evil.example",
        "desk.example.com.evil.example",
        "localhost.evil.example",
        "",
        "[",
        "127.0.0.1.evil.example",
    ],
)
def test_a_name_that_somebody_pointed_here_is_not(host: str) -> None:
    assert not is_ours(host, NAMES)
    assert is_ours(host, names_of(NodeSettings(hosts="*"))) == (host != "[")


def test_sites_are_written_as_browsers_do() -> None:
    given = ["https://Shop.example.com/", "http://localhost:3000", "https://*.example.com", "https://shop.example.com"]
    assert checked_origins(given) == ("https://shop.example.com", "http://localhost:3000", "https://*.example.com")
    assert checked_origins(["*"]) == ("*",)
    assert checked_origins([]) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        "https://a.example; script-src *",
        "shop.example",
        "https://a.example/path",
        "javascript:1",
        "https://",
        "'self'",
        "",
    ],
)
def test_what_is_no_site_does_not_get_into_a_policy(wrong: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked_origins(["https://shop.example", wrong])
    assert refused.value.code == "inbox.origins"
    with pytest.raises(InvalidInputError):
        checked_origins(["https://shop.example"] * 51)
