"""A process whose connection was given up for good ends by itself, so that whoever started it starts it again."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.harness.nats import NatsServer

PROCESS = """
import asyncio
from nats.aio.client import Client
from backbone.process import service
from backbone.settings import Common, load

async def main(running):
    await running.link.is_open.wait()
    await Client._close(running.link, Client.CLOSED)
    await running.stopping.wait()

raise SystemExit(service.run("lost", load(Common), main))
"""


def test_a_process_without_a_link_ends_with_a_code_that_has_it_started_again(nats: NatsServer) -> None:
    """The node answered 503 until somebody restarted it, and nobody did: it was alive."""
    ended = subprocess.run(
        [sys.executable, "-c", PROCESS],
        env={**os.environ, **nats.environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "nats.lost" in ended.stdout + ended.stderr
