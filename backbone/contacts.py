"""Contacts and their open conversations (bucket `contacts`).

Record `<tenant>.c.<contact>`; open conversation `<tenant>.o.<inbox>.<contact, or hash of thread>`: one per inbox and
contact or thread, guarded by compare-and-set. Who comes through a channel is
claimed: `<tenant>.i.<inbox>.<hash of the provider's id>`; an alias `<tenant>.a.<kind>.<hash>` that is vouched for
joins several of them into one contact, of each inbox one: `<tenant>.p.<inbox>.<contact>` says which.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from msgspec import Struct, structs

from backbone import events as ev
from backbone.ids import derived_event_id, key_hash, new_contact_id
from backbone.log import Log
from backbone.nats import subjects
from backbone.nats.buckets import Bucket, KeyExistsError, RevisionError
from backbone.nats.link import Link


class Contact(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="contact"):
    """A person who writes. Times are UTC ms."""

    id: str
    inbox: str
    name: str = ""
    locale: str = ""
    first_at: int = 0
    merged_into: str = ""
    peer: str = ""
    """The provider's id of whoever came through a channel."""


class OpenConversation(Struct, frozen=True, kw_only=True, tag="open"):
    """The conversation that a contact's next message goes to, if it isn't closed for good."""

    conv: str
    opened_by: str
    """Id of the message that opened it: tells a writer whose batch didn't come through how to complete it."""


class Identity(Struct, frozen=True, kw_only=True, tag="identity"):
    """The contact that a provider's id, or an alias that is vouched for, belongs to.

    Under `p`, the other way: the hash of the one provider's id in an inbox that belongs to a contact.
    """

    contact: str


Record = Contact | OpenConversation | Identity


class User(Struct, frozen=True, kw_only=True):
    """A contact; `user`: the company's own id of them, where it vouches for them."""

    contact: str
    user: str
    name: str = ""


def contacts(link: Link) -> Bucket[Record]:
    """The bucket."""
    return Bucket(link, "contacts", Record)


def open_key(tenant: str, inbox: str, contact: str, thread: str = "") -> str:
    """The key of a contact's open conversation in one inbox, or of a thread's where a channel has them."""
    return subjects.key(tenant, "o", inbox, key_hash(thread) if thread else contact)


async def identify(  # noqa: PLR0917 - where, and by which names
    link: Link, tenant: str, inbox: str, peer: str, aliases: dict[str, str], also: Sequence[str] = ()
) -> str:
    """The contact of a provider's id, made if nobody has it: the same for whoever asks at once.

    `also`: other ids by which the provider itself names the same person in this inbox; whichever was known first says
    who it is.

    `aliases` (kind to value) are vouched for: somebody who is known by one of them from another inbox stays the same
    person. Within one inbox two ids are two people, whatever address they give: it would open the one's conversations
    to the other.
    """
    bucket = contacts(link)
    key = subjects.key(tenant, "i", inbox, key_hash(peer))
    kept = await bucket.get(key)
    others = [subjects.key(tenant, "i", inbox, key_hash(other)) for other in also if other != peer]
    if kept and isinstance(kept.value, Identity):
        for other in others:
            await _claimed(bucket, other, kept.value.contact)
        return kept.value.contact
    for other in others:
        named = await bucket.get(other)
        if named and isinstance(named.value, Identity):
            return await _claimed(bucket, key, named.value.contact)
    keys = [subjects.key(tenant, "a", kind, key_hash(value)) for kind, value in sorted(aliases.items()) if value]
    known = [k.value.contact for k in [await bucket.get(a) for a in keys] if k and isinstance(k.value, Identity)]
    contact = new_contact_id()
    for other in dict.fromkeys(known):
        if await _is_free(bucket, tenant, inbox, other, peer):
            contact = other
            break
    else:
        await _claimed(bucket, subjects.key(tenant, "p", inbox, contact), key_hash(peer))
    contact = await _claimed(bucket, key, contact)
    for alias in (*others, *keys):
        await _claimed(bucket, alias, contact)
    return contact


async def _is_free(bucket: Bucket[Record], tenant: str, inbox: str, contact: str, peer: str) -> bool:
    """Whether a contact is of no other id of this inbox; it is this one's from then on."""
    record = await bucket.get(subjects.key(tenant, "c", contact))
    # Contacts of before had no `p`; who has written has a record.
    wrote = record.value if record and isinstance(record.value, Contact) and record.value.inbox == inbox else None
    if wrote and wrote.peer not in {"", peer}:
        return False
    return await _claimed(bucket, subjects.key(tenant, "p", inbox, contact), key_hash(peer)) == key_hash(peer)


async def merge(  # noqa: PLR0917 - where, who, and when
    link: Link, log: Log, tenant: str, inbox: str, gone: str, into: User, at: int
) -> str:
    """What an anonymous contact `gone` has open in an inbox becomes the user's; returns that conversation, if any.

    `at`: UTC ms. Whoever holds the former contact's token must have asked for it. The same again changes nothing.
    Raises TrunklineError where the log can't be written: then it is done by the next try.
    """
    bucket = contacts(link)
    key = open_key(tenant, inbox, gone)
    kept = await bucket.get(key)
    if gone == into.contact or kept is None or not isinstance(kept.value, OpenConversation):
        return ""
    conv = kept.value.conv
    last = await log.last(subjects.any_channel(tenant, conv))
    if last is None:
        return ""
    merged = ev.ContactMerged(
        id=derived_event_id(conv, f"merged.{gone}.{into.contact}"),
        tenant=tenant,
        channel=subjects.parse_chat(last.subject).channel,
        conv=conv,
        at=at,
        by=ev.Actor("visitor", into.contact, into.name),
        contact=into.contact,
        name=into.name,
        merged=gone,
        identities={"sub": key_hash(into.user)},
    )
    await log.publish(last.subject, merged)
    with contextlib.suppress(KeyExistsError):
        # Who has one open already goes on there; this one is theirs to read.
        await bucket.create(open_key(tenant, inbox, into.contact), kept.value)
    record = await bucket.get(subjects.key(tenant, "c", gone))
    if record and isinstance(record.value, Contact):
        with contextlib.suppress(RevisionError):
            await bucket.update(
                subjects.key(tenant, "c", gone),
                structs.replace(record.value, merged_into=into.contact),
                record.revision,
            )
        await remember(
            link, tenant, structs.replace(record.value, id=into.contact, name=into.name, peer=into.user, merged_into="")
        )
    with contextlib.suppress(RevisionError):
        await bucket.delete(key, kept.revision)
    return conv


async def link_aliases(link: Link, tenant: str, contact: str, aliases: dict[str, str], name: str = "") -> None:
    """A contact is known by these aliases too, unless somebody else is; and by a name, if they had none."""
    bucket = contacts(link)
    for kind, value in sorted(aliases.items()):
        await _claimed(bucket, subjects.key(tenant, "a", kind, key_hash(value)), contact)
    key = subjects.key(tenant, "c", contact)
    record = await bucket.get(key)
    if name and record and isinstance(record.value, Contact) and not record.value.name:
        with contextlib.suppress(RevisionError):
            await bucket.update(key, structs.replace(record.value, name=name), record.revision)


async def find_peer(link: Link, tenant: str, contact: str) -> str:
    """The provider's id of a contact, empty if they came through no channel."""
    kept = await contacts(link).get(subjects.key(tenant, "c", contact))
    return kept.value.peer if kept and isinstance(kept.value, Contact) else ""


async def _claimed(bucket: Bucket[Record], key: str, contact: str) -> str:
    try:
        await bucket.create(key, Identity(contact=contact))
    except KeyExistsError:
        kept = await bucket.get(key)
        if kept and isinstance(kept.value, Identity):
            return kept.value.contact
        raise
    return contact


async def is_known(link: Link, tenant: str, contact: str) -> bool:
    """Whether somebody of this id has written."""
    return await contacts(link).get(subjects.key(tenant, "c", contact)) is not None


async def remember(link: Link, tenant: str, contact: Contact) -> None:
    """Stores a contact's record with the first message; a record that is there stays as it is."""
    try:
        await contacts(link).create(subjects.key(tenant, "c", contact.id), contact)
    except KeyExistsError:
        return
