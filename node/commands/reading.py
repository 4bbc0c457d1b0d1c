"""The frames that read: `sub`, `unsub`, `history`. Subscribe first, replay second, release third."""

from __future__ import annotations

from backbone.access import EVERYTHING, Scope, Who, may, scope
from backbone.errors import NotFoundError, TrunklineError
from node.commands.authorise import authorise
from node.context import Context
from node.metrics import RESYNCS
from node.peer import Peer
from node.protocol import frames as f
from node.rooms import pages
from node.rooms.room import Room
from node.rooms.view import View


async def subscribe(context: Context, peer: Peer, who: Who, frame: f.Sub) -> None:
    """Answers with `evs`, or `resync` where the watermark isn't of this log; then live events follow."""
    try:
        await _attach(context, peer, who, frame)
    except NotFoundError:
        # A conversation may have gone with the log's end. Only `resync` makes its client forget what it shows.
        if not await _is_of_another_log(context, frame):
            raise
        await _begin_again(context, peer, frame.conv)


async def _attach(context: Context, peer: Peer, who: Who, frame: f.Sub) -> None:
    async with context.hub.visit(who.tenant, frame.conv) as room:
        authorise(who, "conversation.read", room)
        view = peer.views.get(frame.conv)
        if view is None or view.room is not room:
            view = View(peer, room, is_visitor=who.kind == "visitor", scope=_scope_of(who))
            peer.views[frame.conv] = view
        view.begin()
        room.viewers.add(view)
        page = await _page(context, room, frame)
        if page is None:
            await _begin_again(context, peer, frame.conv)
            return
        epochs = await context.hub.epochs(frame.conv)
        events = pages.for_visitors(page.events) if view.is_visitor else page.events
        more = page.more and frame.after is not None
        peer.push(f.evs_frame(frame.conv, epochs.now, events, page.upto, more=more))
        if more:
            # The client asks again from `upto`; until then nothing may overtake what it lacks.
            room.viewers.discard(view)
        else:
            view.release(page.upto)
        peer.conversations.add(frame.conv)


def _scope_of(who: Who) -> Scope:
    # A visitor's conversations are theirs by contact, which the room looks after.
    return EVERYTHING if who.kind == "visitor" else scope(who)


async def _page(context: Context, room: Room, frame: f.Sub) -> pages.Page | None:
    if frame.after is None:
        page = await pages.newest(context.log, room.subject, room.head, frame.limit)
        return await _with_older(context, room, page, frame.limit)
    if await _is_of_another_log(context, frame):
        return None
    _, seq = frame.after
    if seq and seq == room.seq:
        # The last event there is: nothing was missed, and the room's having it says that the log has it.
        return pages.Page([], seq, more=False)
    return await pages.after(context.log, room.subject, seq, frame.limit)


async def _is_of_another_log(context: Context, frame: f.Sub) -> bool:
    """Whether the client's watermark lies in a future that this log doesn't have."""
    if frame.after is None or not frame.after[1]:
        return False
    return not (await context.hub.epochs(frame.conv)).holds(*frame.after) and not (
        await context.hub.epochs(frame.conv, fresh=True)
    ).holds(*frame.after)


async def _begin_again(context: Context, peer: Peer, conv: str) -> None:
    forget(peer, conv)
    epochs = await context.hub.epochs(conv, fresh=True)
    RESYNCS.inc()
    peer.push(f.encode(f.Resync(conv=conv, epoch=epochs.now)))


async def _with_older(context: Context, room: Room, page: pages.Page, limit: int) -> pages.Page:
    """Fills a page from the warehouse where the log no longer holds the conversation's beginning."""
    if page.more or len(page.events) >= limit or not page.events:
        return page
    if pages.begins_conversation(page.events[0][2]):
        return page
    first = page.events[0]
    epochs = await context.hub.epochs(room.head.conv)
    older = await pages.from_warehouse(
        context.link,
        room.head.tenant,
        room.head.conv,
        (epochs.number(first[0]), first[0]),
        min(200, limit - len(page.events)),
    )
    return pages.Page(older + page.events, page.upto, page.more)


def unsubscribe(peer: Peer, frame: f.Unsub) -> None:
    """Ends `sub`; a conversation that wasn't attached is fine."""
    forget(peer, frame.conv)
    peer.conversations.discard(frame.conv)


def forget(peer: Peer, conv: str) -> None:
    """Takes a client's view out of its room."""
    view = peer.views.pop(conv, None)
    if view is not None:
        view.room.viewers.discard(view)


async def history(context: Context, peer: Peer, who: Who, frame: f.History) -> None:
    """The events before a position, from the log, and from the warehouse where the log begins later."""
    async with context.hub.visit(who.tenant, frame.conv) as room:
        authorise(who, "conversation.read", room)
        epoch, seq = frame.before
        page = await pages.before(context.log, room.subject, room.head, seq, frame.limit)
        events = page.events
        is_whole = bool(events) and pages.begins_conversation(events[0][2])
        if not is_whole and len(events) < frame.limit:
            position = (epoch, events[0][0] if events else seq)
            older = await pages.from_warehouse(
                context.link, who.tenant, frame.conv, position, frame.limit - len(events)
            )
            events = older + events
        more = bool(events) and not pages.begins_conversation(events[0][2])
        shown = pages.for_visitors(events) if who.kind == "visitor" else events
        upto = events[-1][0] if events else seq
        peer.push(f.evs_frame(frame.conv, epoch, shown, upto, more=more, history=True))


async def is_theirs(context: Context, who: Who, conv: str) -> bool:
    """Whether `who` may read a conversation, as it is now."""
    try:
        async with context.hub.visit(who.tenant, conv) as room:
            return may(who, "conversation.read", room.head) is None
    except TrunklineError:
        return False
