"""What is kept of the page where the chat is shown."""

from __future__ import annotations

import pytest

from node.entry.referring import PAGE_MOST, allowed_of, kept

ALLOWED = allowed_of("utm_*, Ref")


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("https://shop.example/cart?token=s3cret&email=li@example.com#pay", "https://shop.example/cart"),
        (
            "https://shop.example/?utm_source=ad&session=1&REF=7&utm_term=a%20b",
            "https://shop.example/?utm_source=ad&REF=7&utm_term=a+b",
        ),
        ("HTTPS://li:password@shop.example:8443/a", "https://shop.example:8443/a"),
        ("http://shop.example", "http://shop.example"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https://[broken", ""),
        ("Orders > 4711?token=s3cret", "Orders > 4711"),
        ("myapp://orders?token=s3cret", "myapp://orders"),
        ("", ""),
        ("https://shop.example/" + "a" * 5000, ("https://shop.example/" + "a" * 5000)[:PAGE_MOST]),
        ("https://shop.example/?utm_source=" + "a" * 5000, "https://shop.example/?utm_source=" + "a" * 200),
    ],
)
def test_what_a_host_page_holds_in_its_query_is_not_kept(address: str, stays: str) -> None:
    assert kept(address, ALLOWED) == stays


def test_nothing_of_a_query_stays_where_nothing_is_allowed() -> None:
    assert kept("https://shop.example/?utm_source=ad", allowed_of("")) == "https://shop.example/"
