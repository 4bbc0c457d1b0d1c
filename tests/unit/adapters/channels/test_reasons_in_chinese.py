"""Why an account is paused or a message refused is told in Chinese too: each sentence that never varies is there."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

from adapters.channels.kit import state

SHARED = {"kit": ("",), "meta": ("messenger", "instagram")}
"""Rooms that are no channel's: whose words they say."""

ROOT = Path(__file__).parents[4]
WORDS: dict[str, dict[str, str]] = json.loads(
    (ROOT / "console" / "desk" / "locale" / "reasons.zh-CN.json").read_text(encoding="utf-8")
)


def _sentences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Pause", "Rejected"}:
            for said in node.args:
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    yield said.value


def test_each_fixed_reason_of_our_channels_has_chinese_words() -> None:
    missing, seen = [], 0
    for path in sorted((ROOT / "adapters" / "channels").rglob("*.py")):
        room = path.relative_to(ROOT / "adapters" / "channels").parts[0]
        # What several channels share as a module beside them stands for each, as what the kit says does.
        channels = SHARED.get(room, ("",) if room == path.name else (room,))
        said_here = list(_sentences(path.read_text(encoding="utf-8")))
        seen += len(said_here)
        for channel, said in itertools.product(channels, said_here):
            code = re.search(r"\((\d+)\)", said)
            words = WORDS.get(channel, {})
            if said not in words and (code is None or code[1] not in words):
                missing.append((channel, said))
    assert seen > 80
    assert state.LEFT in WORDS[""]
    assert missing == []


def test_a_number_stays_in_the_chinese_words() -> None:
    """Whoever asks the platform's support needs it."""
    assert [key for words in WORDS.values() for key, said in words.items() if key.isdigit() and key not in said] == []
