"""Templates: their places, what fits into them, and how a message carries them."""

from __future__ import annotations

from typing import Any

import pytest

from backbone import events as ev
from backbone.accounts import templates
from backbone.channel import Template

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


def test_places_of_a_title_and_of_an_address_have_names_of_their_own() -> None:
    text = "For {{title.1}}\n{{1}} {{2}}\nSee: https://a/{{button.1}}"
    one = Template(name="order", language="en", text=text, file="image")
    assert templates.places(text) == ["title.1", "1", "2", "button.1"]
    assert templates.part(one, ["Li", "a", "b", "x"]) == {
        "name": "order",
        "language": "en",
        "parameters": '{"title.1":"Li","1":"a","2":"b","button.1":"x"}',
        "file": "image",
    }


@pytest.mark.parametrize(
    ("kind", "file", "words"),
    [
        ("", None, ""),
        ("", ("a.png", "image/png", 9), "no file"),
        ("image", None, "wants a picture"),
        ("image", ("a.png", "image/png", 9), ""),
        ("image", ("a.pdf", "application/pdf", 9), "not a.pdf"),
        ("image", ("a.webp", "image/webp", 9), "image/png"),
        ("image", ("a.png", "image/png", 5 * 1024**2 + 1), "at most 5 MiB"),
        ("file", ("a.zip", "application/zip", 9), "application/pdf"),
        ("file", ("a.png", "image/png", 9), "a document"),
        ("video", ("a.mp4", "video/mp4", 9), ""),
    ],
)
def test_a_file_that_does_not_stand_above_the_text_is_refused_in_words(
    kind: Any, file: tuple[str, str, int] | None, words: str
) -> None:
    one = Template(name="new", language="en", text="New", file=kind)
    types, most = {"image": ["image/png"], "file": ["application/pdf"]}, {"image": 5 * 1024**2}
    there = ev.Attachment(file="f", name=file[0], mime=file[1], bytes=file[2]) if file else None
    told = templates.file_problem(one, there, types, most)
    assert words in told
    assert bool(told) == bool(words)
