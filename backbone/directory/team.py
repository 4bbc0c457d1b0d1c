"""A team: agents who answer together."""

from __future__ import annotations

from msgspec import Struct, structs

from backbone.directory.fields import named
from backbone.ids import check_name


class Team(Struct, frozen=True, kw_only=True, tag="team"):
    """Agents who answer together. `calendar`: when, the id of a business calendar; empty: always."""

    id: str
    name: str
    calendar: str = ""


def check(team: Team) -> Team:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(team.id, "team")
    if team.calendar:
        check_name(team.calendar, "calendar")
    return structs.replace(team, name=named(team.name))
