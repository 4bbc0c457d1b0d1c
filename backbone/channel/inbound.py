"""What comes in: callbacks of a provider, and what a channel says they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

Kind = Literal["text", "image", "file", "audio", "video", "location", "card", "email", "event", "unsupported"]
ReceiptKind = Literal["sent", "delivered", "read", "failed"]
SignalKind = Literal["enter", "menu", "typing", "recall", "edit", "blocked", "unlinked", "linked", "ignored", "unknown"]


class Request(Struct, frozen=True, kw_only=True):
    """A provider's callback as it came: names of `headers` in lower case, `body` raw."""

    method: str
    path: str = ""
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""


class Reply(Struct, frozen=True, kw_only=True):
    """What the provider is answered."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


class Peer(Struct, frozen=True, omit_defaults=True):
    """The customer as the provider knows them. `alias`: other names of theirs (`unionid`, `email`, `phone`, `sub`);
    `verified` names those that the provider or the company vouches for: only these join contacts.
    """

    id: str
    name: str = ""
    alias: dict[str, str] = {}
    verified: tuple[str, ...] = ()


class Media(Struct, frozen=True, omit_defaults=True):
    """A file that the provider holds: `ref` is what `get_media` needs, `size` in bytes where known.

    `content` in place of `ref` where the bytes came along (mail).
    """

    kind: str
    ref: str = ""
    mime: str = ""
    name: str = ""
    size: int = 0
    content: bytes = b""
    cid: str = ""


class Inbound(Struct, kw_only=True, omit_defaults=True, tag_field="t"):
    """Something from a provider; `key` is its own id of it, the same for every redelivery."""

    key: str


class Message(Inbound, tag="message", kw_only=True):
    """Said by the customer, or with `echo` by our side through the provider's own app. `at`: the provider's clock, ms.

    `context` is given back at the next send (a msg_id to reply to, a reply token, References). `thread` where one
    peer may have several conversations at once. `raw` is kept as a file where `kind` is `unsupported`. `ref` is the
    provider's id of the message where that differs from `key`; `html` is safe HTML of a mail. `automatic`: no person
    wrote it, and nothing may answer it by itself.
    """

    peer: Peer
    kind: Kind = "text"
    text: str = ""
    html: str = ""
    subject: str = ""
    media: list[Media] = []
    at: int = 0
    thread: str = ""
    reply_to: str = ""
    ref: str = ""
    echo: bool = False
    automatic: bool = False
    context: dict[str, str] = {}
    attributes: dict[str, str] = {}
    raw: bytes = b""


class Receipt(Inbound, tag="receipt", kw_only=True):
    """What became of a message of ours. `ref`: the id that `send` returned, or the `Out.key` it was sent with.

    `upto`: of everything up to `ref`, which then is a watermark within the conversation of `peer`.
    """

    ref: str
    status: ReceiptKind
    peer: Peer | None = None
    upto: bool = False
    code: str = ""
    reason: str = ""


class Signal(Inbound, tag="signal", kw_only=True):
    """What is no message. `recall` and `edit`: `data["ref"]` is the message, `data["text"]` its new text.

    `enter` and `menu` open windows (`Window.by`); `blocked`: the customer takes nothing more; `unlinked`: the account's
    permission ended, which pauses it, `linked` the contrary; `ignored` is known and of no use; `unknown` is kept raw.
    """

    name: SignalKind
    peer: Peer | None = None
    data: dict[str, str] = {}
    raw: bytes = b""


class Pull(Inbound, tag="pull", kw_only=True):
    """The provider says that something is there: the kit runs `fetch` of `stream`."""

    key: str = ""
    stream: str = "main"
    hint: str = ""


Event = Message | Receipt | Signal | Pull


class Page(Struct, kw_only=True):
    """What one fetch found. `cursor` is stored once all `events` are in the log; `more`: ask again at once."""

    events: Sequence[Event] = ()
    cursor: str = ""
    more: bool = False


class Stored(NamedTuple):
    """Where a Message of a callback is in the log, and whether it had been there before."""

    seq: int
    duplicate: bool


class BadSignatureError(Exception):
    """The callback isn't the provider's: answered 401, the same for every cause, nothing stored."""


class MalformedError(Exception):
    """The callback is the provider's and can't be understood: answered 400, counted."""
