"""Who a contact is: identities that belong together."""

from __future__ import annotations

from backbone.events.envelope import Base


class ContactLinked(Base, tag="contact.linked", kw_only=True):
    """Further identities of a contact (hashes, by kind), each vouched for, and what they are called."""

    contact: str
    name: str = ""
    identities: dict[str, str] = {}


class ContactMerged(Base, tag="contact.merged", kw_only=True):
    """`merged` is now part of `contact`, called `name`; in a conversation: it is theirs from here on. Identities as in
    `contact.linked`.
    """

    contact: str
    name: str = ""
    merged: str = ""
    identities: dict[str, str] = {}
