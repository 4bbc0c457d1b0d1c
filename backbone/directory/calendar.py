"""A business calendar: at which hours of the week a company works, and which days are special."""

from __future__ import annotations

import datetime as dt
import functools
import zoneinfo
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from backbone.directory.fields import between, invalid, named, text
from backbone.ids import check_name

DAY_MIN: Final = 24 * 60
WEEK_DAYS: Final = 7
INTERVALS_MOST: Final = 12
"""In one day."""

SPECIAL_MOST: Final = 400


@functools.cache
def zones() -> frozenset[str]:
    """The time zones that this machine knows. Blocks for 30 ms, the first time: it opens each of 600 files."""
    return frozenset(zoneinfo.available_timezones())


class Hours(Struct, frozen=True):
    """From one minute of the day up to another, which isn't among them (1440: midnight)."""

    start: int
    end: int


class WeeklyHours(Struct, frozen=True):
    """When is worked on one day of the week; `day` 0 is Monday."""

    day: int
    hours: tuple[Hours, ...]


class SpecialDay(Struct, frozen=True):
    """A date (`2026-10-01`) with hours of its own in place of the week's; none: closed. A working Saturday has some."""

    date: str
    hours: tuple[Hours, ...] = ()
    name: str = ""


class Calendar(Struct, frozen=True, kw_only=True, tag="calendar"):
    """Weekly hours and special days in one time zone (an IANA name)."""

    id: str
    name: str
    zone: str
    week: tuple[WeeklyHours, ...] = ()
    special: tuple[SpecialDay, ...] = ()


def check(calendar: Calendar) -> Calendar:
    """As it is stored, in order. Raises InvalidInputError naming the field. Blocks as `zones` does."""
    check_name(calendar.id, "calendar")
    if calendar.zone not in zones():
        raise invalid("zone", "Give a time zone such as Asia/Shanghai or Europe/London.")
    if len(calendar.week) > WEEK_DAYS or len({day.day for day in calendar.week}) != len(calendar.week):
        raise invalid("week", "Give each day of the week once at most.")
    for day in calendar.week:
        between(day.day, 0, WEEK_DAYS - 1, "week")
    if len(calendar.special) > SPECIAL_MOST:
        raise invalid("special", f"Give {SPECIAL_MOST} special days at most.")
    if len({day.date for day in calendar.special}) != len(calendar.special):
        raise invalid("special", "Give each special day once.")
    week = [structs.replace(day, hours=_in_order(day.hours, "week")) for day in calendar.week]
    special = [
        SpecialDay(_date(day.date), _in_order(day.hours, "special"), text(day.name, 80, "special"))
        for day in calendar.special
    ]
    return structs.replace(
        calendar,
        name=named(calendar.name),
        week=tuple(sorted(week, key=lambda day: day.day)),
        special=tuple(sorted(special, key=lambda day: day.date)),
    )


def _date(value: str) -> str:
    try:
        # Digits and hyphens alone: `fromisoformat` takes week dates and others, which don't sort.
        if dt.date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise invalid("special", "Give a date such as 2026-10-01.")


def _in_order(hours: Sequence[Hours], field: str) -> tuple[Hours, ...]:
    if len(hours) > INTERVALS_MOST:
        raise invalid(field, f"Give {INTERVALS_MOST} intervals a day at most.")
    ordered = sorted(hours, key=lambda one: one.start)
    if any(not 0 <= one.start < one.end <= DAY_MIN for one in ordered):
        raise invalid(field, "An interval begins before it ends, in minutes of the day from 0 to 1440.")
    if any(one.end > following.start for one, following in pairwise(ordered)):
        raise invalid(field, "Intervals of a day don't overlap.")
    return tuple(ordered)
