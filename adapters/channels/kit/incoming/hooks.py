"""Providers' callbacks: verified, understood, stored, and only then answered.

They come through a node: `rpc.<channel>.<tenant>.hook`.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from typing import Any, Final

import prometheus_client
import structlog

from adapters.channels.kit.incoming.receive import Receiver
from adapters.channels.kit.shared import Room
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.asks.hooks import Hook, HookReply
from backbone.channel import BadSignatureError, MalformedError, Reply, Request, Stored
from backbone.errors import TrunklineError
from backbone.nats.buckets import KeyExistsError
from backbone.opening import Placed

PARSE_S: Final = 1.0
ONCE_S: Final = 900
"""Longer than any signature of a nonce is good for."""

LATER: Final = Reply(status=503, body=b"it can't be stored now; send it again\n")
REFUSED: Final = Reply(status=401, body=b"the callback can't be verified\n")
"""The same for every cause, so that nobody learns by trying."""

_log = structlog.get_logger("channels.hooks")
_answered = prometheus_client.Counter(
    "trunkline_channel_callbacks_total",
    "Callbacks by the status they were answered with.",
    ["channel", "inbox", "status"],
)


class Hooks:
    """Answers the callbacks of one channel."""

    def __init__(self, room: Room, accounts: Accounts, receiver: Receiver) -> None:
        self._room = room
        self._accounts = accounts
        self._receiver = receiver

    async def answer(self, tenant: str, hook: Hook) -> HookReply:
        """What the provider is told. Never raises for what a provider sends."""
        request = Request(method=hook.method, path=hook.path, query=hook.query, headers=hook.headers, body=hook.body)
        reply = await self._reply(tenant, hook.inbox, request)
        _answered.labels(self._room.channel.name, hook.inbox, str(reply.status)).inc()
        return HookReply(status=reply.status, body=reply.body, content_type=reply.content_type)

    async def _reply(self, tenant: str, inbox: str, request: Request) -> Reply:  # noqa: PLR0911 - one return a cause
        channel: Any = self._room.channel
        if len(request.body) > channel.caps.body_bytes:
            return Reply(status=413, body=b"too large\n")
        try:
            account = self._accounts.find(tenant, inbox)
        except TrunklineError:
            return REFUSED
        if account.settings is None:
            return Reply(status=503, body=b"the account isn't set up\n")
        try:
            handshake = channel.verify(request, account.settings)
            if handshake is not None:
                greeting: Reply = handshake
                return greeting
            if hasattr(channel, "once") and not await self._is_first(
                account, channel.once(request, account.settings), request
            ):
                return REFUSED
            # A callback made to be slow must not stop the others.
            events = list(await asyncio.wait_for(asyncio.to_thread(channel.parse, request, account.settings), PARSE_S))
        except BadSignatureError:
            return REFUSED
        except TrunklineError as error:
            _log.warning("callback.not_taken", inbox=inbox, code=error.code)
            return LATER
        except (MalformedError, TimeoutError) as wrong:
            _log.info("callback.malformed", tenant=tenant, inbox=inbox, reason=str(wrong)[:200])
            return Reply(status=400, body=b"the callback can't be understood\n")
        placed = await self._stored(account, events)
        if placed is None:
            return LATER
        return self._done(account, events, placed)

    async def _is_first(self, account: Account, nonce: str, request: Request) -> bool:
        """Whether nobody used the nonce for another body. Creating its key is atomic over all replicas; a platform that
        sends the same callback again finds its own body there.
        """
        if not nonce:
            return True
        key = stores.value_key(account.tenant, account.id, f"once:{nonce}")
        body = hashlib.sha256(request.body).hexdigest()
        bucket = stores.channels(self._room.link)
        try:
            await bucket.create(key, stores.Value(value=body), ONCE_S)
        except KeyExistsError:
            kept = await bucket.get(key)
            return kept is not None and isinstance(kept.value, stores.Value) and kept.value.value == body
        return True

    async def _stored(self, account: Account, events: list[Any]) -> list[Placed] | None:
        """Stores within the time that the provider gives; rides out a change of the log's leader. None if it can't."""
        try:
            async with asyncio.timeout(max(0.5, self._room.channel.caps.ack_seconds - 1)):
                while True:
                    try:
                        return await self._receiver.take(account, events)
                    except TrunklineError as error:
                        _log.warning("callback.not_stored", inbox=account.id, code=error.code)
                        await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - jitter
        except TimeoutError:
            return None

    def _done(self, account: Account, events: list[Any], placed: list[Placed]) -> Reply:
        channel: Any = self._room.channel
        if not hasattr(channel, "reply"):
            return Reply()
        reply: Reply = channel.reply(events, account.settings, [Stored(p.seq, p.duplicate) for p in placed])
        return reply
