"""A mail as it was written: for agents of its tenant alone, without any right."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from email.message import Message

import pytest

from backbone import directory
from backbone import events as ev
from backbone.directory import Agent
from backbone.files.attachments import Attachments
from backbone.ids import new_event_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.objects import Objects
from node.entry.passwords import hash_password
from tests.harness.files import at_hand
from tests.harness.system import LIN, PASSWORD, TENANT, System
from trunkline import rest
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

SAFE = b'<p>See <b>this</b> <img src="cid:gone"> <img data-src="https://tracker.example/p.png"></p>'
SPY = "spy@acme.example"


async def _mail(system: System, conv: str, html: str) -> int:
    """Its sequence, once a customer's mail is in the log."""
    async with connected(system.common, "test") as link:
        files = Attachments(Objects(at_hand(link)), 1024 * 1024)
        saved = await files.save(TENANT, "test", html.encode(), "mail.html") if html else None
        added = ev.MessageAdded(
            id=new_event_id(),
            tenant=TENANT,
            channel="web",
            conv=conv,
            at=time.time_ns() // 1_000_000,
            by=ev.Actor("visitor", "mei"),
            kind="email",
            text="See this",
            html=saved.file if saved else "",
        )
        return (await Log(link).publish(subjects.chat(TENANT, "web", conv), added)).seq


def _got(address: str, cookie: str) -> tuple[str, Message]:
    request = urllib.request.Request(address, headers={"Cookie": cookie})  # noqa: S310 - our own node
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        return answer.read().decode(), answer.headers


async def test_an_agent_of_its_tenant_sees_it_and_nobody_else(system: System) -> None:
    node = system.nodes[0].http
    async with system.visitor().running() as visitor:
        conv = (await visitor.send("before"))["conv"]
    with_html, without = await _mail(system, conv, SAFE.decode()), await _mail(system, conv, "")
    async with connected(system.common, "test") as link:
        spy = Agent(id="spy", name="Spy", email=SPY, password=await hash_password(PASSWORD), role="admin")
        await directory.create_agent(link, "acme", spy)
    cookies = {who: (await asyncio.to_thread(rest.sign_in, node, who, PASSWORD)).cookie for who in (LIN.email, SPY)}
    address = f"{node}/api/v1/conversations/{conv}/mail"

    async def status(seq: int, cookie: str) -> int:
        answer = await asyncio.to_thread(rest.call, "GET", f"{address}/{seq}", headers={"Cookie": cookie})
        return answer.status

    shown, headers = await asyncio.to_thread(_got, f"{address}/{with_html}", cookies[LIN.email])
    assert "<b>this</b>" in shown
    assert "cid:" not in shown
    assert ' src="https://tracker' not in shown
    rules = headers["Content-Security-Policy"]
    assert "default-src 'none'" in rules
    assert "sandbox" in rules
    assert "allow-scripts" not in rules
    assert headers["Cache-Control"] == "no-store"
    asked, _ = await asyncio.to_thread(_got, f"{address}/{with_html}?remote=true", cookies[LIN.email])
    assert '<img src="https://tracker.example/p.png">' in asked
    assert await status(without, cookies[LIN.email]) == 404
    assert await status(10**9, cookies[LIN.email]) == 404
    assert await status(with_html, cookies[SPY]) == 404
    assert await status(with_html, "") == 401
