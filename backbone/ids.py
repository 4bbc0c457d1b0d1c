"""Ids: how they are made, derived and checked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import uuid

import uuid_utils

from backbone.errors import InvalidInputError

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONVERSATION = re.compile(r"[0-9]{2}[a-z2-7]{26}")
_CONTACT = re.compile(r"c[a-z2-7]{26}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ID_BYTES = 16
THREAD_CHARS = 26
SALTS_AT_ONCE = 256

_salts: list[str] = []


def check_token(value: str, field: str) -> str:
    """`value` if it may stand as one token of a subject and one part of a key.

    Raises InvalidInputError `id.token` naming `field`.
    """
    if not _TOKEN.fullmatch(value):
        raise InvalidInputError("id.token", f"{field} must be 1 to 64 of A-Z a-z 0-9 _ and -.", field=field)
    return value


def check_name(value: str, field: str) -> str:
    """`value` as the id of a tenant, inbox, agent or team: a token that doesn't begin with `_`."""
    check_token(value, field)
    if value.startswith("_"):
        raise InvalidInputError("id.token", f"{field} must not begin with _.", field=field)
    return value


def check_conversation(value: str, field: str = "conv") -> str:
    """`value` if it has the form of a conversation's id."""
    if not _CONVERSATION.fullmatch(value):
        raise InvalidInputError(
            "id.conversation",
            f"{field} must be two digits and 26 characters of a-z 2-7.",
            field=field,
        )
    return value


def check_contact(value: str, field: str = "contact") -> str:
    """`value` if it has the form of a contact's id."""
    if not _CONTACT.fullmatch(value):
        raise InvalidInputError("id.contact", f"{field} must be c and 26 characters of a-z 2-7.", field=field)
    return value


def check_uuid(value: str, field: str = "id") -> str:
    """`value` if it is a UUID in its usual lower-case form."""
    if not _UUID.fullmatch(value):
        raise InvalidInputError("id.uuid", f"{field} must be a UUID in lower case, such as a version 7.", field=field)
    return value


def check_client_uuid(value: str, field: str = "id") -> str:
    """`value` if it is a UUID that a client may choose: of any version but 8, which only the system derives."""
    if check_uuid(value, field)[14] == "8":
        raise InvalidInputError("id.uuid", f"{field} must be a UUID of version 4 or 7; ours have 8.", field=field)
    return value


def made_at_ms(value: str) -> int | None:
    """When a UUID of version 7 was made (UTC ms, by its maker's clock); None of another version, which doesn't tell."""
    return int(value[:8] + value[9:13], 16) if value[14] == "7" else None


def new_event_id() -> str:
    """A UUID version 7, so that ids made by one process sort by time."""
    return str(uuid_utils.uuid7())


def new_uuid() -> str:
    """A random UUID, for what must not tell when it was made."""
    return str(uuid.UUID(bytes=os.urandom(ID_BYTES), version=4))


def new_contact_id() -> str:
    """`c` and 26 random base32 characters."""
    return "c" + _base32(os.urandom(ID_BYTES))


def new_name() -> str:
    """A random id for a tenant, inbox, agent or team that nobody named."""
    return _base32(os.urandom(10))


def new_secret() -> str:
    """32 random bytes, URL-safe: cookies, invitations, signing secrets."""
    return secrets.token_urlsafe(32)


def new_salt() -> str:
    """12 random bytes, base64: keeps the hash of an erased event silent."""
    if not _salts:
        # 12 bytes are 16 characters without padding: a call of the system for 256 of them, not for each.
        text = base64.b64encode(os.urandom(12 * SALTS_AT_ONCE)).decode()
        _salts.extend(text[start : start + 16] for start in range(0, len(text), 16))
    return _salts.pop()


def conversation_id(tenant: str, inbox: str, contact: str, first_message: str, open_streams: list[str]) -> str:
    """The id of the conversation that `first_message` of `contact` opens: the same wherever it is derived.

    Two contacts who choose the same message id open two. `open_streams` are the two-digit names of streams open for new
    conversations.
    """
    digest = hashlib.sha256(f"{tenant}\0{inbox}\0{contact}\0{first_message}".encode()).digest()
    return open_streams[digest[-1] % len(open_streams)] + _base32(digest[:ID_BYTES])


def provider_event_id(channel: str, inbox: str, provider_id: str) -> str:
    """The event id of a provider's message, equal for every redelivery of it."""
    digest = hashlib.sha256(f"{channel}:{inbox}:{provider_id}".encode()).digest()
    return _uuid8(digest)


def derived_event_id(event_id: str, suffix: str) -> str:
    """The id of a second event of one act, derived so that a retry makes the same one."""
    digest = hashlib.sha256(f"{event_id}\0{suffix}".encode()).digest()
    return _uuid8(digest)


def decision_id(secret: str, event_id: str, suffix: str) -> str:
    """As `derived_event_id`, keyed by the system's secret: nobody outside can know it before it is stored."""
    digest = hmac.digest(secret.encode(), f"{event_id}\0{suffix}".encode(), "sha256")
    return _uuid8(digest)


def key_hash(value: str) -> str:
    """A key-safe hash of what a person typed or a secret: 52 base32 characters of its SHA-256."""
    return _base32(hashlib.sha256(value.encode()).digest())


def thread_key(first: str) -> str:
    """The key of a thread by the id of its first message: 26 base32 characters, which fit into a plus address."""
    return key_hash(first)[:THREAD_CHARS]


def _uuid8(digest: bytes) -> str:
    """A UUID of version 8 (RFC 9562, custom), which the standard library makes from Python 3.14 on only."""
    value = int.from_bytes(digest[:ID_BYTES])
    value = value & ~(0xF << 76) & ~(0x3 << 62) | 8 << 76 | 2 << 62
    return str(uuid.UUID(int=value))


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
