"""`trunkline channel new` and `check`: what is written, and what is said where something can't be."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from trunkline import suite
from trunkline.commands.channel import command
from trunkline.newchannel import write
from trunkline.newpackage import NewPackageError


def test_the_package_has_the_channels_name_everywhere(tmp_path: Path) -> None:
    written = write("viber", tmp_path / "trunkline-viber")
    assert [str(file.relative_to(tmp_path)) for file in written] == [
        "trunkline-viber/README.md",
        "trunkline-viber/pyproject.toml",
        "trunkline-viber/src/trunkline_viber/__init__.py",
        "trunkline-viber/src/trunkline_viber/client.py",
        "trunkline-viber/src/trunkline_viber/protocol.py",
        "trunkline-viber/src/trunkline_viber/simulator.py",
        "trunkline-viber/tests/test_protocol.py",
    ]
    assert not [file for file in written if "sample" in file.read_text().lower()]
    points = tomllib.loads(written[1].read_text())["project"]["entry-points"]
    assert points["trunkline.channels"] == {"viber": "trunkline_viber:Viber"}
    assert points["trunkline.simulators"] == {"viber": "trunkline_viber.simulator:ViberSimulator"}


@pytest.mark.parametrize("name", ["Viber", "vi-ber", "2go", "", "a/b", "x" * 40])
def test_a_name_that_no_module_could_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NewPackageError):
        write(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("mine")
    with pytest.raises(NewPackageError, match="--into"):
        write("viber", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.py"]


def test_without_the_suite_it_says_where_to_get_it(tmp_path: Path) -> None:
    said = CliRunner().invoke(command, ["check", "telegram", "--suite", str(tmp_path)])
    assert (said.exit_code, "Fetch the sources of Trunkline" in said.output) == (1, True)


def test_the_suite_is_the_checkout_that_this_runs_from() -> None:
    assert (suite.find(None) / "tests" / "conformance" / "test_outbound.py").is_file()


def test_a_channel_that_isnt_installed_isnt_examined() -> None:
    said = CliRunner().invoke(command, ["check", "pigeon"])
    assert (said.exit_code, "there is no such channel" in said.output) == (1, True)
