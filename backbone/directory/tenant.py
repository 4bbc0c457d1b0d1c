"""A tenant: a company whose customers write."""

from __future__ import annotations

from msgspec import Struct, structs

from backbone.directory.fields import named
from backbone.ids import check_name


class Tenant(Struct, frozen=True, kw_only=True, tag="tenant"):
    """A company whose customers write."""

    id: str
    name: str


def check(tenant: Tenant) -> Tenant:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(tenant.id, "tenant")
    return structs.replace(tenant, name=named(tenant.name))
