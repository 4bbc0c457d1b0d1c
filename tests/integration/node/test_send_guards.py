"""What a message may name, where it may go, and who may say it: each guard of sending alone, over REST and sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest

from backbone.ids import new_event_id
from tests.harness.apart import run_apart
from tests.harness.system import System
from tests.integration.node.company import Answer, Company
from tests.integration.node.test_sockets import hello, raw, told
from trunkline import rest

INBOX: Final = "guarded"


@pytest.fixture(scope="module")
def firm(system: System) -> Iterator[Company]:
    with Company(system, "guarded-firm") as company:
        made = company.ask("ada", "POST", "settings/inboxes", {"id": INBOX, "name": "Guarded", "reopen_window_s": 0})
        assert made.status == 201
        yield company


class Visitor:
    """Somebody who writes to the company."""

    def __init__(self, firm: Company) -> None:
        self._firm = firm
        self._token, self.contact = rest.become_visitor(firm.system.nodes[0].http, INBOX)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """One request."""
        return self._firm.ask("", method, path, body, Authorization=f"Bearer {self._token}")

    def open(self, text: str = "hello") -> str:
        """A conversation of theirs."""
        answer = self.ask("POST", "messages", {"text": text})
        assert answer.status == 201, answer
        return str(answer.body["conv"])

    def upload(self) -> str:
        """A file of theirs."""
        answer = rest.upload(self._firm.system.nodes[0].http, "a.txt", b"mine", "text/plain", token=self._token)
        assert answer.status == 201, answer
        return str(answer.body["file"])


def test_a_file_that_somebody_else_uploaded_goes_into_no_message(firm: Company) -> None:
    writer, other = Visitor(firm), Visitor(firm)
    file = other.upload()
    conv = writer.open()
    for path, body in ((f"conversations/{conv}/messages", {"text": "x"}), ("messages", {"text": "x"})):
        refused = writer.ask("POST", path, {**body, "attachments": [file]})
        assert (refused.status, refused.code, refused.body["field"]) == (403, "file.not_yours", "attachments")
    own = other.ask("POST", f"conversations/{other.open()}/messages", {"text": "x", "attachments": [file]})
    assert own.status == 201


def test_a_note_mentions_agents_of_the_tenant_alone(firm: Company) -> None:
    conv = Visitor(firm).open()
    path = f"conversations/{conv}/messages"
    for mentions in (["nobody"], ["mei", "nobody"]):
        refused = firm.ask("lin", "POST", path, {"text": "look", "note": True, "mentions": mentions})
        assert (refused.status, refused.code, refused.body["field"]) == (422, "mention.unknown_agent", "mentions")
    assert firm.ask("lin", "POST", path, {"text": "look", "note": True, "mentions": ["mei"]}).status == 201


def test_a_customer_adds_nothing_to_what_is_over(firm: Company) -> None:
    """The inbox reopens nothing: its window is 0 s."""
    writer = Visitor(firm)
    conv = writer.open()
    for do in ("take", "resolve"):
        assert firm.ask("lin", "POST", f"conversations/{conv}/acts", {"act": {"do": do}}).status == 200
    refused = writer.ask("POST", f"conversations/{conv}/messages", {"text": "one more thing"})
    assert (refused.status, refused.code) == (409, "conversation.closed")
    shown = writer.ask("GET", f"conversations/{conv}/events").body["events"]
    assert [event["text"] for _, _, event in shown if event["type"] == "message.added"] == ["hello"]


def test_who_may_only_read_writes_to_nobody_first(firm: Company) -> None:
    """A socket's `send` asks for no action of its route: the use-case does."""
    writer = Visitor(firm)
    writer.open()
    firm.set_agent("mei", role="auditor")

    async def sent() -> dict[str, Any]:
        async with raw(firm.system.nodes[0], cookie=firm.cookie("mei")) as socket:
            await hello(socket)
            to = {"inbox": INBOX, "contact": writer.contact}
            await socket.send(json.dumps({"t": "send", "id": new_event_id(), "to": to, "text": "hello"}))
            return await told(socket, "err")

    try:
        assert run_apart(sent())["code"] == "access.forbidden"
    finally:
        firm.set_agent("mei", role="agent")


def test_an_agent_writes_first_to_nobody_whose_conversation_they_dont_see(firm: Company) -> None:
    writer = Visitor(firm)
    conv = writer.open()
    assert firm.ask("lin", "POST", f"conversations/{conv}/acts", {"act": {"do": "take"}}).status == 200
    firm.set_agent("mei", reach="own")
    message = {"to": {"inbox": INBOX, "contact": writer.contact}, "text": "hello"}
    try:
        refused = firm.ask("mei", "POST", "messages", message)
        assert (refused.status, refused.code, refused.body["field"]) == (422, "contact.not_found", "to.contact")
        assert firm.ask("lin", "POST", "messages", message).status == 201
    finally:
        firm.set_agent("mei", reach="all")


@pytest.mark.parametrize("more", [{"subject": "Hello"}, {"cc": []}, {"cc": ["ann@elsewhere.example"]}])
def test_what_only_mail_has_is_refused_elsewhere(firm: Company, more: dict[str, Any]) -> None:
    writer = Visitor(firm)
    conv = writer.open()
    refused = firm.ask("lin", "POST", f"conversations/{conv}/messages", {"text": "hello", **more})
    assert (refused.status, refused.code, refused.body["field"]) == (422, "mail.not_taken", next(iter(more)))
    first = {"to": {"inbox": INBOX, "contact": writer.contact}, "text": "hello", **more}
    assert firm.ask("lin", "POST", "messages", first).code == "mail.not_taken"
    to = {"inbox": INBOX, "address": "ann@elsewhere.example"}
    refused = firm.ask("lin", "POST", "messages", {"to": to, "text": "hello"})
    assert (refused.status, refused.code, refused.body["field"]) == (422, "mail.not_taken", "to.address")


def test_a_stranger_learns_not_even_whether_a_message_was_sent_before(firm: Company) -> None:
    """An old id is looked up in the conversation: for those alone who may write there."""
    writer, stranger = Visitor(firm), Visitor(firm)
    conv = writer.open()
    old = f"{round(time.time() * 1000) - 3_600_000:012x}"
    message = {"id": f"{old[:8]}-{old[8:]}-7000-8000-000000000001", "text": "said an hour ago"}
    path = f"conversations/{conv}/messages"
    assert writer.ask("POST", path, message).status == 201
    for text in ("said an hour ago", "something else"):
        refused = stranger.ask("POST", path, {**message, "text": text})
        assert (refused.status, refused.code) == (404, "resource.not_found")
    again = writer.ask("POST", path, message)
    assert again.status == 201
