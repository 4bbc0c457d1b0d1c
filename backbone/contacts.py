"""Contacts and their open conversations (bucket `contacts`).

Record `<tenant>.c.<contact>`; open conversation `<tenant>.o.<inbox>.<contact>`: one per inbox and contact,
guarded by compare-and-set (log-and-protocol.md, "Opening").
"""

from __future__ import annotations

from msgspec import Struct

from backbone import subjects
from backbone.buckets import Bucket, KeyExistsError
from backbone.link import Link


class Contact(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="contact"):
    """A person who writes. Times are UTC ms."""

    id: str
    inbox: str
    name: str = ""
    locale: str = ""
    first_at: int = 0
    merged_into: str = ""


class OpenConversation(Struct, frozen=True, kw_only=True, tag="open"):
    """The conversation that a contact's next message goes to, if it isn't closed for good."""

    conv: str
    opened_by: str
    """Id of the message that opened it: tells a writer whose batch didn't come through how to complete it."""


Record = Contact | OpenConversation


def contacts(link: Link) -> Bucket[Record]:
    """The bucket."""
    return Bucket(link, "contacts", Record)


def open_key(tenant: str, inbox: str, contact: str) -> str:
    """The key of a contact's open conversation in one inbox."""
    return subjects.key(tenant, "o", inbox, contact)


async def is_known(link: Link, tenant: str, contact: str) -> bool:
    """Whether somebody of this id has written."""
    return await contacts(link).get(subjects.key(tenant, "c", contact)) is not None


async def remember(link: Link, tenant: str, contact: Contact) -> None:
    """Stores a contact's record with the first message; a record that is there stays as it is."""
    try:
        await contacts(link).create(subjects.key(tenant, "c", contact.id), contact)
    except KeyExistsError:
        return
