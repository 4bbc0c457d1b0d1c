"""Whom a message goes to that opens a conversation, and what only mail has: a subject, copies, anybody's address."""

from __future__ import annotations

from typing import NamedTuple

from backbone import contacts, directory
from backbone.access import Who, scope
from backbone.commands import Send, To
from backbone.domains import ascii_domain
from backbone.errors import InvalidInputError, NotFoundError
from backbone.ids import check_contact, thread_key
from node.context import Context

UNKNOWN = "There is no such contact."


class Whom(NamedTuple):
    """Who a conversation opens with. `thread`: its thread's key, where a channel has them."""

    contact: str
    peer: str
    name: str = ""
    thread: str = ""


async def check(context: Context, command: Send, channel: str) -> None:
    """Raises InvalidInputError `mail.not_taken` where a message says what only mail has, and goes by something else."""
    if command.is_addressed:
        _check(command, is_mail=await _is_mail(context, channel))


def _check(command: Send, *, is_mail: bool) -> None:
    if command.is_addressed and not is_mail:
        field = "subject" if command.subject else "cc" if command.cc is not None else "to.address"
        raise InvalidInputError("mail.not_taken", "Only mail has a subject, copies and addresses.", field=field)


async def find(context: Context, who: Who, inbox: directory.Inbox, command: Send) -> Whom:
    """Whom an agent writes to: a contact who has written before, or whoever has an address, who is one from now on.

    Raises InvalidInputError `contact.not_found`, also for what is out of the agent's scope, and `mail.not_taken`.
    """
    is_mail = await _is_mail(context, inbox.channel)
    _check(command, is_mail=is_mail)
    to = command.to or To("")
    # Each mail that an agent begins is a thread of its own, as it is in everybody's mailbox.
    thread = thread_key(command.id) if is_mail else ""
    if to.address:
        await _check_scope(context, who, inbox, "")
        local, _, domain = to.address.rpartition("@")
        peer = f"{local.lower()}@{ascii_domain(domain)}"
        return Whom(await contacts.identify(context.link, who.tenant, inbox.id, peer, {}), peer, thread=thread)
    contact = check_contact(to.contact, "to.contact")
    await _check_scope(context, who, inbox, "" if thread else contact)
    if not await contacts.is_known(context.link, who.tenant, contact):
        raise InvalidInputError("contact.not_found", UNKNOWN, field="to.contact")
    return Whom(contact, await contacts.find_peer(context.link, who.tenant, contact), thread=thread)


async def _is_mail(context: Context, channel: str) -> bool:
    about = (await context.channels.all()).get(channel)
    return about is not None and about.addressed_by == "email"


async def _check_scope(context: Context, who: Who, inbox: directory.Inbox, contact: str) -> None:
    """Raises InvalidInputError `contact.not_found` where the contact's conversation is out of the scope, or would
    be opened in an inbox that is none of theirs. `contact` empty: it is opened in any case.
    """
    allowed = scope(who)
    if allowed.is_all:
        return
    key = contacts.open_key(who.tenant, inbox.id, contact)
    kept = await contacts.contacts(context.link).get(key) if contact else None
    if kept and isinstance(kept.value, contacts.OpenConversation):
        try:
            async with context.hub.visit(who.tenant, kept.value.conv) as room:
                if allowed.holds(room.head):
                    return
        except NotFoundError:
            pass  # Its key was set and its beginning never came.
    elif inbox.id in allowed.inboxes or (inbox.team and inbox.team in allowed.teams):
        return
    raise InvalidInputError("contact.not_found", UNKNOWN, field="to.contact")
