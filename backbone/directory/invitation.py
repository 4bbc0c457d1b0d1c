"""An invitation: a link that makes somebody an agent, once."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from backbone.directory.agent import Role
from backbone.ids import check_name

INVITATION_LIFE_S: Final = 24 * 3600


class Invitation(Struct, frozen=True, kw_only=True, tag="invitation"):
    """Lets whoever holds its secret become an agent of a tenant, once, until `exp` (Unix seconds)."""

    tenant: str
    role: Role
    exp: int
    team: str = ""


def check(invitation: Invitation) -> Invitation:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(invitation.tenant, "tenant")
    check_name(invitation.role, "role")
    if invitation.team:
        check_name(invitation.team, "team")
    return invitation
