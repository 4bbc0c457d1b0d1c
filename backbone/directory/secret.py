"""A secret of a record: an agent's password hash, an inbox's sealed settings. Under a key of its own, so that neither
the history of the bucket nor the audit keeps it, and processes that need the record don't see it.

The key ends with a print of the value and the record names that print: the record's compare-and-set decides which
secret counts, and a writer that loses or dies in between has changed nothing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct, structs

from backbone.directory.agent import Agent
from backbone.directory.inbox import Inbox
from backbone.ids import key_hash
from backbone.nats import subjects

KIND: Final = "secret"


class Secret(Struct, frozen=True, kw_only=True, tag="secret"):
    """An argon2id hash, or settings that are sealed."""

    value: str


class Apart(NamedTuple):
    """A record as it is stored, and its secret with its key, empty where it has none in hand."""

    record: Agent | Inbox
    key: str
    value: str


def print_of(value: str) -> str:
    """Tells one secret from another, and nothing about it."""
    return key_hash(value)[:16]


def password_id(agent: Agent) -> str:
    """The print of an agent's password, wherever that is stored."""
    return print_of(agent.password) if agent.password else agent.password_id


def sealed_id(inbox: Inbox) -> str:
    """The print of an inbox's settings, wherever these are stored; empty if it has none."""
    return print_of(inbox.settings) if inbox.settings else inbox.sealed


def key_for(tenant: str, record: Agent | Inbox) -> str:
    """The key of a record's secret; empty if it has none."""
    kind, named = ("agent", password_id(record)) if isinstance(record, Agent) else ("inbox", sealed_id(record))
    return subjects.key(tenant, KIND, kind, record.id, named) if named else ""


def apart(tenant: str, record: Agent | Inbox) -> Apart:
    """Takes the secret out of a record, which names it from then on. Pure."""
    key = key_for(tenant, record)
    if isinstance(record, Agent):
        return Apart(structs.replace(record, password="", password_id=password_id(record)), key, record.password)
    return Apart(structs.replace(record, settings="", sealed=sealed_id(record)), key, record.settings)
