"""A custom role: a set of actions that a tenant gave a name."""

from __future__ import annotations

from msgspec import Struct, structs

from backbone.access import ACTIONS, ROLES
from backbone.directory.fields import invalid, named
from backbone.ids import check_name


class CustomRole(Struct, frozen=True, kw_only=True, tag="role"):
    """What its agents may do: some of `backbone.access.ACTIONS`."""

    id: str
    name: str
    actions: tuple[str, ...] = ()


def check(role: CustomRole) -> CustomRole:
    """As it is stored. Raises InvalidInputError naming the field."""
    check_name(role.id, "role")
    if role.id in ROLES:
        raise invalid("id", f"{role.id} is a role that every tenant has; give another id.")
    if unknown := sorted(set(role.actions) - ACTIONS):
        raise invalid("actions", f"There is no action {unknown[0][:40]!r}.")
    return structs.replace(role, name=named(role.name), actions=tuple(sorted(set(role.actions))))
