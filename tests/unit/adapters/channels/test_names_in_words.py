"""What a customer enters or chooses is drawn under words in both languages: each name of the log and of channels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backbone.accounts.registry import OURS, Broken, find, names
from backbone.events.data import NAMES

WORDS = Path(__file__).parents[4] / "console" / "ui" / "data"


def _names() -> dict[str, set[str]]:
    """Names of data by who declares them."""
    found = {"backbone": set(NAMES)}
    for channel in names():
        contract = find(channel)
        assert not isinstance(contract, Broken), contract
        if type(contract).__module__.startswith(OURS):
            found[channel] = set(contract.caps.data)
    return found


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_each_name_of_data_has_words(language: str) -> None:
    words = json.loads((WORDS / f"{language}.json").read_text(encoding="utf-8"))
    declared = _names()
    assert len(declared) > 7
    assert any(declared[channel] for channel in declared if channel != "backbone")
    wanted = {(who, name) for who, known in declared.items() for name in known}
    assert {(who, name) for who, name in wanted if not words.get(f"name.{name}")} == set()
