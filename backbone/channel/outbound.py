"""What goes out: one part of a message of ours, its files, and what the provider said when it took it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from backbone.channel.inbound import Kind, Peer

FileKind = Literal["", "image", "video", "file"]


class OutMedia(Struct, frozen=True, kw_only=True):
    """A file of ours to send. `content` is read from the store; `link` is a signed address of it, for a fallback and
    for platforms that fetch files, and `preview` that of a small JPEG where it is a picture. Both are good for a week.
    """

    file: str
    name: str
    mime: str
    size: int
    content: bytes = b""
    link: str = ""
    preview: str = ""


class Said(Struct, frozen=True, kw_only=True):
    """What a message of ours answers: the customer's words, who they are, and when (UTC ms) they said it."""

    text: str
    author: str
    at: int


class Out(Struct, frozen=True, kw_only=True):
    """One part of a message, within every limit of `Caps`.

    `key` is the same at every try of this part (32 hex digits). `reply_to` is the provider's id of the message it
    answers, `refs` are ids of earlier messages of the conversation, newest last, both as `Message.ref` or `Sent.id`.
    `answer_to`: where an agent chose to answer instead of the customer's own address. `cc`: who gets a copy, where an
    agent said it. `is_resend`: an earlier try ended without an answer. `automatic`: no person wrote it.
    """

    event: str
    key: str
    conv: str
    peer: Peer
    kind: Kind = "text"
    text: str = ""
    html: str = ""
    subject: str = ""
    media: OutMedia | None = None
    also: Sequence[OutMedia] = ()
    """Further files, where the channel takes several in one message (`Caps.together`)."""

    part: int = 0
    parts: int = 1
    thread: str = ""
    context: Mapping[str, str] = {}
    reply_to: str = ""
    answer_to: str = ""
    cc: Sequence[str] | None = None
    refs: Sequence[str] = ()
    author: str = ""
    template: Mapping[str, str] = {}
    automatic: bool = False
    is_resend: bool = False
    answered: Said | None = None
    """The customer's last message before this one, where the account's settings have a field `quotes` that is on."""


class Sent(Struct, frozen=True):
    """The provider took it. `id` is its own id of the message, empty where it gives none.

    `note`: what the agent must know all the same, in words, such as who gets no copy.
    """

    id: str = ""
    state: Literal["accepted", "sent"] = "sent"
    note: str = ""


class Template(Struct, frozen=True, kw_only=True):
    """A text that the platform has approved; `{{1}}` or `{{name}}` in it is a place for a value.

    Where a platform counts the places of a title by themselves, they are `{{title.1}}` here, and the end of the first
    button's address is `{{button.1}}`: no two places share a name. `file`: of which kind the file above the text is,
    empty for none; whoever sends the template chooses it, and `send` gets it as `Out.media` with this `Out.kind`.
    """

    name: str
    language: str
    text: str
    file: FileKind = ""
