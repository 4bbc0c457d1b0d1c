"""A claim: says whose an inbox's id or an e-mail address is, in the whole system."""

from __future__ import annotations

from msgspec import Struct

from backbone.ids import check_name


class Claim(Struct, frozen=True, kw_only=True, tag="claim"):
    """Says which tenant an inbox's id or an e-mail belongs to, and the record's own id."""

    tenant: str
    id: str


def check(claim: Claim) -> Claim:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(claim.tenant, "tenant")
    check_name(claim.id, "id")
    return claim
