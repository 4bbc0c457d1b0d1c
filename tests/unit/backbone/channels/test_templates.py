"""Templates: their places, what fits into them, and how a message carries them."""

from __future__ import annotations

import pytest

from backbone.channel import Template
from backbone.channels import templates

NUMBERED = Template(name="order", language="zh_CN", text="{{2}}您好，订单 {{1}} 已备好。{{ 2 }}")
NAMED = Template(name="order", language="en", text="Hi {{name}}, {{what}} is ready.")


def test_places_come_in_the_order_of_their_values() -> None:
    assert templates.places(NUMBERED.text) == ["1", "2"]
    assert templates.places("{{10}} {{9}}") == ["9", "10"]
    assert templates.places(NAMED.text) == ["name", "what"]
    assert templates.places("No {place} {{a b}}") == []


def test_values_stand_in_their_places() -> None:
    assert templates.filled(NUMBERED, ["A-1", "李"]) == "李您好，订单 A-1 已备好。李"
    assert templates.filled(NAMED, ["{{what}}", "tea"]) == "Hi {{what}}, tea is ready."


def test_a_message_carries_a_list_for_numbers_and_an_object_for_names() -> None:
    assert templates.part(NUMBERED, ["A", "李"]) == {"name": "order", "language": "zh_CN", "parameters": '["A","李"]'}
    assert templates.part(NAMED, ["Li", "tea"])["parameters"] == '{"name":"Li","what":"tea"}'


@pytest.mark.parametrize("values", [["A"], ["A", ""], ["A", " "], ["A", "b\nc"], ["A", "x" * 1025], ["A", "b", "c"]])
def test_what_no_platform_takes_is_told(values: list[str]) -> None:
    assert templates.problem(NUMBERED, values) != ""
    assert templates.problem(NUMBERED, ["A", "b"]) == ""
