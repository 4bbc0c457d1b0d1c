"""An agent: somebody who answers, with role and reach."""

from __future__ import annotations

import re
from typing import Final, get_args

from msgspec import Struct, structs

from backbone.access import Reach
from backbone.directory.fields import NAME_MOST, among, between, ids, locale
from backbone.errors import InvalidInputError
from backbone.ids import check_name

EMAIL_MOST: Final = 254
CAPACITY_MOST: Final = 100
REACHES: Final[frozenset[str]] = frozenset(get_args(Reach))

Role = str
"""One of `backbone.access.ROLES`, or the id of a custom role of the tenant."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@(?:[^@\s\x00-\x1f][^@\s\x00-\x1f.]*\.[^@\s\x00-\x1f]+|localhost)")


class Agent(Struct, frozen=True, kw_only=True, tag="agent"):
    """Somebody who answers. `capacity` is conversations at once. `reach` with `teams` (and `team`, their own) and
    `inboxes`: at which conversations they may look at all.

    `password` is an argon2id hash. It is stored apart, under a key that `password_id` names (first 16 characters of its
    own hash, by which sessions know it too); what is read has it where it says so. Earlier versions stored it inside.
    """

    id: str
    name: str
    email: str
    password: str = ""
    role: Role = "agent"
    team: str = ""
    capacity: int = 6
    locale: str = ""
    active: bool = True
    reach: str = "all"
    teams: tuple[str, ...] = ()
    inboxes: tuple[str, ...] = ()
    password_id: str = ""


def normal_email(email: str) -> str:
    """An e-mail address as it is compared. Raises InvalidInputError `agent.email_invalid`."""
    text = email.strip().casefold()
    if len(text) > EMAIL_MOST or not _EMAIL.fullmatch(text):
        raise InvalidInputError(
            "agent.email_invalid", "Give an e-mail address such as name@example.com.", field="email"
        )
    return text


def checked_name(name: str) -> str:
    """A name that customers may see. Raises InvalidInputError `agent.name_missing` or `agent.name_long`."""
    text = name.strip()
    if not text:
        raise InvalidInputError("agent.name_missing", "Give a name that customers may see.", field="name")
    if len(text) > NAME_MOST:
        raise InvalidInputError("agent.name_long", f"Give a name of at most {NAME_MOST} characters.", field="name")
    return text


def check(agent: Agent) -> Agent:
    """As it is stored. Raises InvalidInputError naming the field. Whether a custom role is there is the writer's."""
    check_name(agent.id, "agent")
    check_name(agent.role, "role")
    if agent.team:
        check_name(agent.team, "team")
    between(agent.capacity, 0, CAPACITY_MOST, "capacity")
    locale(agent.locale)
    among(agent.reach, REACHES, "reach")
    return structs.replace(
        agent,
        name=checked_name(agent.name),
        email=normal_email(agent.email),
        teams=ids(agent.teams, "teams"),
        inboxes=ids(agent.inboxes, "inboxes"),
    )
