"""`trunkline adapter new`, `check` and `list`: what is written, and what is said where something can't be."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from backbone.nats import permissions
from trunkline import nats_users, strays
from trunkline.commands.adapter import command
from trunkline.newadapter import write
from trunkline.newpackage import NewPackageError

OWN_MOST = 40


def test_the_package_has_the_adapters_name_everywhere(tmp_path: Path) -> None:
    written = write("counting", tmp_path / "trunkline-counting")
    assert [str(file.relative_to(tmp_path)) for file in written] == [
        "trunkline-counting/README.md",
        "trunkline-counting/pyproject.toml",
        "trunkline-counting/src/trunkline_counting/__init__.py",
        "trunkline-counting/src/trunkline_counting/adapter.py",
        "trunkline-counting/src/trunkline_counting/main.py",
        "trunkline-counting/src/trunkline_counting/settings.py",
        "trunkline-counting/tests/test_counting.py",
    ]
    assert not [file for file in written if "sample" in file.read_text().lower()]
    points = tomllib.loads(written[1].read_text())["project"]["entry-points"]
    assert points == {"trunkline.adapters": {"counting": "trunkline_counting.main:main"}}


def test_an_adapter_that_counts_has_under_forty_lines_of_its_own(tmp_path: Path) -> None:
    """All that isn't blank, an import or a docstring, in adapter, settings and main."""
    write("counting", tmp_path / "new")
    lines = 0
    for file in (tmp_path / "new" / "src").rglob("*.py"):
        source = file.read_text()
        left_out = {n for node in ast.walk(ast.parse(source)) if _says_nothing(node) for n in _lines(node)}
        lines += sum(bool(text.strip()) and n not in left_out for n, text in enumerate(source.splitlines(), 1))
    assert lines < OWN_MOST


def _says_nothing(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom)


def _lines(node: ast.AST) -> range:
    assert isinstance(node, ast.stmt)
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


@pytest.mark.parametrize("name", ["Counting", "coun-ting", "2go", "", "a/b", "x" * 40])
def test_a_name_that_no_module_could_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(NewPackageError):
        write(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["routing", "warehouse", "telegram", "node", "nats", "log", "new", "disk", "secret"])
def test_a_name_that_means_something_else_already_is_refused(name: str, tmp_path: Path) -> None:
    """Another adapter, a channel, a part of the system, a command, or what settings of ours begin with."""
    with pytest.raises(NewPackageError, match="is taken"):
        write(name, tmp_path / "new")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("mine")
    with pytest.raises(NewPackageError, match="--into"):
        write("counting", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.py"]


def test_a_name_that_nobody_has_is_told_with_those_there_are() -> None:
    said = CliRunner().invoke(command, ["pigeon"])
    assert said.exit_code == 2
    assert "there is no adapter 'pigeon'; there are" in said.output
    assert "routing" in said.output
    said = CliRunner().invoke(command, ["check", "routing"])
    assert (said.exit_code, "no package has an adapter 'routing'" in said.output) == (1, True)


def test_ours_are_entry_points_too() -> None:
    said = CliRunner().invoke(command, ["list"])
    assert [line.split() for line in said.output.splitlines()[:2]] == [
        ["routing", "trunkline"],
        ["warehouse", "trunkline"],
    ]


def test_the_user_of_an_adapter_is_no_channels_and_the_other_way_round() -> None:
    """A channel's user could read accounts; so who is one is known by what is installed, not by the name alone."""
    assert permissions.user_of("counting", ("counting",)) == "adapter-counting"
    assert permissions.user_of("counting") == "channel-counting"
    assert permissions.user_of("routing", ("routing",)) == "routing"
    table = permissions.users(("telegram",), ("counting",))
    assert {"channel-telegram", "adapter-counting"} <= table.keys()
    assert 'user: "adapter-counting"' in nats_users.configuration("s" * 32, ("telegram",), ("counting",))


def test_settings_of_another_packages_adapter_are_its_own_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """And those of an adapter that isn't installed are strays as before."""
    environ = {"TRUNKLINE_COUNTING_NOTES": "true"}
    assert "TRUNKLINE_COUNTING_NOTES is no setting" in strays.problems(environ)[0]
    monkeypatch.setattr(strays, "others", lambda: ["counting"])
    assert strays.problems(environ) == []
    assert len(strays.problems({"TRUNKLINE_NODE_PROT": "1"})) == 1


def test_the_page_shows_the_adapter_as_it_is_written(tmp_path: Path) -> None:
    """docs/adapters.md: its code is the template's, its commands exist."""
    write("counting", tmp_path / "new")
    page = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text()
    shown = page.split("```python\n")[1].split("```")[0]
    assert shown in (tmp_path / "new" / "src" / "trunkline_counting" / "adapter.py").read_text()
    typed = [line.split("#")[0].split()[2] for line in page.splitlines() if line.startswith("trunkline adapter ")]
    assert typed == ["new", "check", "list", "counting"]
    assert all(name in command.commands for name in typed[:-1])
