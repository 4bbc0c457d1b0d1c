"""What the checks of records share: each names the field at fault and the fix. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from backbone.errors import InvalidInputError
from backbone.ids import check_name

NAME_MOST: Final = 80
LIST_MOST: Final = 100
"""Entries of one list of a record: it is read whole wherever it is read."""

_LOCALE: Final = re.compile(r"(?:[A-Za-z0-9-]{2,35})?")


def invalid(field: str, fix: str) -> InvalidInputError:
    """The refusal of a record for one field."""
    return InvalidInputError("record.invalid", fix, field=field)


def named(name: str, field: str = "name") -> str:
    """A name without the spaces around it, 1 to 80 characters of one line."""
    text = name.strip()
    if not 0 < len(text) <= NAME_MOST or any(ord(c) < 32 for c in text):
        raise invalid(field, f"Give a name of 1 to {NAME_MOST} characters on one line.")
    return text


def among(value: str, known: Collection[str], field: str) -> str:
    """`value`, if it is one of `known`. Records hold it as `str`, so that another version's word doesn't hide one."""
    if value not in known:
        raise invalid(field, f"{field} is one of {', '.join(sorted(known))}.")
    return value


def between(value: int, least: int, most: int, field: str) -> int:
    """`value`, if it lies within both bounds."""
    if not least <= value <= most:
        raise invalid(field, f"{field} is a number from {least} to {most}.")
    return value


def ids(values: Iterable[str], field: str) -> tuple[str, ...]:
    """Distinct ids in their order, 100 at most."""
    found = tuple(dict.fromkeys(values))
    if len(found) > LIST_MOST:
        raise invalid(field, f"{field} holds {LIST_MOST} entries at most.")
    for one in found:
        check_name(one, field)
    return found


def locale(value: str) -> str:
    """A language tag such as `zh-CN`, or nothing."""
    if not _LOCALE.fullmatch(value):
        raise invalid("locale", "Give a language such as zh-CN or en, or nothing.")
    return value


def text(value: str, most: int, field: str) -> str:
    """Text that isn't too long."""
    if len(value) > most:
        raise invalid(field, f"{field} has {most} characters at most.")
    return value
