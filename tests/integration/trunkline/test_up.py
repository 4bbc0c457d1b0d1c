"""`trunkline up`, as a person starts it: one command, everything runs, Ctrl-C ends all of it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.machine import children, name_of
from tests.harness.up import Up, trunkline, up
from tests.harness.waiting import wait_until
from trunkline import rest

pytestmark = pytest.mark.timeout(120)

ADMIN = {"TRUNKLINE_ADMIN_EMAIL": "ops@example.com", "TRUNKLINE_ADMIN_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that several tests leave as they found it. Its first admin is made without anybody at the keyboard."""
    with up(tmp_path_factory.mktemp("standing"), environment=ADMIN) as running:
        yield running


def test_one_command_starts_everything_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    """Addresses, durability and the admin's link are printed, which works; doctor is content; nobody is left."""
    with up(tmp_path) as running:
        said = running.said()
        assert f"{running.http}/" in said
        assert "on the disk before it counts as sent" in said
        assert rest.call("GET", f"{running.http}/readyz").status == 200
        person = {"name": "Ops", "email": "ops@example.com", "password": "correct horse battery"}
        joining = {"token": _token(said), **person}
        assert rest.call("POST", f"{running.http}/api/v1/invitations/accept", joining).body["agent"]["role"] == "admin"
        family = [running.process.pid, *children(running.process.pid)]
        assert sorted(map(name_of, family[1:])) == ["adapter routing", "adapter warehouse", "nats-server", "node"]
        _wait_until_well(running.data)
        assert running.stop() == 0
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    assert not (running.data / "running.json").exists()


@pytest.mark.rest
def test_the_printed_link_makes_the_first_admin_once(tmp_path: Path) -> None:
    """A new start makes the old link void; the link of the last start works for one person."""
    with up(tmp_path) as first:
        void = _token(first.said())
    first.output.unlink()
    with up(tmp_path) as running:
        token = _token(running.said())
        person = {"name": "Ops", "email": "ops@example.com", "password": "correct horse battery"}
        path = f"{running.http}/api/v1/invitations/accept"
        assert rest.call("POST", path, {"token": void, **person}).status == 410
        accepted = rest.call("POST", path, {"token": token, **person})
        assert accepted.status == 200
        assert accepted.body["agent"]["role"] == "admin"
        assert rest.call("POST", path, {"token": token, **person, "email": "b@example.com"}).status == 410
        assert rest.call("GET", f"{running.http}/api/v1/me", headers={"Cookie": accepted.cookie}).status == 200
    running.output.unlink()
    with up(tmp_path) as again:
        assert "/#/join/" not in again.said()


def test_the_environment_can_make_the_first_admin(standing: Up) -> None:
    assert "/#/join/" not in standing.said()
    answer = rest.sign_in(standing.http, *ADMIN.values())
    assert answer.status == 200


def test_a_weak_admin_password_stops_the_start_and_says_why(tmp_path: Path) -> None:
    running = Up(tmp_path, environment={**ADMIN, "TRUNKLINE_ADMIN_PASSWORD": "short"})
    assert running.process.wait(60) == 1
    assert "10 characters" in running.said()


def test_a_second_up_on_the_same_folder_is_refused(standing: Up) -> None:
    second = trunkline("up", "--data", str(standing.data), "--port", "0")
    assert second.returncode == 1
    assert f"in use by another `trunkline up` (process {standing.process.pid})" in second.stderr


def test_a_port_in_use_is_named_with_the_fix(tmp_path: Path, standing: Up) -> None:
    second = trunkline("up", "--data", str(tmp_path / "other"), "--port", str(standing.port))
    assert second.returncode == 1
    assert f"127.0.0.1:{standing.port}" in second.stderr
    assert "--port" in second.stderr


def test_a_killed_node_is_started_again_and_no_connection_is_refused(standing: Up) -> None:
    """While the node is away, connections wait in the socket that `up` holds."""
    node = standing.child("node")
    os.kill(node, signal.SIGKILL)
    connection = http.client.HTTPConnection("127.0.0.1", standing.port, timeout=30)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
    assert standing.child("node") != node
    assert "node was ended by SIGKILL; starting it again" in standing.said()
    wait_until(lambda: rest.call("GET", f"{standing.http}/readyz").status == 200)


def test_a_killed_nats_server_comes_back_where_it_was(standing: Up) -> None:
    """The others reconnect by themselves; readiness falls and returns."""
    os.kill(standing.child("nats-server"), signal.SIGKILL)
    wait_until(lambda: "nats-server was ended by SIGKILL" in standing.said())
    wait_until(lambda: rest.call("GET", f"{standing.http}/readyz").status == 200)
    token, _ = rest.become_visitor(standing.http, "web")
    assert token


@pytest.mark.rest
def test_children_end_with_a_killed_up_and_the_next_start_is_clean(tmp_path: Path) -> None:
    """`kill -9` of `up` itself."""
    with up(tmp_path) as running:
        family = children(running.process.pid)
        running.process.kill()
        running.process.wait(10)
        wait_until(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()])
        assert "Nothing runs on" in trunkline("doctor", "--data", str(running.data)).stderr
    running.output.unlink()
    with up(tmp_path):
        pass


@pytest.mark.rest
def test_the_demo_has_agents_who_can_sign_in_and_a_visitor_who_talks(tmp_path: Path) -> None:
    with up(tmp_path, "--demo") as running:
        logins = re.findall(r"^  (\S+@demo\.example)\s+(\S+)  (.+)$", running.said(), re.MULTILINE)
        assert len(logins) == 3
        for email, password, name in logins:
            answer = rest.sign_in(running.http, email, password)
            assert answer.status == 200
            assert answer.body["agent"]["name"] == name
        assert rest.call("GET", f"{running.http}/demo/").status == 200
        query = "SELECT text FROM messages FINAL WHERE actor_kind = 'visitor'"

        def talks() -> bool:
            asked = trunkline("sql", query, "--data", str(running.data), "--format", "json")
            return asked.returncode == 0 and bool(json.loads(asked.stdout))

        wait_until(talks)
    running.output.unlink()
    with up(tmp_path, "--demo") as again:
        assert logins == re.findall(r"^  (\S+@demo\.example)\s+(\S+)  (.+)$", again.said(), re.MULTILINE)


@pytest.mark.rest
def test_sql_answers_from_the_files_when_nothing_runs(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        _wait_until_well(running.data)
    asked = trunkline("sql", "SELECT count() AS n FROM events", "--data", str(running.data), "--format", "csv")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.split() == ["n", "0"]
    refused = trunkline("sql", "DROP TABLE events", "--data", str(running.data))
    assert refused.returncode == 1
    assert "Only SELECT" in refused.stderr


@pytest.mark.rest
def test_a_channel_runs_from_its_first_account_on_and_doctor_tells_of_it(tmp_path: Path) -> None:
    """The adapter starts by itself, again after a crash and with the next start of `up`."""
    settings = tmp_path / "bot.json"
    settings.write_text(
        json.dumps({"token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "secret": "hooks", "updates": "webhook"})
    )
    with up(tmp_path) as running:
        assert "adapter telegram" not in running.family()
        data = ("--data", str(running.data))
        added = trunkline("channel", "add", "telegram", "--inbox", "bot", "--settings", str(settings), *data)
        assert added.returncode == 0, added.stderr
        wait_until(lambda: "adapter telegram" in running.family())
        wait_until(lambda: ("telegram", "ok") in _found(running.data))
        os.kill(running.child("adapter telegram"), signal.SIGKILL)
        wait_until(lambda: "telegram was ended by SIGKILL; starting it again" in running.said())
    running.output.unlink()
    with up(tmp_path) as again:
        wait_until(lambda: "adapter telegram" in again.family())


def _found(data: Path) -> set[tuple[str, str]]:
    """Names and states of what doctor finds."""
    asked = trunkline("doctor", "--data", str(data), "--json")
    return {(check["name"], check["state"]) for check in json.loads(asked.stdout)["checks"]}


def _wait_until_well(data: Path) -> None:
    """Adapters take their leases some moments after the node is ready."""
    found: list[str] = []

    def is_well() -> bool:
        asked = trunkline("doctor", "--data", str(data), "--json")
        found[:] = [f"{c['name']}: {c['detail']}" for c in json.loads(asked.stdout)["checks"] if c["state"] == "wrong"]
        return asked.returncode == 0

    wait_until(is_well, lambda: found)


def _token(said: str) -> str:
    found = re.search(r"/#/join/(\S+)", said)
    assert found, said
    return found[1]
