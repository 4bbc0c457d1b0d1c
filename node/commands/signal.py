"""Typing and viewing: to whoever is attached, stored nowhere."""

from __future__ import annotations

import msgspec

from backbone import directory
from backbone.access import Who
from backbone.commands import Signal
from backbone.errors import InvalidInputError
from backbone.nats import subjects
from node.commands.authorise import authorise
from node.context import Context
from node.peer import Peer
from node.protocol import frames as f
from node.rooms.room import LiveSignal


def signal(context: Context, peer: Peer, who: Who, command: Signal) -> None:
    """Tells whoever is attached that somebody types or looks; stored nowhere."""
    view = peer.views.get(command.conv)
    if view is None:
        raise InvalidInputError("signal.not_subscribed", "Subscribe to the conversation first.", field="conv")
    # It may have become somebody else's since.
    authorise(who, "conversation.signal", view.room)
    signalled = f.Signalled(
        conv=command.conv,
        kind=command.kind,
        by=who.id,
        by_kind="visitor" if who.kind == "visitor" else "agent",
        name=who.name,
        text=command.text if who.kind == "visitor" else "",
    )
    context.log.signal(view.room.subject, msgspec.json.encode(LiveSignal(peer.id, signalled)))
    head = view.room.head
    if who.kind == "agent" and command.kind != "viewing" and head.channel not in directory.VISITED:
        # The platform shows it, if its channel can tell it.
        context.link.publish_raw(subjects.typing(head.channel, head.conv, head.tenant), command.kind.encode())
