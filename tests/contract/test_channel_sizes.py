"""The page of channels says about how many lines each of ours takes."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lines_of_each_channel_are_stated_to_a_tenth() -> None:
    page = (ROOT / "docs" / "channels.md").read_text()
    stated = {
        name: int(lines.replace(",", ""))
        for name, lines in re.findall(
            r"^\| \[\w+\]\(\.\./adapters/channels/(\w+)/README\.md\) \| ([\d,]+) \|", page, re.MULTILINE
        )
    }
    lines = {
        folder.name: sum(len(file.read_text().splitlines()) for file in folder.rglob("*.py"))
        for folder in (ROOT / "adapters" / "channels").iterdir()
        if (folder / "README.md").exists()
    }
    assert stated.keys() == lines.keys()
    assert {name: stated[name] for name in lines if abs(stated[name] - lines[name]) > 0.1 * lines[name]} == {}
