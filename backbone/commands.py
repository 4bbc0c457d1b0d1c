"""What people ask of a conversation, but for what they do to it (acts.py): the Structs that sockets, the REST API and
automations fill in alike. Pure.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct

from backbone.events import AgentState, MessageKind
from backbone.ids import check_client_uuid, check_conversation, check_name, check_uuid

ClientId = Annotated[str, Meta(min_length=36, max_length=36)]
ConversationId = Annotated[str, Meta(min_length=28, max_length=28)]


Address = Annotated[str, Meta(max_length=254)]
"""An e-mail address (RFC 5321, 4.5.3.1.3)."""

Subject = Annotated[str, Meta(max_length=255)]
Copies = Annotated[list[Address], Meta(max_length=20)] | None

_ADDRESS: Final = re.compile(r"[^\s<>\"(),:;@\[\]\\]{1,64}@[^\s<>\"(),:;@\[\]\\]{1,253}")
_LINE_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class To(Struct):
    """Whom an agent writes to when there is no conversation yet: a contact, or by mail anybody's address."""

    inbox: str
    contact: str = ""
    address: Address = ""


class Send(Struct, kw_only=True):
    """A message. `id` is the client's UUID and stays the same until it is answered. `conv` null: open one. `answer_to`:
    an agent answers the Reply-To of the customer's last mail, which proves nothing, instead of its sender. By mail an
    agent may give it a `subject` of its own, and say who gets a copy (`cc`; null: whoever is in the thread).
    """

    id: ClientId
    conv: ConversationId | None = None
    to: To | None = None
    kind: MessageKind = "text"
    text: str = ""
    attachments: Annotated[list[str], Meta(max_length=20)] = []
    reply_to: str = ""
    note: bool = False
    mentions: Annotated[list[str], Meta(max_length=50)] = []
    answer_to: Address = ""
    subject: Subject = ""
    cc: Copies = None

    @property
    def is_addressed(self) -> bool:
        """Whether it says what only mail has: a subject, who gets a copy, an address nobody has written from."""
        return bool(self.subject or self.cc is not None or (self.to and self.to.address))


class Edit(Struct, kw_only=True):
    """Another text for a message of one's own. `id` is the client's UUID and stays the same until it is answered."""

    id: ClientId
    conv: ConversationId
    target: ClientId
    text: str


class Recall(Struct, kw_only=True):
    """A message of one's own is withdrawn. `id` is the client's UUID and stays the same until it is answered."""

    id: ClientId
    conv: ConversationId
    target: ClientId


class Mark(Struct, kw_only=True):
    """Read or received up to a sequence."""

    conv: ConversationId
    read: Annotated[int, Meta(ge=0)] = 0
    delivered: Annotated[int, Meta(ge=0)] = 0


class Signal(Struct, kw_only=True):
    """Typing, viewing, stopped: to whoever is there, never stored."""

    conv: ConversationId
    kind: Literal["typing", "viewing", "stopped"]
    text: Annotated[str, Meta(max_length=500)] = ""


class Presence(Struct, kw_only=True):
    """What an agent chooses to be. `capacity` 0 leaves it as it is."""

    id: ClientId
    state: AgentState
    capacity: Annotated[int, Meta(ge=0, le=100)] = 0


class Wrong(NamedTuple):
    """Why a message can't be sent: a stable code, a sentence, and the field at fault."""

    code: str
    text: str
    field: str


def check_ids(command: Send) -> None:
    """Raises InvalidInputError `id.uuid`, `id.conversation` or `id.token` for an id that isn't of its form."""
    if command.conv is not None:
        check_conversation(command.conv)
    check_client_uuid(command.id)
    for file in command.attachments:
        check_uuid(file, "attachments")
    if command.reply_to:
        check_uuid(command.reply_to, "reply_to")
    for agent in command.mentions:
        check_name(agent, "mentions")


def wrong_with(command: Send, kind: str, text_bytes: int) -> Wrong | None:
    """What is wrong with a message of an actor of `kind`, who may write `text_bytes` of UTF-8; None if nothing is."""
    if wrong := wrong_text(command.text, text_bytes):
        return wrong
    if not command.text.strip() and not command.attachments:
        return Wrong("text.empty", "Write something or attach a file.", "text")
    if kind == "visitor" and (command.note or command.to or command.mentions or command.is_addressed):
        return Wrong("access.agents_only", "Only agents write notes or choose whom to write to.", "note")
    if kind == "agent" and command.conv is None and command.to is None:
        return Wrong("send.no_conversation", "Name the conversation, or whom to write to.", "conv")
    return _wrong_address(command) if command.is_addressed else None


def _wrong_address(command: Send) -> Wrong | None:
    if command.note and (command.subject or command.cc is not None):
        return Wrong("mail.note", "A note goes to nobody: leave out its subject and copies.", "note")
    if not _is_storable(command.subject) or _LINE_BREAKS.search(command.subject):
        return Wrong("mail.subject", "A subject is one line of text.", "subject")
    if command.to and command.to.address and command.to.contact:
        return Wrong("mail.whom", "Name a contact or an address, one of the two.", "to")
    named = [("to.address", command.to.address)] if command.to and command.to.address else []
    for field, one in [*named, *(("cc", one) for one in command.cc or ())]:
        if not _is_storable(one) or not _ADDRESS.fullmatch(one):
            return Wrong("mail.address", f"{one[:80]!r} is no e-mail address.", field)
    return None


def wrong_text(text: str, text_bytes: int) -> Wrong | None:
    """What is wrong with the text of a message or of a change of one, which may have `text_bytes` of UTF-8."""
    size = len(text.encode(errors="surrogatepass"))
    if size > text_bytes:
        return Wrong("text.too_long", f"Texts may have {text_bytes} bytes; this has {size}.", "text")
    if not _is_storable(text):
        return Wrong("text.invalid", "The text holds characters that aren't Unicode text.", "text")
    return None


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
