"""Settings: from the environment, a file, a secret's file; refused by name with the fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbone.errors import SettingError
from backbone.settings import Common, load, redacted
from node.settings import NodeSettings


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "trunkline.toml"
    file.write_text('log_level = "debug"\n[node]\nport = 9000\nhost = "10.0.0.7"\n')
    environ = {"TRUNKLINE_CONFIG": str(file), "TRUNKLINE_NODE_PORT": "9001"}
    node = load(NodeSettings, "node", environ)
    assert (node.port, node.host) == (9001, "10.0.0.7")
    assert load(Common, "", environ).log_level == "debug"


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s" * 40 + "\n")
    common = load(Common, "", {"TRUNKLINE_SECRET_FILE": str(file)})
    assert common.need_secret() == "s" * 40
    assert redacted(common)["secret"] == "***"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"TRUNKLINE_NODE_PORT": "web"}, "TRUNKLINE_NODE_PORT is 'web'"),
        ({"TRUNKLINE_NODE_PORT": "70000"}, "TRUNKLINE_NODE_PORT"),
        ({"TRUNKLINE_NODE_HEARTBEAT_S": "0"}, "TRUNKLINE_NODE_HEARTBEAT_S"),
        ({"TRUNKLINE_CONFIG": "/nowhere.toml"}, "/nowhere.toml"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingError) as wrong:
        load(NodeSettings, "node", environ)
    assert named in wrong.value.message


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("port = = 1")
    with pytest.raises(SettingError, match="isn't TOML"):
        load(NodeSettings, "node", {"TRUNKLINE_CONFIG": str(file)})


@pytest.mark.parametrize("streams", ["", "0", "00,x1", "00,001"])
def test_streams_have_two_digits(streams: str) -> None:
    with pytest.raises(SettingError, match="TRUNKLINE_STREAMS"):
        Common(streams=streams).log_streams()


def test_a_short_secret_is_refused_with_the_fix() -> None:
    with pytest.raises(SettingError, match="TRUNKLINE_SECRET_FILE"):
        Common(secret="short").need_secret()


def test_a_short_earlier_secret_is_refused_since_what_it_signs_counts() -> None:
    assert Common(secret="s" * 32, old_secrets="o" * 32 + ", ").secrets() == ["s" * 32, "o" * 32]
    with pytest.raises(SettingError, match="TRUNKLINE_OLD_SECRETS"):
        Common(secret="s" * 32, old_secrets="o" * 32 + ",short").secrets()
