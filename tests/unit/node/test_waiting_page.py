"""What stands in a chat's window while its inbox can't be looked up."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from node import waiting_page


def page(language: str) -> tuple[str, dict[str, str]]:
    headers = [(b"accept-language", language.encode())]
    answer = waiting_page.response(
        Request({"type": "http", "method": "GET", "path": "/widget/web", "headers": headers})
    )
    assert answer.status_code == 503
    return bytes(answer.body).decode(), dict(answer.headers)


def test_the_page_of_a_chat_that_can_not_be_looked_up_holds_no_script_and_nothing_of_the_inbox() -> None:
    body, headers = page("en-GB,en;q=0.9")
    assert "<script" not in body
    assert "web" not in body
    rules = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "form-action 'none'", "base-uri 'none'"} <= set(rules)
    assert not any(rule.startswith("script-src") or "unsafe" in rule for rule in rules)
    assert headers["cache-control"] == "no-store"
    assert 3 <= int(headers["refresh"]) <= 8


@pytest.mark.parametrize(
    ("language", "found"),
    [
        ("zh-TW,en;q=0.8", "zh-CN"),
        ("fr-FR, ZH;q=0.5", "zh-CN"),
        ("en", "en"),
        ("fr,de", "en"),
        ("", "en"),
        ("," * 9_999, "en"),
    ],
)
def test_it_speaks_the_first_language_of_the_browser_that_it_knows(language: str, found: str) -> None:
    assert f'<html lang="{found}">' in page(language)[0]
