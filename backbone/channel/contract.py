"""What a channel implements."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

from msgspec import Struct

from backbone.channel.caps import Caps
from backbone.channel.faults import Fault
from backbone.channel.inbound import Event, Media, Page, Peer, Reply, Request, Signal, Stored
from backbone.channel.kit import Kit, Token
from backbone.channel.outbound import Out, OutMedia, Sent, Template
from backbone.channel.users import Claim, Device


class Check(NamedTuple):
    """One line of an account's examination: is it well, and if not what to do."""

    name: str
    problem: str


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

    def once(self, req: Request, acc: Any) -> str:
        """What of a verified callback is good for one body alone, such as the nonce of a signature that doesn't cover
        the body; empty if nothing is. The kit takes it once for all replicas; the same body may come again with it.
        """
        ...

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

    async def author(self, peer: Peer, author: str, acc: Any, kit: Kit) -> str:
        """The name of who wrote in the group `peer`, where callbacks tell only an id (`author_id`). Asked before a
        message is stored, so that it stands at it; the kit waits half a second, and asks once a day.
        """
        ...

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
