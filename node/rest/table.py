"""Every route of the REST API, by noun."""

from __future__ import annotations

from typing import Final

from node.rest import (
    accounts,
    agents,
    changes,
    channels,
    conversations,
    files,
    inboxes,
    mail,
    messages,
    reports,
    sessions,
    signed_in,
    templates,
    visitors,
)
from node.rest.contract.api import Route
from node.rest.contract.reference import routes_about
from node.rest.settings.table import ROUTES as SETTINGS

NOUNS: Final = (
    sessions,
    signed_in,
    agents,
    inboxes,
    accounts,
    channels,
    templates,
    visitors,
    conversations,
    messages,
    changes,
    mail,
    files,
    reports,
)

_BY_HAND: Final = tuple(one for noun in NOUNS for one in vars(noun).values() if isinstance(one, Route))
_DECLARED: Final = (*_BY_HAND, *SETTINGS)
ROUTES: Final[tuple[Route, ...]] = (*_DECLARED, *routes_about(_DECLARED))
