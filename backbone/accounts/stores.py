"""What the kit keeps in the bucket `channels`, by tenant: tokens, tries, ids, cursors, parked conversations, health.

Keys: `<tenant>.token.<inbox>.<name>`, `.send.<event>.<part>`, `.ref.<hash>`, `.early.<hash>`, `.value.<hash>`,
`.rate.<inbox>`, `.cursor.<inbox>.<hash of stream>`, `.parked.<conversation>`, `.unfetched.<conversation>.<sequence>`,
`.health.<inbox>`, and in the bucket `seen`: `<tenant>.<channel>.<hash of the provider's id>`. Times are UTC ms.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from backbone.ids import key_hash
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link

DAY_S: Final = 86_400
SEND_LIFE_S: Final = 7 * DAY_S
REF_LIFE_S: Final = 30 * DAY_S


class KeptToken(Struct, frozen=True, tag="token", kw_only=True):
    """A token, sealed: JSON of `backbone.channel.Token`; when it was fetched and ends; hashes of the settings used, and
    of the addresses among them.
    """

    sealed: str
    fetched_at: int
    ends_at: int
    basis: str = ""
    place: str = ""


class Trying(Struct, frozen=True, tag="send", kw_only=True):
    """A part is being handed to a provider that would take it twice; whoever finds this can't know whether it was."""

    attempt: int
    at: int


class Ref(Struct, frozen=True, tag="ref", kw_only=True):
    """The part of a message that a provider's id belongs to."""

    conv: str
    event: str
    part: int
    parts: int


class Early(Struct, frozen=True, tag="early", kw_only=True):
    """A receipt that came before the id it names was known."""

    status: str
    code: str
    reason: str
    key: str
    final: bool = True


class Value(Struct, frozen=True, tag="value", kw_only=True):
    """What a channel asked to be remembered."""

    value: str


class Budget(Struct, frozen=True, tag="rate", kw_only=True):
    """What is left of an account's rate at a time."""

    at: int
    left: float


class Cursor(Struct, frozen=True, tag="cursor", kw_only=True):
    """How far a provider's stream has been read: all before it is in the log."""

    cursor: str


class Parked(Struct, frozen=True, tag="parked", kw_only=True):
    """A conversation that waits: the first event that isn't settled, since when and until when, and for what; how often
    that event was tried.
    """

    first: int
    since: int
    until: int
    why: str
    inbox: str = ""
    tries: int = 0


class Unfetched(Struct, frozen=True, tag="unfetched", kw_only=True):
    """A customer's message whose files couldn't be had: since when, after how many tries, and until when it waits."""

    inbox: str
    since: int
    until: int
    tries: int


class Health(Struct, frozen=True, tag="health", kw_only=True):
    """How an account is: `paused` with the reason, or held back by its provider until a time. `failing`: why what comes
    in can't be fetched, again and again, and since when.
    """

    paused: str = ""
    since: int = 0
    until: int = 0
    failing: str = ""
    failing_since: int = 0


Record = KeptToken | Trying | Ref | Early | Value | Budget | Cursor | Parked | Unfetched | Health


class Seen(Struct, frozen=True, kw_only=True):
    """A provider's message was about to be stored in this conversation, after this sequence of it."""

    conv: str
    after: int


def channels(link: Link) -> Bucket[Record]:
    """The bucket."""
    return Bucket(link, "channels", Record)


def seen(link: Link) -> Bucket[Seen]:
    """The bucket of what came in lately."""
    return Bucket(link, "seen", Seen)


async def forget_account(link: Link, tenant: str, inbox: str) -> None:
    """Deletes what is kept of an account beside its settings: tokens, health, rate, when it was last heard of.

    How far it was read stays: connected again under its id, it goes on from there.
    """
    bucket: Bucket[msgspec.Raw] = Bucket(link, "channels", msgspec.Raw)
    for kind in ("token", "pulse", "rate"):
        for key in await bucket.keys(subjects.key(tenant, kind, inbox) + ".*"):
            await bucket.delete(key)
    for key in (health_key(tenant, inbox), rate_key(tenant, inbox)):
        if await bucket.get(key):
            await bucket.delete(key)


def token_key(tenant: str, inbox: str, name: str) -> str:
    """Of an account's token."""
    return subjects.key(tenant, "token", inbox, name)


def send_key(tenant: str, event: str, part: int, refused: int = 0) -> str:
    """Of a try to send a part, which the platform took and refused later so often."""
    return subjects.key(tenant, "send", event, f"{part}-{refused}" if refused else str(part))


def came_key(tenant: str, inbox: str, contact: str) -> str:
    """Of how somebody came who has said nothing yet."""
    return subjects.key(tenant, "came", inbox, contact)


def ref_key(tenant: str, inbox: str, ref: str) -> str:
    """Of a provider's id of a message of ours."""
    return subjects.key(tenant, "ref", key_hash(f"{inbox}:{ref}"))


def early_key(tenant: str, inbox: str, ref: str) -> str:
    """Of a receipt that came too early."""
    return subjects.key(tenant, "early", key_hash(f"{inbox}:{ref}"))


def value_key(tenant: str, inbox: str, key: str) -> str:
    """Of what a channel asked to be remembered."""
    return subjects.key(tenant, "value", key_hash(f"{inbox}:{key}"))


def rate_key(tenant: str, inbox: str, kinds: str = "") -> str:
    """Of an account's budget; of one for some kinds of messages beside it."""
    return subjects.key(tenant, "rate", inbox, *([kinds] if kinds else []))


def cursor_key(tenant: str, inbox: str, stream: str) -> str:
    """Of a stream's cursor."""
    return subjects.key(tenant, "cursor", inbox, key_hash(stream))


def parked_key(tenant: str, conv: str) -> str:
    """Of a conversation that waits."""
    return subjects.key(tenant, "parked", conv)


def unfetched_key(tenant: str, conv: str, seq: int) -> str:
    """Of a message that waits for its files."""
    return subjects.key(tenant, "unfetched", conv, str(seq))


def health_key(tenant: str, inbox: str) -> str:
    """Of an account's health."""
    return subjects.key(tenant, "health", inbox)


def seen_key(tenant: str, channel: str, inbox: str, provider_id: str) -> str:
    """Of a provider's message."""
    return subjects.key(tenant, channel, key_hash(f"{inbox}:{provider_id}"))
