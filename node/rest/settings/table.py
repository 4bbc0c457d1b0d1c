"""Every route of this room."""

from __future__ import annotations

from typing import Final

from node.rest.contract.api import Route
from node.rest.settings import audit, declared, people, profile, reset

ROUTES: Final[tuple[Route, ...]] = (
    *profile.ROUTES,
    *people.ROUTES,
    *reset.ROUTES,
    *declared.ROUTES,
    *audit.ROUTES,
)
