"""Texts in parts that a channel takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.kit.outgoing.split import size, split
from backbone.channel import Measure

FAMILY = "👨‍👩‍👧‍👦"


@given(st.text(max_size=400), st.integers(30, 80), st.sampled_from(["bytes", "utf16", "chars"]))
def test_parts_are_the_text_and_none_is_too_long(text: str, most: int, measure: Measure) -> None:
    parts = split(text, most, measure)
    assert "".join(parts) == text
    assert all(size(part, measure) <= most for part in parts)
    assert all(parts) or parts == [""]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One paragraph here.\n\nAnother one", ["One paragraph here.\n\n", "Another one"]),
        ("First sentence. Second sentence", ["First sentence. ", "Second sentence"]),
        ("这是第一句话。这是第二句话，它长一些", ["这是第一句话。", "这是第二句话，它长一些"]),
    ],
)
def test_a_text_is_cut_where_it_reads_best(text: str, parts: list[str]) -> None:
    assert split(text, max(map(len, parts)), "chars") == parts


def test_a_family_is_never_torn_apart() -> None:
    assert split("a" * 25 + FAMILY, 30, "chars") == ["a" * 25, FAMILY]


def test_a_character_of_four_bytes_on_the_edge_goes_into_the_next_part() -> None:
    assert split("x" * 30 + "😀", 32, "bytes") == ["x" * 30, "😀"]


def test_a_flag_is_two_letters_that_stay_together() -> None:
    assert split("🇨🇳🇩🇪🇫🇷", 5, "chars") == ["🇨🇳🇩🇪", "🇫🇷"]
