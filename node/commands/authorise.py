"""The question that each use-case asks first: may they?"""

from __future__ import annotations

from backbone.access import REFUSED, OnConversation, Who, may
from backbone.errors import ForbiddenError, NotFoundError
from node.rooms.room import Room


def authorise(who: Who, action: OnConversation, room: Room) -> None:
    """Raises NotFoundError or ForbiddenError unless `who` may."""
    code = may(who, action, room.head)
    if code == "resource.not_found":
        raise NotFoundError(code, "There is no such conversation.", field="conv")
    if code:
        raise ForbiddenError(code, REFUSED[code])
