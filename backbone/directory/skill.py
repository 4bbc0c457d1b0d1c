"""A skill: what some agents can and others can't, such as a language or a product."""

from __future__ import annotations

from msgspec import Struct, structs

from backbone.directory.fields import named
from backbone.ids import check_name


class Skill(Struct, frozen=True, kw_only=True, tag="skill"):
    """What some agents can and others can't."""

    id: str
    name: str


def check(skill: Skill) -> Skill:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(skill.id, "skill")
    return structs.replace(skill, name=named(skill.name))
