"""Addresses that tenants and platforms choose are called by the guarded caller alone, whatever the channel."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.channels.kit.account_kit import AccountKit
from adapters.channels.telegram import Telegram
from backbone.channel import FaultError, Pause, Rejected
from backbone.outside import guard
from backbone.outside.http import Caller

ROOT = Path(__file__).parents[4]
CALLERS = {"aiohttp", "httpx2", "httpx", "requests", "urllib3", "urllib.request", "http.client", "asyncio.streams"}
OTHERS = {
    # HTTP/2 to Apple, over addresses that `connect` checked.
    "adapters/channels/app/client.py",
}


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
        elif isinstance(node, ast.Attribute) and node.attr in {"open_connection", "create_connection"}:
            found.add(node.attr)
    return found


def test_no_channel_calls_by_a_way_of_its_own() -> None:
    for folder in ("adapters/channels", "backbone/channel"):
        for path in (ROOT / folder).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            imported = _imported(path)
            assert name in OTHERS or not imported & CALLERS, name
            # Over a socket that `connect` gave.
            assert "open_connection" not in imported
            assert "create_connection" not in imported or "backbone.outside.connect" in imported, name


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://169.254.169.254", "https://10.0.0.1"])
async def test_tenants_admin_and_platform_reach_nothing_inside(address: str) -> None:
    """An address of the account pauses it; one in a platform's answer is refused by itself."""
    settings = Telegram.Account(token="1:a", api=address)
    account = cast("Any", SimpleNamespace(tenant="main", id="bot", settings=settings))
    caller = Caller()
    kit = AccountKit(cast("Any", None), Telegram(), account, caller, cast("Any", None), 1000)
    guard.allow("")
    try:
        with pytest.raises(FaultError) as caught:
            await kit.call(f"{address}/bot1:a/getMe", json={}, token="")
        assert isinstance(caught.value.fault, Pause)
        with pytest.raises(FaultError) as caught:
            await kit.call(f"{address.replace('://', '://user.')}.nip.internal/", method="GET", token="")
        assert isinstance(caught.value.fault, Rejected)
    finally:
        guard.allow("127.0.0.0/8,::1")
        await caller.close()
