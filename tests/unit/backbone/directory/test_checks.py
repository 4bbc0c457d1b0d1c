"""Each record is refused for each field that can't be, by name and with the fix."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from backbone import directory
from backbone.directory import Agent, Calendar, CustomRole, Hours, Inbox, SpecialDay, Team, Tenant, WeeklyHours
from backbone.directory.records import check
from backbone.errors import InvalidInputError

AGENT = Agent(id="emma", name=" Emma ", email="Emma@Example.com")
INBOX = Inbox(id="web", channel="web", name="Web")
CALENDAR = Calendar(id="shop", name="Shop", zone="Asia/Shanghai")
NINE, NOON = Hours(540, 720), Hours(780, 1080)

WRONG: list[tuple[directory.Record, dict[str, Any], str]] = [
    (Tenant(id="main", name="Main"), {"name": ""}, "name"),
    (Tenant(id="main", name="Main"), {"id": "_"}, "tenant"),
    (AGENT, {"name": " "}, "name"),
    (AGENT, {"name": "x" * 81}, "name"),
    (AGENT, {"email": "nowhere"}, "email"),
    (AGENT, {"role": ""}, "role"),
    (AGENT, {"capacity": -1}, "capacity"),
    (AGENT, {"reach": "everything"}, "reach"),
    (AGENT, {"teams": ("a b",)}, "teams"),
    (AGENT, {"inboxes": tuple(f"i{n}" for n in range(101))}, "inboxes"),
    (AGENT, {"locale": "<b>"}, "locale"),
    (INBOX, {"name": "two\nlines"}, "name"),
    (INBOX, {"origins": ()}, "origins"),
    (INBOX, {"accent": "red"}, "accent"),
    (INBOX, {"greeting": "x" * 2001}, "greeting"),
    (INBOX, {"reopen_window_s": -1}, "reopen_window_s"),
    (INBOX, {"team": "a.b"}, "team"),
    (Team(id="sales", name="Sales"), {"calendar": "*"}, "calendar"),
    (CustomRole(id="night", name="Night"), {"actions": ("conversation.read", "world.rule")}, "actions"),
    (CustomRole(id="night", name="Night"), {"id": "owner"}, "id"),
    (CALENDAR, {"zone": "Mars/Olympus"}, "zone"),
    (CALENDAR, {"zone": "../../etc/passwd"}, "zone"),
    (CALENDAR, {"week": (WeeklyHours(7, ()),)}, "week"),
    (CALENDAR, {"week": (WeeklyHours(1, ()), WeeklyHours(1, ()))}, "week"),
    (CALENDAR, {"week": (WeeklyHours(1, (NINE, Hours(719, 800))),)}, "week"),
    (CALENDAR, {"week": (WeeklyHours(1, (Hours(600, 600),)),)}, "week"),
    (CALENDAR, {"week": (WeeklyHours(1, (Hours(600, 1441),)),)}, "week"),
    (CALENDAR, {"special": (SpecialDay("2026-02-30"),)}, "special"),
    (CALENDAR, {"special": (SpecialDay("2026-W01-1"),)}, "special"),
    (CALENDAR, {"special": (SpecialDay("2026-10-01"), SpecialDay("2026-10-01"))}, "special"),
]


@pytest.mark.parametrize(("record", "change", "field"), WRONG, ids=[f"{type(r).__name__}.{f}" for r, _, f in WRONG])
def test_a_value_that_cannot_be_is_refused_with_its_field(
    record: directory.Record, change: dict[str, Any], field: str
) -> None:
    check(record)
    with pytest.raises(InvalidInputError) as refused:
        check(structs.replace(record, **change))
    assert refused.value.field == field
    assert len(refused.value.message) > 10


def test_what_is_stored_is_tidy() -> None:
    agent = check(structs.replace(AGENT, teams=("b", "a", "b")))
    assert isinstance(agent, Agent)
    assert (agent.name, agent.email, agent.teams) == ("Emma", "emma@example.com", ("b", "a"))
    calendar = check(
        structs.replace(
            CALENDAR,
            week=(WeeklyHours(4, (NOON, NINE)), WeeklyHours(0, (NINE,))),
            special=(SpecialDay("2026-10-10", (NINE,)), SpecialDay("2026-10-01")),
        )
    )
    assert isinstance(calendar, Calendar)
    assert calendar.week == (WeeklyHours(0, (NINE,)), WeeklyHours(4, (NINE, NOON)))
    assert [day.date for day in calendar.special] == ["2026-10-01", "2026-10-10"]
