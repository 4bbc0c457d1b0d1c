"""What a channel implements, and what it is given: the contract between the kit (`backbone/channels/`) and a
folder of `adapters/channels/`, or a package with an entry point in group `trunkline.channels`.

A channel translates. It owns no retry, clock, storage or queue: `verify`, `parse` and `classify` are pure, `send`
and the optional methods await nothing but what the kit hands them (channels.md, section 10).
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Struct

API_VERSION: Final = 1
"""Version of this contract; a plugin says which one it was written for (`Caps.api`)."""

type_of_kind = Literal["text", "image", "file", "audio", "video", "location", "card", "email", "event", "unsupported"]
type_of_receipt = Literal["sent", "delivered", "read", "failed"]
type_of_signal = Literal[
    "enter", "menu", "typing", "recall", "edit", "blocked", "unlinked", "linked", "ignored", "unknown"
]
type_of_measure = Literal["bytes", "utf16", "chars"]


# --- what comes in ----------------------------------------------------------------------------


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
    kind: type_of_kind = "text"
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
    status: type_of_receipt
    peer: Peer | None = None
    upto: bool = False
    code: str = ""
    reason: str = ""


class Signal(Inbound, tag="signal", kw_only=True):
    """What is no message. `recall` and `edit`: `data["ref"]` is the message, `data["text"]` its new text.

    `enter` and `menu` open windows (`Window.by`); `blocked`: the customer takes nothing more; `unlinked`: the account's
    permission ended, which pauses it, `linked` the contrary; `ignored` is known and of no use; `unknown` is kept raw.
    """

    name: type_of_signal
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


# --- what goes out ----------------------------------------------------------------------------


class OutMedia(Struct, frozen=True, kw_only=True):
    """A file of ours to send. `content` is read from the store; `link` is a signed address for a fallback."""

    file: str
    name: str
    mime: str
    size: int
    content: bytes = b""
    link: str = ""


class Out(Struct, frozen=True, kw_only=True):
    """One part of a message, within every limit of `Caps`.

    `key` is the same at every try of this part (32 hex digits). `reply_to` is the provider's id of the message it
    answers, `refs` are ids of earlier messages of the conversation, newest last, both as `Message.ref` or `Sent.id`.
    `is_resend`: an earlier try ended without an answer. `automatic`: no person wrote it.
    """

    event: str
    key: str
    conv: str
    peer: Peer
    kind: type_of_kind = "text"
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
    refs: Sequence[str] = ()
    author: str = ""
    template: Mapping[str, str] = {}
    automatic: bool = False
    is_resend: bool = False


class Sent(Struct, frozen=True):
    """The provider took it. `id` is its own id of the message, empty where it gives none.

    `note`: what the agent must know all the same, in words, such as who gets no copy.
    """

    id: str = ""
    state: Literal["accepted", "sent"] = "sent"
    note: str = ""


class Retry(Struct, frozen=True, tag=True):
    """Not taken, another try may be. `after_s` is the provider's own wish; `account`: it means the whole account."""

    after_s: float = 0
    account: bool = False


class TokenExpired(Struct, frozen=True, tag=True):
    """The token isn't good any more: fetched anew, and tried once more."""


class WindowClosed(Struct, frozen=True, tag=True):
    """The customer must write first. `reason` is a phrase's key, see `Caps.phrases`."""

    reason: str = "time"


class Rejected(Struct, frozen=True, tag=True):
    """This message will never be taken; `reason` in words for the agent."""

    reason: str


class Duplicate(Struct, frozen=True, tag=True):
    """It was taken before: as good as sent."""

    id: str = ""


class Pause(Struct, frozen=True, tag=True):
    """The account is ill: everything waits until somebody repairs it; `reason` in words for an admin."""

    reason: str


class MediaGone(Struct, frozen=True, tag=True):
    """The id of an uploaded file is no longer good: uploaded again, once."""


class Unknown(Struct, frozen=True, tag=True):
    """Whether it was taken can't be told, such as by a code that isn't in the tables while something is sent again."""


Fault = Retry | TokenExpired | WindowClosed | Rejected | Duplicate | Pause | MediaGone | Unknown


class FaultError(Exception):
    """A fault as `send` and others raise it; `answer` is what the provider said, for the dead letter."""

    def __init__(self, fault: Fault, answer: str = "") -> None:
        super().__init__(f"{type(fault).__name__}: {answer}" if answer else repr(fault))
        self.fault = fault
        self.answer = answer


class Answer(Struct, frozen=True):
    """What a provider answered to a call."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The body decoded. Raises FaultError(Retry) where it isn't JSON: a proxy answered in the provider's place."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            raise FaultError(Retry(), self.body[:200].decode(errors="replace")) from None


class Token(Struct, kw_only=True):
    """A token and how long it is good. `more` is kept beside it, sealed (a refresh token, say)."""

    value: str
    life_s: float
    more: dict[str, str] = {}


class Upload(NamedTuple):
    """A file in a form: its name, type and bytes."""

    name: str
    mime: str
    content: bytes


class Kit(Protocol):
    """What the kit gives to a channel, bound to one account."""

    tenant: str
    inbox: str

    def now(self) -> float:
        """Unix seconds. The only clock of a channel."""

    async def call(
        self,
        url: str,
        *,
        method: str = "POST",
        json: Any = None,
        body: bytes | None = None,
        form: Mapping[str, str | Upload] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str = "access",  # noqa: S107 - a token's name
        most_bytes: int = 1024 * 1024,
        timeout_s: float = 0,
    ) -> Answer:
        """Calls the provider. `json` goes out as raw UTF-8. `token` names the token that `Caps.token_as` puts in, empty
        for none. Raises FaultError with what `classify` says; an expired token is renewed and the call made once more.
        """

    async def token(self, name: str = "access") -> str:
        """A token that is good now, shared by all replicas."""

    async def forget_token(self, name: str = "access") -> None:
        """The token isn't good: the next `token` fetches another."""

    async def upload(self, media: OutMedia, kind: str) -> str:
        """The provider's id of a file of ours, by `put_media`; uploaded once and kept while it is good."""

    async def remember(self, key: str, value: str, life_s: int) -> None:
        """Keeps a small value of this account, for all replicas (a mail's Message-ID to its conversation, say)."""

    async def recall(self, key: str) -> str:
        """What `remember` keeps; empty if nothing."""


# --- users of an app --------------------------------------------------------------------------


class Claim(Struct, frozen=True, kw_only=True):
    """Who somebody says they are: `identity`, a token of the company's server, or `user` with the hash of it."""

    identity: str = ""
    user: str = ""
    user_hash: str = ""


class Device(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An app on one device, by its push token. `sandbox`: one that a developer's tool put there. `at`: Unix ms."""

    token: str
    service: Literal["apns", "fcm"]
    sandbox: bool = False
    at: int = 0


# --- what a channel says of itself ------------------------------------------------------------


class Window(Struct, frozen=True, kw_only=True):
    """Sending is allowed `count` times (0: without bound) within `seconds` after `by` happened."""

    by: Literal["message", "enter", "menu"] = "message"
    count: int = 0
    seconds: float
    template_after: bool = False
    """Whether templates may be sent once it is closed."""


class Rate(Struct, frozen=True, kw_only=True):
    """At most `n` calls of send in `seconds`, of the whole account or to one peer."""

    n: int
    seconds: float
    per: Literal["account", "peer"] = "account"


class Caps(Struct, frozen=True, kw_only=True):
    """What a channel can: the kit splits, refuses, waits and falls back by it."""

    kinds: frozenset[str] = frozenset({"text"})
    """Kinds that `send` takes; others go out as a signed link (files) or are rejected."""

    text: tuple[int, type_of_measure] = (4096, "chars")
    caption: bool = False
    """Whether text and file may go out as one part."""

    together: bool = False
    """Whether text and all files go out as one part (mail)."""

    media_bytes: Mapping[str, int] = {}
    """Most bytes of a file by kind; a larger one goes out as a link."""

    windows: tuple[Window, ...] = ()
    rates: tuple[Rate, ...] = ()
    receipts: frozenset[str] = frozenset()
    """States that the provider tells of by itself, among delivered and read."""

    idempotent: bool = False
    """Whether a second call with the same `Out.key` is taken once."""

    echoes: bool = False
    """Whether our own messages come back, which settles a try that ended without an answer."""

    recalls: bool = False
    edits: bool = False
    token_as: tuple[Literal["query", "header", "bearer", ""], str] = ("", "")
    ack_seconds: float = 5
    body_bytes: int = 1024 * 1024
    media_life_s: float = 0
    poll_s: float = 0
    """Seconds between fetches where nothing rings; 0: only when something does."""

    streams: tuple[str, ...] = ("main",)
    """What `fetch` or `listen` reads, each with a cursor of its own."""

    visited: bool = False
    """Whether customers come to a node themselves: `send` only rings, where nobody fetched the message soon."""

    callbacks: bool = True
    """Whether the platform calls us, so that somebody must enter our address there."""

    parallel: int = 32
    """Sends of one account at once."""

    timeout_s: float = 15
    backoff_s: tuple[float, ...] = ()
    """Delays between tries, where the channel promises its own; then it is given up."""

    phrases: Mapping[str, str] = {}
    """Reasons in words for people, by key, in English; a console has them in its languages by the same key."""

    api: int = API_VERSION


class Check(NamedTuple):
    """One line of an account's examination: is it well, and if not what to do."""

    name: str
    problem: str


class Template(Struct, frozen=True, kw_only=True):
    """A text that the platform has approved; `{{1}}` or `{{name}}` in it is a place for a value."""

    name: str
    language: str
    text: str


class Channel(Protocol):
    """A channel. Beyond these, any of the methods of `Optional` may be there."""

    name: ClassVar[str]
    caps: ClassVar[Caps]
    Account: ClassVar[type[Struct]]
    """Settings of an account; the console draws its form from the schema. A field whose Meta has
    `extra_json_schema={"secret": True}` is sealed and never shown."""

    def verify(self, req: Request, acc: Any) -> Reply | None:
        """None if the callback is the provider's, a Reply if it is a handshake. Raises BadSignatureError."""

    def parse(self, req: Request, acc: Any) -> Iterable[Event]:
        """What a verified callback holds. Raises MalformedError."""

    async def send(self, out: Out, acc: Any, kit: Kit) -> Sent:
        """Hands one part to the provider. Raises FaultError."""

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
        """What an answer means, None if all is well."""


class Optional(Protocol):
    """What a channel may have besides. The kit asks `hasattr`."""

    async def close(self) -> None:
        """The process ends: connections of the channel's own are closed."""

    def reply(self, events: Sequence[Event], acc: Any, stored: Sequence[Stored]) -> Reply:
        """What a callback is answered once its events are stored; without this, an empty 200."""

    async def token(self, acc: Any, kit: Kit, name: str, previous: Token | None) -> Token:
        """Fetches the token `name`; `previous` is the one before, also when it has ended."""

    def streams(self, acc: Any) -> Sequence[str]:
        """What `fetch` or `listen` reads of an account, where that isn't `Caps.streams`."""

    async def fetch(self, acc: Any, stream: str, cursor: str, hint: str, kit: Kit) -> Page:
        """What is there after `cursor` (empty: from the beginning)."""

    def listen(self, acc: Any, stream: str, cursor: str, kit: Kit) -> AsyncIterator[Page]:
        """Pages as they come over a connection of the channel's own; the kit stores each before it asks for the next,
        and begins anew with backoff where it ends or raises.
        """

    async def get_media(self, media: Media, acc: Any, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a provider's file. Raises FaultError."""

    async def put_media(self, media: OutMedia, kind: str, acc: Any, kit: Kit) -> str:
        """Uploads a file; returns the provider's id of it."""

    async def typing(self, peer: Peer, acc: Any, kit: Kit, *, is_typing: bool) -> None:
        """Shows the customer that an agent types."""

    async def recall(self, ref: str, out: Out, acc: Any, kit: Kit) -> None:
        """Withdraws a message that was sent."""

    async def edit(self, ref: str, out: Out, acc: Any, kit: Kit) -> None:
        """Changes a message that was sent."""

    async def mark_read(self, ref: str, peer: Peer, acc: Any, kit: Kit) -> None:
        """Tells the provider that an agent has read up to a message."""

    async def profile(self, peer: Peer, acc: Any, kit: Kit) -> Peer:
        """The peer with name and aliases, where the provider tells them on request."""

    async def welcome(self, signal: Signal, acc: Any, kit: Kit) -> None:
        """Greets a customer who came in, by the code that the signal `enter` brought (`data["code"]`)."""

    def identify(self, claim: Claim, acc: Any, now: float) -> Peer:
        """The user that a claim proves, `now` in Unix seconds. Raises NotAuthenticatedError."""

    async def device(self, peer: Peer, device: Device, acc: Any, kit: Kit, *, is_there: bool) -> None:
        """A device of a user came (again) or went. Raises InvalidInputError."""

    async def templates(self, acc: Any, kit: Kit) -> list[Template]:
        """What may be sent while the window is closed (`Window.template_after`): `send` gets the one that was chosen
        as `Out.template`. Raises FaultError.
        """

    async def check(self, acc: Any, kit: Kit) -> list[Check]:
        """Examines an account: credentials, rights, addresses."""


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are alike, in constant time; an empty one never is."""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())
