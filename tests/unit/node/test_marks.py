"""Marks of one reader, told apart and stored as one."""

from __future__ import annotations

import pytest

from backbone import events as ev
from node.rooms.marks import merged


def mark(read: int, delivered: int) -> ev.ReadMarked:
    return ev.ReadMarked(
        id=f"{read}-{delivered}",
        tenant="main",
        channel="web",
        conv="00" + "a" * 26,
        at=1,
        by=ev.Actor("agent", "lin"),
        reader="lin",
        read=read,
        delivered=delivered,
    )


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [((5, 0), (0, 9), (5, 9)), ((0, 9), (5, 0), (5, 9)), ((5, 7), (6, 8), (6, 8)), ((6, 8), (5, 7), (6, 8))],
)
def test_neither_loses_what_the_other_said(
    first: tuple[int, int], second: tuple[int, int], both: tuple[int, int]
) -> None:
    one = merged(mark(*first), mark(*second))
    assert (one.read, one.delivered) == both
    assert one.id == mark(*second).id
