"""What a desk does, over REST alone: send, act, mark, presence; and the script of docs/examples that does it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Final

import pytest

from backbone import acts
from tests.harness.log import stored_events
from tests.harness.system import EMMA, INBOX, LIN, PASSWORD, System, running_system
from tests.harness.waiting import wait_until
from trunkline import rest

pytestmark = pytest.mark.anyio

SCRIPT: Final = Path(__file__).parents[3] / "docs" / "examples" / "desk.py"
MOST_LINES: Final = 60


class Caller:
    """Somebody at a node; call it with a method and a path."""

    def __init__(self, http: str, headers: dict[str, str]) -> None:
        self.http = http
        self.headers = headers

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> rest.Answer:
        """One request."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return rest.call(method, f"{self.http}/api/v1{path}", body, headers={**self.headers, **more})


def agent(system: System, node: int = 0, login: Any = LIN) -> Caller:
    answer = rest.sign_in(system.nodes[0].http, login.email, login.password)
    return Caller(system.nodes[node].http, {"Cookie": answer.cookie})


def visitor(system: System, node: int = 0) -> Caller:
    token, _ = rest.become_visitor(system.nodes[0].http, INBOX)
    return Caller(system.nodes[node].http, {"Authorization": f"Bearer {token}"})


def opened(system: System, text: str = "hello") -> tuple[Caller, str]:
    writer = visitor(system)
    answer = writer("POST", "/messages", {"text": text})
    assert answer.status == 201, answer
    return writer, answer.body["conv"]


async def test_a_conversation_goes_from_hello_to_resolved(system: System) -> None:
    writer, conv = opened(system)
    lin = agent(system, node=1)
    assert lin("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}}).status == 200
    said = lin("POST", f"/conversations/{conv}/messages", {"text": "what can I do for you?"})
    assert (said.status, said.body["conv"]) == (201, conv)
    assert lin("POST", f"/conversations/{conv}/messages", {"text": "knows us", "note": True}).status == 201
    assert writer("PUT", f"/conversations/{conv}/mark", {"read": said.body["seq"]}).status == 204
    assert lin("POST", f"/conversations/{conv}/acts", {"act": {"do": "resolve", "reason": "done"}}).status == 200
    shown = writer("GET", f"/conversations/{conv}/events").body["events"]
    texts = [event["text"] for _, _, event in shown if event["type"] == "message.added"]
    assert texts == ["hello", "what can I do for you?"]
    types = [stored.event["type"] for stored in await stored_events(system, conv)]
    assert types.count("message.added") == 3
    assert {"conversation.assigned", "read.marked", "conversation.resolved"} <= set(types)


def test_an_agent_chooses_what_they_are(system: System) -> None:
    lin = agent(system)
    assert lin("PUT", "/me/presence", {"state": "away"}).status == 200
    states = {one["id"]: one["state"] for one in lin("GET", "/agents").body["items"]}
    assert states[LIN.id] == "away"
    assert lin("PUT", "/me/presence", {"state": "online"}).status == 200


async def test_a_key_sent_twice_to_two_nodes_stores_one_message_and_gives_one_answer(system: System) -> None:
    _, conv = opened(system)
    key = str(uuid.uuid4())
    sent = [
        agent(system, node=node)("POST", f"/conversations/{conv}/messages", {"text": "once"}, Idempotency_Key=key)
        for node in (0, 1)
    ]
    assert [answer.status for answer in sent] == [201, 201]
    assert sent[0].body == sent[1].body
    assert [s.event["id"] for s in await stored_events(system, conv)].count(key) == 1
    other = agent(system)("POST", f"/conversations/{conv}/messages", {"text": "twice"}, Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (409, "id.taken")


async def test_an_act_sent_twice_to_two_nodes_is_done_once(system: System) -> None:
    _, conv = opened(system)
    key = str(uuid.uuid4())
    done = [
        agent(system, node=node)("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}}, Idempotency_Key=key)
        for node in (0, 1)
    ]
    assert [answer.status for answer in done] == [200, 200]
    types = [stored.event["type"] for stored in await stored_events(system, conv)]
    assert types.count("conversation.assigned") == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"text": ""}, 422, "text.empty", "text"),
        ({"text": "a\0b"}, 422, "text.invalid", "text"),
        ({"text": "x" * 20_000}, 422, "text.too_long", "text"),
        ({"text": "x", "id": "1"}, 422, "id.uuid", "id"),
        ({"text": "x", "id": "00000000-0000-8000-8000-000000000000"}, 422, "id.uuid", "id"),
        ({"text": "x", "note": True}, 403, "access.agents_only", "note"),
        ({"text": "x", "attachments": ["../.."]}, 422, "id.uuid", "attachments"),
    ],
)
def test_a_message_that_cant_be_sent_names_its_field(
    system: System, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    answer = visitor(system)("POST", "/messages", body)
    assert (answer.status, answer.body["code"], answer.body["field"]) == (status, code, field)


def test_what_isnt_legal_is_refused_with_the_code_of_the_table(system: System) -> None:
    writer, conv = opened(system)
    lin, emma = agent(system), agent(system, login=EMMA)
    assert lin("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}}).status == 200
    taken = emma("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}})
    assert (taken.status, taken.body["code"]) == (409, "conversation.taken")
    assert taken.body["detail"] == acts.SAID["conversation.taken"]
    unknown = lin("POST", f"/conversations/{conv}/acts", {"act": {"do": "close"}})
    assert (unknown.status, unknown.body["code"]) == (422, "body.invalid")
    own = writer("POST", f"/conversations/{conv}/acts", {"act": {"do": "resolve"}})
    assert (own.status, own.body["code"]) == (403, "access.agents_only")
    stranger = visitor(system)("POST", f"/conversations/{conv}/messages", {"text": "let me in"})
    assert (stranger.status, stranger.body["code"]) == (404, "resource.not_found")


def test_a_visitors_messages_are_limited_without_a_socket_too(system: System) -> None:
    writer, conv = opened(system)
    answers = [writer("POST", f"/conversations/{conv}/messages", {"text": str(n)}) for n in range(60)]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused, "60 messages at once were taken of a visitor who may send 20"
    assert {answer.body["code"] for answer in refused} == {"limit.rate"}


def test_the_example_answers_and_resolves_by_the_standard_library_alone(tmp_path: Path) -> None:
    """Routing makes the rows of the queue; nobody is connected to whom it could give the conversation."""
    assert len(SCRIPT.read_text().splitlines()) < MOST_LINES
    with running_system(tmp_path, adapters=("routing",), agents=(EMMA,)) as system:
        writer, conv = opened(system, "is anybody there?")
        emma = agent(system, login=EMMA)
        wait_until(lambda: emma("GET", "/conversations?view=queue").body["items"], "it is in the queue", 20)
        ran = subprocess.run(
            [sys.executable, "-I", str(SCRIPT), system.nodes[0].http, EMMA.email, "Yes."],
            env={**os.environ, "TRUNKLINE_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert "is anybody there?" in ran.stdout
        assert f"answered and resolved {conv}" in ran.stdout
        shown = writer("GET", f"/conversations/{conv}/events").body["events"]
        assert [e["text"] for _, _, e in shown if e["type"] == "message.added"] == ["is anybody there?", "Yes."]
        assert [e["type"] for _, _, e in shown if e["type"] == "conversation.resolved"]


async def test_an_agent_changes_and_withdraws_what_they_said_and_nobody_else_does(system: System) -> None:
    writer, conv = opened(system)
    lin, emma = agent(system), agent(system, node=1, login=EMMA)
    assert lin("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}}).status == 200
    mid, other = (str(uuid.uuid4()) for _ in range(2))
    assert lin("POST", f"/conversations/{conv}/messages", {"id": mid, "text": "tomorow"}).status == 201
    place = f"/conversations/{conv}/messages/{mid}"
    assert (emma("DELETE", place).status, emma("DELETE", place).body["code"]) == (403, "message.not_yours")
    assert writer("PUT", place, {"text": "x"}).body["code"] == "message.not_yours"
    assert visitor(system)("DELETE", place).status == 404
    assert lin("PUT", f"/conversations/{conv}/messages/{other}", {"text": "x"}).body["code"] == "message.not_found"
    assert lin("PUT", place, {"text": " "}).body["code"] == "text.empty"
    assert lin("PUT", place, {"text": "to\x00morrow"}).body["code"] == "text.invalid"
    key = str(uuid.uuid4())
    again = [agent(system, node=n)("PUT", place, {"id": key, "text": "tomorrow"}) for n in (0, 1)]
    assert [one.status for one in again] == [200, 200]
    assert again[0].body == again[1].body
    assert lin("DELETE", place, Idempotency_Key=str(uuid.uuid4())).status == 200
    assert lin("DELETE", place).body["code"] == "message.withdrawn"
    shown = writer("GET", f"/conversations/{conv}/events").body["events"]
    changes = [(e["type"], e["target"]) for _, _, e in shown if e["type"] in {"message.edited", "message.recalled"}]
    assert changes == [("message.edited", mid), ("message.recalled", mid)]


async def test_a_note_that_is_changed_reaches_no_visitor(system: System) -> None:
    writer, conv = opened(system)
    lin = agent(system)
    mid = str(uuid.uuid4())
    assert lin("POST", f"/conversations/{conv}/messages", {"id": mid, "text": "a note", "note": True}).status == 201
    assert lin("PUT", f"/conversations/{conv}/messages/{mid}", {"text": "another"}).status == 200
    assert lin("DELETE", f"/conversations/{conv}/messages/{mid}").status == 200
    shown = writer("GET", f"/conversations/{conv}/events").body["events"]
    assert not [e for _, _, e in shown if e.get("target") == mid or e.get("note")]
