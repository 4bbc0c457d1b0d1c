"""Every frame as each role, as somebody of another team and of another tenant: allowed exactly as `ROLES` says."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from backbone import directory
from backbone.access import ROLES
from backbone.ids import new_event_id
from node.entry.passwords import hash_password
from node.protocol import frames as f
from tests.harness.system import PASSWORD, TENANT, System
from tests.integration.node.test_sockets import hello, raw, told
from trunkline import rest
from trunkline.connect import connected

pytestmark = pytest.mark.anyio

NO_ACTION = {f.Hello, f.Ping, f.Unsub}
REFUSED = {"access.forbidden", "access.admins_only", "access.agents_only", "resource.not_found"}


def frames(conv: str, other: str, said: str) -> list[tuple[str, dict[str, Any]]]:
    """(action, frame) of each frame that asks for something, and of each act. `other`: an agent to assign to; `said`:
    a message of the conversation's customer, which nobody else changes.
    """
    acts = {
        "take": {},
        "assign": {"agent": other},
        "release": {"reason": "not mine"},
        "resolve": {"reason": "done"},
        "reopen": {},
    }
    return [
        ("conversation.read", {"t": "sub", "conv": conv}),
        ("conversation.read", {"t": "history", "conv": conv, "before": [1, 2**40]}),
        ("conversation.write", {"t": "send", "id": new_event_id(), "conv": conv, "text": "an answer"}),
        ("conversation.note", {"t": "send", "id": new_event_id(), "conv": conv, "text": "between us", "note": True}),
        ("conversation.write", {"t": "edit", "id": new_event_id(), "conv": conv, "target": said, "text": "mine"}),
        ("conversation.write", {"t": "recall", "id": new_event_id(), "conv": conv, "target": said}),
        ("conversation.mark", {"t": "mark", "conv": conv, "read": 1}),
        ("conversation.signal", {"t": "signal", "conv": conv, "kind": "typing"}),
        *(
            (f"conversation.{do}", {"t": "act", "id": new_event_id(), "conv": conv, "act": {"do": do, **more}})
            for do, more in acts.items()
        ),
        ("conversation.list", {"t": "watch", "view": "all"}),
        ("presence.choose", {"t": "presence", "id": new_event_id(), "state": "online"}),
    ]


async def refusals(system: System, who: str, conv: str, said: str) -> dict[str, str]:
    """Why each frame is refused for want of access, by its action and `t`; those that are served are left out."""
    cookie = rest.sign_in(system.nodes[0].http, f"{who}@roles.example", PASSWORD).cookie
    found: dict[str, str] = {}
    async with raw(system.nodes[0], cookie=cookie) as socket:
        await hello(socket)
        for n, (action, frame) in enumerate(frames(conv, f"{TENANT}-agent", said)):
            await socket.send(json.dumps(frame))
            await socket.send(json.dumps({"t": "ping", "n": n}))
            while (answer := json.loads(await socket.recv()))["t"] != "pong":
                if answer["t"] == "err" and answer["code"] in REFUSED:
                    found[f"{action} {frame['t']}"] = answer["code"]
        # What is told later, beside the frames: history, and what the log refuses.
        await socket.send(json.dumps({"t": "sub", "conv": "00" + "b" * 26}))
        while (answer := await told(socket, "err"))["of"] != "sub" or answer["conv"] == conv:
            if answer["code"] in REFUSED:
                found[f"{answer['of']}"] = answer["code"]
    return found


async def people(system: System) -> tuple[str, str]:
    """An agent of each role, of another team's reach, of another tenant; a conversation and what was said in it."""
    hashed = await hash_password(PASSWORD)
    async with connected(system.common, "test") as link:
        for role in ROLES:
            await _make(link, TENANT, role, hashed, role=role)
        team = directory.Team(id="sales", name="Sales")
        await directory.change(link, directory.OPERATOR, "", f"{TENANT}.team.sales", team, 0)
        await _make(link, TENANT, "of-another-team", hashed, role="admin", reach="teams", teams=("sales",))
        await directory.create_tenant(link, "acme-roles", "Acme")
        await _make(link, "acme-roles", "of-another-tenant", hashed, role="owner")
    async with system.visitor().running() as visitor:
        stored = await visitor.send("who may read this")
        return str(stored["conv"]), str(stored["id"])


async def _make(link: Any, tenant: str, name: str, hashed: str, **more: Any) -> None:
    agent = directory.Agent(id=f"{tenant}-{name}", name=name, email=f"{name}@roles.example", password=hashed, **more)
    await directory.create_agent(link, tenant, agent)


def test_every_frame_that_asks_for_something_is_among_them() -> None:
    asked = {frame["t"] for _, frame in frames("c", "a", "m")}
    assert asked == {str(kind.__struct_config__.tag) for kind in get_args(f.ClientFrame) if kind not in NO_ACTION}


async def test_a_role_may_do_on_a_socket_exactly_what_it_holds(system: System) -> None:
    conv, said = await people(system)
    for role, held in ROLES.items():
        expected = {f"{action} {frame['t']}" for action, frame in frames(conv, "somebody", said) if action not in held}
        found = await refusals(system, role, conv, said)
        assert set(found) == expected, role
        assert set(found.values()) <= {"access.forbidden"}, role
    hidden = {f"{action} {frame['t']}" for action, frame in frames(conv, "somebody", said) if "conv" in frame}
    for who in ("of-another-team", "of-another-tenant"):
        found = await refusals(system, who, conv, said)
        assert {name for name in hidden if not name.endswith((" signal", " history"))} <= set(found), who
        assert {code for name, code in found.items() if name in hidden} == {"resource.not_found"}, who
        assert not {name for name in found if name.split()[-1] in {"watch", "presence"}}, who
