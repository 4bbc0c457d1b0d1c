"""`trunkline dev simulate`: a platform on this machine, and a page on which a person is its customer."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator

import pytest

from tests.harness.ports import free_port
from tests.harness.processes import start_trunkline


@pytest.fixture
def page() -> Iterator[str]:
    """Address of the page of a simulated Telegram whose callbacks nobody takes."""
    hook = f"http://127.0.0.1:{free_port()}"
    asked = ["dev", "simulate", "telegram", "--node", hook, "--inbox", "bot"]
    process = start_trunkline(asked, {"PYTHONUNBUFFERED": "1"}, subprocess.PIPE, "trunkline")
    assert process.stdout is not None
    said = b"".join(iter(process.stdout.readline, b"END\n")).decode()
    assert f"{hook}/hooks/telegram/bot" in said
    assert json.loads(said.splitlines()[-1])["updates"] == "webhook"
    yield said.split("page of a customer: ", 1)[1].split("\n", 1)[0]
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


def _get(address: str) -> bytes:
    content: bytes = urllib.request.urlopen(address, timeout=30).read()  # noqa: S310 - our own process
    return content


def test_what_the_person_writes_is_delivered_and_shown(page: str) -> None:
    assert b"You are the customer" in _get(page)
    body = json.dumps({"peer": "ann", "text": "hello"}).encode()
    asked = urllib.request.Request(f"{page}sim/say", body)  # noqa: S310 - the same
    urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310 - the same
    state = json.loads(_get(f"{page}sim/state"))
    assert [(line["mine"], line["text"]) for line in state["customers"]["ann"]] == [(True, "hello")]
    assert state["name"] == "telegram"


def test_a_channel_without_a_simulator_is_told_what_it_lacks() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "trunkline", "dev", "simulate", "pigeon"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (said.returncode, "trunkline.simulators" in said.stderr) == (1, True)
