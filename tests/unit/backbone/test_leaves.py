"""Forms that a provider hands on as JSON in a text."""

from __future__ import annotations

import pytest

from backbone.channel.leaves import answers, without_empty
from backbone.events import Row


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('{"size":"M","n":2}', {"size": "M", "n": 2}),
        ('{"box":{"size":"M"}}', {"box.size": "M"}),
        ('["M",true]', {"0": "M", "1": True}),
        ("{}", {}),
        ("M", {"answer": "M"}),
        ("12", {"answer": "12"}),
        ("null", {"answer": "null"}),
        ('{"size":', {"answer": '{"size":'}),
        ("[" * 5000, {"answer": "[" * 5000}),
        ("", {}),
    ],
)
def test_a_form_keeps_what_was_entered(text: str, form: Row) -> None:
    assert answers(text) == form


def test_fields_that_nobody_filled_in_are_left_out() -> None:
    assert without_empty({"choice": "", "scene": "shelf 7"}) == {"scene": "shelf 7"}
