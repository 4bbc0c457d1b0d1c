"""Settings that nothing reads are refused with the nearest right name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.strays import OWN, problems

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TRUNKLINE_NODE_PROT", "TRUNKLINE_NODE_PORT"),
        ("TRUNKLINE_NATS_PASSWROD", "TRUNKLINE_NATS_PASSWORD"),
        ("TRUNKLINE_SECRET_FIEL", "TRUNKLINE_SECRET"),
        ("TRUNKLINE_ROUTING_GONE", "TRUNKLINE_ROUTING_GONE_S"),
        ("TRUNKLINE_PROXIES", "TRUNKLINE_NODE_PROXIES"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_right_one(name: str, meant: str) -> None:
    (sentence,) = problems({name: "x"})
    assert sentence.startswith(f"{name} is no setting")
    assert meant in sentence


def test_a_setting_that_is_gone_says_what_is_in_its_place() -> None:
    (sentence,) = problems({"TRUNKLINE_NODE_METRICS_ALLOW": "10.0.0.0/8"})
    assert "no setting any more" in sentence
    assert "TRUNKLINE_HEALTH_PORT" in sentence


def test_what_somebody_reads_is_no_stray() -> None:
    assert not problems(
        {
            "PATH": "/bin",
            "TRUNKLINE_NODE_PORT": "1",
            "TRUNKLINE_SECRET_FILE": "x",
            "TRUNKLINE_CHANNEL_FILE_BYTES": "1",
            "TRUNKLINE_WAREHOUSE_DSN": "x",
            "TRUNKLINE_DATA": "x",
            "TRUNKLINE_NODE_SERVICE_HOST": "10.0.0.1",
            "TRUNKLINE_NODE_PORT_8080_TCP_ADDR": "10.0.0.1",
        }
    )


def test_what_the_configurations_of_nats_read_is_known() -> None:
    read = set(re.findall(r"\$(TRUNKLINE_\w+)", "".join(p.read_text() for p in ROOT.glob("nats*.conf"))))
    assert read - {"TRUNKLINE_NATS_PASSWORD"} <= OWN


def test_a_misspelt_key_or_section_of_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('profil = "fast"\nlog_level = "info"\n[node]\nprot = 1\nport = 2\n[routng]\ngone_s = 1\n')
    found = problems({"TRUNKLINE_CONFIG": str(file)})
    assert [sentence.partition(".")[0].split("?")[0] for sentence in found] == [
        f"profil of {file}".partition(".")[0],
        f"prot of [node] in {file}".partition(".")[0],
        f"[routng] in {file}".partition(".")[0],
    ]
    assert [word for sentence in found for word in ("profile?", "port?", "routing?") if word in sentence] == [
        "profile?",
        "port?",
        "routing?",
    ]


@pytest.mark.parametrize("command", [["node"], ["adapter", "routing"], ["up", "--check"], ["init"]])
def test_a_process_with_a_misspelt_setting_does_not_start(tmp_path: Path, command: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "trunkline", *command],
        env={**os.environ, "TRUNKLINE_NODE_PROT": "8081", "TRUNKLINE_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 78
    assert "did you mean TRUNKLINE_NODE_PORT?" in ended.stderr
