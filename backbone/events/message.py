"""Messages and notes, and what became of them."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from backbone.events.data import Data
from backbone.events.envelope import Base
from backbone.ids import new_salt

MessageKind = Literal["text", "image", "file", "audio", "video", "location", "card", "email", "event", "unsupported"]


class Attachment(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A file of the object store; sizes in bytes and pixels, `sha256` in hex.

    While `file` is empty it is a place kept for a provider's file, which `ref` names: `message.edited` fills it.
    `cid` is how the HTML of a mail refers to it; `fingerprint` the provider's id of its bytes, wherever it is sent.
    """

    file: str
    name: str
    mime: str
    bytes: int
    sha256: str = ""
    width: int = 0
    height: int = 0
    ref: str = ""
    cid: str = ""
    fingerprint: str = ""


class Provider(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The provider's own id and time (milliseconds) of a message that came through it.

    `context` is given back to the provider with the next answer.
    """

    id: str
    at: int = 0
    context: dict[str, str] = {}


class ProviderError(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a provider refused, in its words; `final` means another try won't help."""

    code: str
    text: str = ""
    final: bool = False


class MessageAdded(Base, tag="message.added", kw_only=True):
    """A message, or with `note` what only colleagues see.

    `data`: what was entered or chosen beside words (data.py); of kind `event` it says what the customer did.
    Of a mail, `subject` is its subject and `html` the file of its safe HTML. `automatic`: no person wrote it.
    `answer_to`: where an agent chose to answer instead of the customer's own address (the Reply-To of a mail).
    `cc`: to whom else an agent sent a mail, from here on; None: to those whom the customer's last mail names.
    """

    is_for_visitors: ClassVar[bool] = True

    salt: str = msgspec.field(default_factory=new_salt)
    kind: MessageKind = "text"
    text: str = ""
    parts: list[dict[str, str]] = []
    attachments: list[Attachment] = []
    reply_to: str = ""
    note: bool = False
    mentions: list[str] = []
    provider: Provider | None = None
    subject: str = ""
    html: str = ""
    automatic: bool = False
    answer_to: str = ""
    cc: list[str] | None = None
    data: Data = {}


class MessageEdited(Base, tag="message.edited", kw_only=True):
    """A new text for message `target`; files and `data` take the place of the old ones where there are any."""

    is_for_visitors: ClassVar[bool] = True

    salt: str = msgspec.field(default_factory=new_salt)
    target: str
    note: bool = False
    text: str = ""
    attachments: list[Attachment] = []
    data: Data = {}


class MessageRecalled(Base, tag="message.recalled", kw_only=True):
    """Message `target` was withdrawn."""

    is_for_visitors: ClassVar[bool] = True

    salt: str = msgspec.field(default_factory=new_salt)
    target: str
    note: bool = False


class DeliveryUpdated(Base, tag="delivery.updated", kw_only=True):
    """What became of `target` on its way through a provider."""

    is_for_visitors: ClassVar[bool] = True

    target: str
    part: int = 0
    parts: int = 1
    state: Literal["accepted", "sent", "delivered", "read", "failed", "unknown"]
    provider: str = ""
    error: ProviderError | None = None


class ReadMarked(Base, tag="read.marked", kw_only=True):
    """`reader` (`visitor` or an agent's id) has read and received up to these sequences."""

    is_for_visitors: ClassVar[bool] = True

    reader: str
    read: int = 0
    delivered: int = 0
