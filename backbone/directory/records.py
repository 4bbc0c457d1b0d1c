"""What the bucket `directory` holds: a type a kind of thing, its keys, its check.

Keys are `<tenant>.<kind>.<id>`. An inbox's id, an agent's e-mail and an invitation's secret are unique in the whole
system: their keys stand under `_` and say which tenant's they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

from backbone.directory import agent, calendar, claim, inbox, invitation, reset, role, skill, team, tenant
from backbone.directory.agent import Agent, normal_email
from backbone.directory.calendar import Calendar
from backbone.directory.claim import Claim
from backbone.directory.inbox import Inbox
from backbone.directory.invitation import Invitation
from backbone.directory.reset import Reset
from backbone.directory.role import CustomRole
from backbone.directory.secret import Secret
from backbone.directory.skill import Skill
from backbone.directory.team import Team
from backbone.directory.tenant import Tenant
from backbone.ids import check_name, key_hash
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link

BUCKET: Final = "directory"
SYSTEM: Final = "_"

Record = Tenant | Inbox | Agent | Claim | Invitation | Team | Skill | Calendar | CustomRole | Secret | Reset
"""What the bucket holds, told apart by the tag `type`."""

R = TypeVar("R", bound=Record)

Owned = Tenant | Inbox | Agent | Team | Skill | Calendar | CustomRole | Reset
"""Records that a tenant has by id."""

KINDS: Final[dict[str, type[Owned]]] = {
    str(kind.__struct_config__.tag): kind for kind in (Tenant, Inbox, Agent, Team, Skill, Calendar, CustomRole, Reset)
}
"""The second part of a key, and what stands there."""


def directory(link: Link) -> Bucket[Record]:
    """The bucket."""
    return Bucket(link, BUCKET, Record)


def kind_of(record: Record) -> str:
    """The tag of a record."""
    return str(record.__struct_config__.tag)


def key_of(tenant: str, record: Owned) -> str:
    """Where a tenant's record stands."""
    return owned_key(tenant, kind_of(record), record.id)


def owned_key(tenant: str, kind: str, identity: str) -> str:
    """Where a tenant's record of a kind stands. Raises InvalidInputError `id.token` naming the kind."""
    return subjects.key(check_name(tenant, "tenant"), kind, check_name(identity, kind))


def login_key(email: str) -> str:
    """The claim of an agent's e-mail."""
    return f"{SYSTEM}.login.{key_hash(normal_email(email))}"


def inbox_key(inbox: str) -> str:
    """The claim of an inbox's id."""
    return f"{SYSTEM}.inbox.{check_name(inbox, 'inbox')}"


def invitation_key(secret: str) -> str:
    """An invitation, found by the hash of its secret."""
    return f"{SYSTEM}.invitation.{key_hash(secret)}"


_CHECKS: Final[dict[type[Record], Callable[[Any], Record]]] = {
    Tenant: tenant.check,
    Inbox: inbox.check,
    Agent: agent.check,
    Claim: claim.check,
    Invitation: invitation.check,
    Team: team.check,
    Skill: skill.check,
    Calendar: calendar.check,
    CustomRole: role.check,
    Reset: reset.check,
    Secret: lambda record: record,
}


def check(record: R) -> R:
    """A record as it is stored. Raises InvalidInputError naming the field and the fix. Pure."""
    checks: Mapping[Any, Callable[[Any], Record]] = _CHECKS
    return cast("R", checks[type(record)](record))
