"""What a channel is given, bound to one account: `backbone.channel.Kit` over HTTP, tokens and the bucket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from adapters.channels.kit.tokens import Tokens
from backbone.accounts import stores
from backbone.accounts.accounts import Account
from backbone.accounts.stores import Value
from backbone.channel import (
    Answer,
    FaultError,
    OutMedia,
    Pause,
    Rejected,
    Retry,
    Token,
    TokenExpired,
    Upload,
)
from backbone.nats.link import Link
from backbone.outside.guard import ForbiddenTargetError
from backbone.outside.http import Caller, masked

SAID_MOST = 500
ANSWER_BYTES = 1024 * 1024
"""Of an answer that is no file."""


class AccountKit:
    """The kit of one account; `file_bytes`: no answer is larger, whatever a channel would take."""

    def __init__(  # noqa: PLR0917 - what a process has, and what the account adds
        self, link: Link, channel: Any, account: Account, caller: Caller, tokens: Tokens, file_bytes: int
    ) -> None:
        self.tenant = account.tenant
        self.inbox = account.id
        self._link = link
        self._channel: Any = channel
        self._account = account
        self._caller = caller
        self._tokens = tokens
        self._most_bytes = max(file_bytes, ANSWER_BYTES)
        self._bucket = stores.channels(link)
        self._given: dict[str, str] = {}

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

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
        most_bytes: int = ANSWER_BYTES,
        timeout_s: float = 0,
    ) -> Answer:
        """See `backbone.channel.Kit.call`."""
        where, name = self._channel.caps.token_as if token else ("", "")
        refused = ""
        while True:
            value = await self.token(token, refused=refused) if where else ""
            try:
                answer = await self._caller.call(
                    method,
                    url,
                    json=json,
                    body=body,
                    form=form,
                    query={**(query or {}), name: value} if where == "query" else query,
                    headers=_with_token(headers, where, name, value),
                    most_bytes=min(most_bytes, self._most_bytes),
                    timeout_s=timeout_s or self._channel.caps.timeout_s,
                )
            except ForbiddenTargetError as refused_target:
                raise self._forbidden(url, refused_target) from None
            fault = self._channel.classify(answer.status, answer.body, answer.headers)
            if fault is None:
                return answer
            said = masked(f"{answer.status}: {answer.body[:SAID_MOST].decode(errors='replace')}")
            if not isinstance(fault, TokenExpired):
                raise FaultError(fault, said)
            if not where:
                raise FaultError(Pause("the platform refuses the account's credentials"), said)
            if refused:
                raise FaultError(Retry(), said)
            refused = value

    def _forbidden(self, url: str, why: ForbiddenTargetError) -> FaultError:
        """An address of the account's settings pauses it; one that the platform gave is that message's alone."""
        own = [each for each in structs.asdict(self._account.settings).values() if isinstance(each, str) and each]
        if any(url.startswith(each) for each in own):
            return FaultError(Pause(f"The account's address isn't allowed: {why}."))
        return FaultError(Rejected(f"The platform named an address that isn't allowed: {why}."))

    async def token(self, name: str = "access", *, refused: str = "") -> str:
        """A token that is good now; `refused` is one that isn't."""

        async def fetch(previous: Token | None) -> Token:
            token: Token = await self._channel.token(self._account.settings, self, name, previous)
            return token

        value = await self._tokens.get(name, fetch, refused or self._given.pop(f"bad:{name}", ""))
        self._given[name] = value
        return value

    async def forget_token(self, name: str = "access") -> None:
        """The token given last isn't good."""
        if value := self._given.get(name):
            self._given[f"bad:{name}"] = value

    async def upload(self, media: OutMedia, kind: str) -> str:
        """The provider's id of a file of ours; uploaded once and kept while it is good."""
        key = f"media:{kind}:{media.file}"
        known = await self.recall(key)
        if known:
            return known
        put: str = await self._channel.put_media(media, kind, self._account.settings, self)
        if life_s := int(self._channel.caps.media_life_s * 0.9):
            await self.remember(key, put, life_s)
        return put

    async def forget_upload(self, media: OutMedia, kind: str) -> None:
        """The provider no longer knows the file: the next `upload` sends it again."""
        await self._bucket.delete(self._value_key(f"media:{kind}:{media.file}"), marker_s=60)

    async def remember(self, key: str, value: str, life_s: int) -> None:
        """Keeps a small value of this account, for all replicas."""
        await self._bucket.put(self._value_key(key), Value(value=value), life_s)

    async def recall(self, key: str) -> str:
        """What `remember` keeps; empty if nothing."""
        kept = await self._bucket.get(self._value_key(key))
        return kept.value.value if kept and isinstance(kept.value, Value) else ""

    def _value_key(self, key: str) -> str:
        return stores.value_key(self.tenant, self.inbox, key)


def _with_token(headers: Mapping[str, str] | None, where: str, name: str, value: str) -> Mapping[str, str] | None:
    if where == "header":
        return {**(headers or {}), name: value}
    if where == "bearer":
        return {**(headers or {}), "Authorization": f"Bearer {value}"}
    return headers
