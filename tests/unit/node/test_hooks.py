"""A callback is answered within its platform's time, wherever a node waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from backbone.accounts.about import About
from node.rest import hooks

LINE = About(name="line", ack_seconds=0.7)


class Channels:
    """What is known lately; it asks a log that is silent."""

    def __init__(self, about: About | None) -> None:
        self._about = about

    def known(self, name: str) -> About | None:
        """As it was known last."""
        del name
        return self._about

    async def find(self, name: str) -> About:
        """Never."""
        await asyncio.sleep(3600)
        raise AssertionError(name)


def _request(about: About | None) -> Request:
    context: Any = SimpleNamespace(channels=Channels(about))
    app: Any = SimpleNamespace(state=SimpleNamespace(context=context))
    path = {"channel": "line", "inbox": "shop"}
    return Request({"type": "http", "method": "POST", "headers": [], "app": app, "path_params": path})


async def test_a_log_that_is_silent_is_said_before_the_platforms_time_is_over() -> None:
    async with asyncio.timeout(LINE.ack_seconds):
        answer = await hooks.callback(_request(LINE))
    assert (answer.status_code, answer.body.decode()) == (503, hooks.LATER)


@pytest.mark.parametrize(("about", "within_s"), [(None, 4.5), (About(name="line"), 4.5), (LINE, 0.2)])
def test_how_long_a_platform_is_let_wait(about: About | None, within_s: float) -> None:
    context: Any = SimpleNamespace(channels=Channels(about))
    assert hooks._within_s(context, "line") == pytest.approx(within_s)
