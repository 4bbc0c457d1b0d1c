"""What comes in: callbacks of a provider, and what a channel says they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from backbone.channel.faults import Fault
from backbone.events import Data

Kind = Literal["text", "image", "file", "audio", "video", "location", "card", "email", "event", "unsupported"]
ReceiptKind = Literal["sent", "delivered", "read", "failed"]
SignalKind = Literal[
    "enter", "menu", "typing", "recall", "edit", "moved", "blocked", "unlinked", "linked", "ignored", "unknown"
]


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
    `verified` names those that the provider or the company vouches for: only these join contacts. `also`: other ids by
    which the provider itself names this person in the same account.
    """

    id: str
    name: str = ""
    alias: dict[str, str] = {}
    verified: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Media(Struct, frozen=True, omit_defaults=True):
    """A file that the provider holds: `ref` is what `get_media` needs, `size` in bytes where known.

    `content` in place of `ref` where the bytes came along (mail). `fingerprint`: the provider's id of the bytes, the
    same wherever they are sent again.
    """

    kind: str
    ref: str = ""
    mime: str = ""
    name: str = ""
    size: int = 0
    content: bytes = b""
    cid: str = ""
    fingerprint: str = ""


class Inbound(Struct, kw_only=True, omit_defaults=True, tag_field="t"):
    """Something from a provider; `key` is its own id of it, the same for every redelivery."""

    key: str


class Message(Inbound, tag="message", kw_only=True):
    """Said by the customer, or with `echo` by our side through the provider's own app. `at`: the provider's clock, ms.

    `context` is given back at the next send (a msg_id to reply to, a reply token, References). `thread` where one
    peer may have several conversations at once. `raw` is kept as a file where `kind` is `unsupported`. `ref` is the
    provider's id of the message where that differs from `key`; `html` is safe HTML of a mail. `automatic`: no person
    wrote it, and nothing may answer it by itself. `attributes`: what was entered or chosen beside words, by names of
    `backbone.events.data.NAMES` and of `Caps.data`.
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
    attributes: Data = {}
    raw: bytes = b""


class Receipt(Inbound, tag="receipt", kw_only=True):
    """What became of a message of ours. `ref`: the id that `send` returned, or the `Out.key` it was sent with;
    `sent_as`: that key, where the provider tells both.

    `upto`: of everything up to `ref` in the conversation of `peer`; where the provider names no message, `at` (ms) is
    the watermark, and without both all that was sent before this came. `fault`: what a refusal that comes late means,
    as `classify` would say it; without one it is for good.
    """

    ref: str
    status: ReceiptKind
    peer: Peer | None = None
    upto: bool = False
    at: int = 0
    sent_as: str = ""
    code: str = ""
    reason: str = ""
    fault: Fault | None = None


class Signal(Inbound, tag="signal", kw_only=True):
    """What is no message. `recall` and `edit`: `data["ref"]` is the message, `data["text"]` its new text; an edit's
    `media` take the place of the files that the message had. `echo`: our side did it in the provider's own app.

    `enter` and `menu` open windows (`Window.by`), and are told in the conversation with their `data`; one that `asks`
    for somebody (a tap on "speak to a person", a QR code with a scene) opens a conversation where there is none.
    `moved`: the customer is `peer` from now on, and was `data["from"]`. `blocked`: the customer takes nothing more;
    `unlinked`: the account's permission ended, which pauses it, `linked` the contrary; `ignored` is known and of no
    use; `unknown` is kept raw.
    """

    name: SignalKind
    peer: Peer | None = None
    data: dict[str, str] = {}
    media: list[Media] = []
    at: int = 0
    asks: bool = False
    echo: bool = False
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
