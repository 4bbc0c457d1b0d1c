"""What the kit gives to a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from backbone.channel.faults import FaultError, Retry
from backbone.channel.outbound import OutMedia


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
