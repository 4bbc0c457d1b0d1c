"""A mail's page: its own pictures come along, others only if they are asked for, and it may do nothing."""

from __future__ import annotations

from node.rest.mail import page, policy

SAFE = (
    '<p>See <img src="cid:a&amp;b@x"> and <img src="cid:gone"> and '
    '<img data-src="https://tracker.example/p.png"> <a href="https://shop.example" target="_blank">shop</a></p>'
)
DATA = "data:image/png;base64,AAAA"


def test_own_pictures_come_along_and_remote_ones_wait() -> None:
    shown = page(SAFE, {"a&b@x": DATA}, is_remote=False)
    assert f'<img src="{DATA}">' in shown
    assert "cid:" not in shown
    assert ' src="https://tracker' not in shown


def test_remote_pictures_are_shown_where_somebody_asks() -> None:
    assert '<img src="https://tracker.example/p.png">' in page(SAFE, {}, is_remote=True)
    assert "img-src data: https:" in policy(is_remote=True)["Content-Security-Policy"]


def test_nothing_runs_and_nothing_is_loaded() -> None:
    rules = policy(is_remote=False)["Content-Security-Policy"]
    for rule in ("default-src 'none'", "img-src data:;", "frame-ancestors 'self'", "sandbox allow-popups"):
        assert rule in rules
    assert "allow-scripts" not in rules
    assert "allow-same-origin" not in rules
