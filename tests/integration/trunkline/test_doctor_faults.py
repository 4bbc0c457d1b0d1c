"""The table of planted faults: what is planted in a running system, the line of `trunkline doctor` that names it, its
advice, its exit code; and that the advised act in fact mends it. Rules without a system: tests/unit/trunkline.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backbone.nats import streams
from backbone.nats.link import SECOND_NS
from backbone.schema import SCHEMA
from tests.harness.nats import NatsServer
from tests.harness.older import calls_itself
from tests.harness.ports import free_port
from tests.harness.system import System
from tests.integration.trunkline import plants
from tests.integration.trunkline.plants import Fault, edited, node_with, remade, says, stopped
from tests.simulators.email.certificate import issue
from trunkline import embedded

pytestmark = pytest.mark.timeout(180)

WELL_WITHIN_S = 60.0
INIT = "Run `trunkline init`"
HOUR = 3600 * SECOND_NS


def _other(stream: str, key: str, value: Any, line: str, *, is_first: bool = False) -> Fault:
    return Fault(
        f"{stream}-{key}", edited(stream, **{key: value}), "streams", "wrong", f"{stream}: {key} is {line}", INIT,
        is_first=is_first,
    )  # fmt: skip


@contextlib.contextmanager
def _older_server(system: System) -> Iterator[Mapping[str, str]]:
    with calls_itself(system.nats, "2.11.9") as url:
        yield {"TRUNKLINE_NATS_URL": url}


FAULTS = [
    # Streams that drop, refuse or miss what they are given.
    _other("CHAT_00", "max_age", HOUR, "3600 s, not 0 s, so that it drops what is older", is_first=True),
    _other("CHAT_00", "max_msgs", 5, "5, not unset, so that it drops or refuses"),
    _other("CHAT_00", "max_msgs_per_subject", 3, "3, not unset, so that it drops what a conversation"),
    _other("CHAT_00", "discard", "old", "old, not new, so that it drops what is older where it is full"),
    _other("CHAT_00", "duplicate_window", SECOND_NS, "1 s, not 60 s"),
    _other("CHAT_00", "max_msg_size", 1000, "1000, not 131072, so that it refuses what is larger"),
    _other("CHAT_00", "allow_rollup_hdrs", value=True, line="True, not False, so that it lets one message drop all"),
    _other("CHAT_00", "subjects", ["chat.00.main.*.*"], r"\['chat.00.main.*so that it doesn't get"),
    _other("CHAT_00", "republish", None, "unset, not .* so that it tells nobody"),
    _other("KV_directory", "max_age", HOUR, "3600 s, not 0 s"),
    _other("KV_heads", "max_msgs_per_subject", 9, "9, not 1"),
    _other("DEAD", "max_age", HOUR, "3600 s, not 0 s"),
    _other("LEDGER", "max_msgs", 9, "9, not unset"),
    _other("AUDIT", "max_bytes", 10_000, "10000, not 268435456, so that it drops what is older as it fills"),
    Fault("retention", remade("DEAD", retention="interest"), "streams", "wrong", "DEAD: retention is interest",
          "DEAD is empty: delete it (`nats stream rm DEAD`), then run `trunkline init`"),
    Fault("memory", remade("KV_erased", storage="memory"), "streams", "wrong",
          "KV_erased: storage is memory, not file, so that it is lost when nats-server ends", "KV_erased is empty"),
    Fault("no deleting", remade("DEAD", deny_delete=True, deny_purge=True), "streams", "wrong",
          "deny_delete is True, not False, so that it can't delete", "DEAD is empty: delete it"),
    Fault("mirror", remade("DEAD", mirror={"name": "LEDGER"}, subjects=None), "streams", "wrong",
          "DEAD: .*mirror is .*LEDGER.* so that it takes nothing", "DEAD is empty: delete it"),
    Fault("sealed", plants.sealed, "streams", "wrong", "KV_erased: .*sealed is True", "KV_erased is empty: delete it"),
    Fault("near its bound", plants.bounded, "room", "wrong", r"KV_directory holds (9\d|100)%", "--max-bytes=-1"),
    Fault("no bucket", plants.deleted("KV_erased"), "streams", "wrong", r"1 of \d+ missing \(KV_erased\)", INIT),
    Fault("deleted with events", plants.deleted_with_events, "log", "wrong",
          "CHAT_01 is gone, and auditor has read up to 5,012: 5,012 events are gone",
          "Restore the newest backup first", is_first=True),
    Fault("cut off", plants.cut_off, "log", "wrong", "CHAT_01 ends at 0, .* 7 events are gone", "Restore the newest"),
    Fault("newer data", plants.metadata(schema=str(SCHEMA + 1), release="9.9"), "schema", "wrong",
          r"KV_erased holds data of a newer Trunkline \(9.9\)", "Start the newer version"),
    Fault("earlier data", plants.metadata(schema="0"), "schema", "warning", "1 streams .* of an earlier schema",
          INIT, code=0),
    # nats-server.
    Fault("hung server", stopped("nats"), "nats", "wrong", "takes connections and says nothing: it hangs",
          "kill -CONT"),
    Fault("dead server", plants.killed_nats, "nats", "wrong", "nobody listens at nats://127.0.0.1", "Start it"),
    Fault("old server", _older_server, "nats", "wrong", "nats-server is 2.11.9, and the log needs 2.12",
          "Upgrade nats-server, then run `trunkline init`"),
    Fault("wrong password", plants.asked_with(nats_password="x" * 40), "nats", "wrong",
          "refuses user 'trunkline' and its password", "TRUNKLINE_NATS_PASSWORD"),
    Fault("unknown host", plants.asked_with(nats_url="nats://nowhere.invalid:4222"), "nats", "wrong",
          "the host of TRUNKLINE_NATS_URL, nats://nowhere.invalid:4222, is unknown", "that this machine can look up"),
    Fault("unsynced", plants.asked_with(profile="synced"), "durability", "wrong", "syncs every 0.01 s",
          "TRUNKLINE_PROFILE to what is true"),
    Fault("replicas", plants.asked_with(replicas="3"), "replicas", "wrong", "1 of 3 replicas",
          "set TRUNKLINE_REPLICAS"),
    # Processes and machines.
    Fault("hung node", stopped("node"), "processes", "wrong", "node-.* doesn't answer; it was last heard",
          "one that hangs is ended", is_first=True),
    Fault("dead node", plants.killed_node, "processes", "wrong", r"node-\w+ on .* \(127.0.0.1:\d+\), process \d+, does",
          "one that is gone is started again"),
    Fault("ended with a reason", plants.ended_with_a_reason, "processes", "wrong",
          "routing-x on elsewhere, process 7, ended \\d+ s ago: The disk can't be written.", "is started again"),
    Fault("hung routing", stopped("routing"), "routing", "wrong", "has its lease and doesn't say", "start it again"),
    Fault("hung warehouse", stopped("warehouse"), "warehouse", "wrong", "has its lease and doesn't say", "start it"),
    Fault("other secret", node_with(secret=plants.ANOTHER_SECRET), "secrets", "wrong",
          r"another TRUNKLINE_SECRET than \w{6}...: node-\w+ on", "the same TRUNKLINE_SECRET", is_first=True),
    Fault("other public URL", node_with(node_public_url="https://other.example.com"), "public url", "wrong",
          "is unset, and node-.* has https://other.example.com", "Give all nodes the same"),
    Fault("wrong clock", says(ahead_ms=5000), "clocks", "wrong", r"routing-x on elsewhere is [45]\.\d s ahead",
          "Synchronise the clocks there"),
    Fault("older version", says(version="0.0.9"), "versions", "warning", "routing-x on elsewhere is of 0.0.9",
          "`trunkline upgrade`", code=0),
    Fault("unregistered", plants.unregistered, "versions", "warning", "routing-x doesn't register itself",
          "one process after the other", code=0),
    Fault("full disk elsewhere", says(disks=(plants.FULL,)), "disk", "wrong",
          r"0 B \(0%\) free of 931.3 GiB at /var/lib/trunkline on elsewhere", "Make room on elsewhere"),
    Fault("files used up", says(files=950, files_most=1024), "files", "wrong", "has 950 of 1,024 files open",
          "LimitNOFILE"),
    Fault("few files", says(name="node", files_most=1024, sockets_most=600), "files", "warning",
          "may open 1,024 files: 600 sockets at most", "ulimit -n", code=0),
    # What is given up, and channels.
    Fault("dead letter", plants.given_up, "dead", "warning", "given up: 1 of routing in tenant main",
          "`trunkline channel dead routing --tenant main`", code=0),
    Fault("no adapter", plants.account(runs=False), "telegram", "wrong", "1 account, and no adapter runs",
          "Start it: `trunkline adapter telegram`"),
    Fault("paused account", plants.account(runs=True), "telegram", "wrong", "1 of 1 account paused: bot: ",
          "give the account other settings"),
]  # fmt: skip


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two nodes, routing, the warehouse, two streams; each fault leaves it as it was."""
    running = System(tmp_path_factory.mktemp("doctor"))
    running.more = {"TRUNKLINE_STREAMS": "00,01"}
    try:
        running.start(nodes=2, adapters=("routing", "warehouse"))
        _until_well(running)
        yield running
    finally:
        running.end()


@pytest.mark.parametrize(
    "fault", [pytest.param(f, id=f.id, marks=[] if f.is_first else [pytest.mark.rest]) for f in FAULTS]
)
def test_a_planted_fault_is_named_with_the_act_that_mends_it(system: System, fault: Fault) -> None:
    """Named while it is there, and well again by what the advice says; as the fault before left it."""
    with fault.plant(system) as settings:
        answer = _doctor(system, settings)
    _until_well(system)
    checks = json.loads(answer.stdout)["checks"]
    named = [c for c in checks if c["name"] == fault.name and re.search(fault.line, c["detail"])]
    assert named, [check for check in checks if check["state"] != "ok"]
    assert named[0]["state"] == fault.state
    assert fault.advice in named[0]["todo"]
    assert answer.returncode == fault.code


def test_the_table_has_what_was_promised() -> None:
    assert len({fault.id for fault in FAULTS}) == len(FAULTS) >= 35


@pytest.mark.rest
def test_a_certificate_that_isnt_trusted_is_named_and_naming_its_ca_mends_it(tmp_path: Path) -> None:
    """A nats-server that speaks TLS alone."""
    issued = issue(tmp_path)
    pair, ca = str(issued.pair), tmp_path / "ca.pem"
    ca.write_text(issued.authority)
    system = System(tmp_path)
    system.more = {"TRUNKLINE_STREAMS": "00"}
    port = free_port()
    system.nats.port = port
    embedded.configure(tmp_path / "nats-server", system.nats.password)
    environment = embedded.environment(store=tmp_path / "nats", sync="10ms", port=port)
    command = embedded.command(tmp_path / "nats-server", "--tls", "--tlscert", pair, "--tlskey", pair)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509
    )  # fmt: skip
    try:
        assert plants.until(lambda: "certificate" in _check(system, {}, "nats")["detail"]), _doctor(system, {}).stdout
        answer = _doctor(system, {})
        assert answer.returncode == 1
        assert "SSL_CERT_FILE" in _check(system, {}, "nats")["todo"]
        assert _check(system, {"SSL_CERT_FILE": str(ca)}, "nats")["state"] == "ok"
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.rest
def test_the_last_line_counts_and_json_too(system: System) -> None:
    _until_well(system)
    answer = system.run("doctor")
    assert answer.returncode == 0
    assert re.fullmatch(r"0 wrong, \d+ to look at, \d+ well", answer.stdout.strip().splitlines()[-1])
    assert json.loads(_doctor(system, {}).stdout)["counts"]["wrong"] == 0


def test_readyz_says_why_nothing_can_be_stored_within_seconds(system: System) -> None:
    """A server that hangs, and data of a newer release under a node that runs."""
    node = system.nodes[0]
    with stopped("nats")(system):
        assert plants.until(lambda: _says(node.ready(), "hangs or is cut off"), 12), node.ready()
    assert plants.until(lambda: node.ready()[0] == 200), node.ready()
    config = plants.api(system, "STREAM.INFO.CHAT_01", {})["config"]
    newer = {**config["metadata"], "schema": str(SCHEMA + 1)}
    plants.api(system, "STREAM.UPDATE.CHAT_01", {**config, "metadata": newer})
    assert plants.until(lambda: _says(node.ready(), "CHAT_01 holds data of a newer Trunkline"), 12), node.ready()
    plants.api(system, "STREAM.UPDATE.CHAT_01", config)
    assert plants.until(lambda: node.ready()[0] == 200), node.ready()


@pytest.mark.rest
def test_every_setting_that_ensure_holds_is_compared_and_put_back(nats: NatsServer, tmp_path: Path) -> None:
    """Each of them at once, on each kind of stream, by one `trunkline init`."""
    system = System(tmp_path)
    system.nats = nats
    system.more = {"TRUNKLINE_STREAMS": "00"}
    assert system.run("init").returncode == 0
    spoilt = {"max_age": HOUR, "max_msgs": 5, "max_msgs_per_subject": 3, "max_msg_size": 2000}
    for stream in ("CHAT_00", "KV_sessions", "DEAD", f"OBJ_{streams.FILES_BUCKET}"):
        config = plants.api(system, f"STREAM.INFO.{stream}", {})["config"]
        plants.api(system, f"STREAM.UPDATE.{stream}", {**config, **spoilt})
    assert len(re.findall("max_age is 3600 s", _check(system, {}, "streams")["detail"])) == 3
    assert system.run("init").returncode == 0
    assert _check(system, {}, "streams")["state"] == "ok"


def _says(answer: tuple[int, Any], words: str) -> bool:
    return answer[0] == 503 and words in json.dumps(answer[1])


def _doctor(system: System, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    before, system.more = system.more, {**system.more, **settings}
    try:
        return system.run("doctor", "--json")
    finally:
        system.more = before


def _check(system: System, settings: Mapping[str, str], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in json.loads(_doctor(system, settings).stdout)["checks"] if c["name"] == name)
    return found


def _until_well(system: System) -> None:
    """What ended is started again, as a supervisor does: an adapter that lost its lease while a server hung."""
    deadline = time.monotonic() + WELL_WITHIN_S
    while True:
        for process in (*system.nodes, *system.adapters.values()):
            if process.process is not None and process.process.poll() is not None:
                process.start()
        answer = _doctor(system, {})
        told = json.loads(answer.stdout)
        if told["counts"]["wrong"] == told["counts"]["warning"] == 0:
            assert answer.returncode == 0
            return
        assert time.monotonic() < deadline, [check for check in told["checks"] if check["state"] != "ok"]
        time.sleep(0.2)
