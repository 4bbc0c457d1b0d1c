"""A mailbox over IMAP (RFC 9051, 2177), as far as reading mail needs it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, NamedTuple

from aioimaplib import AUTH, Response, quoted  # type: ignore[import-untyped]

from adapters.channels.email import headers
from adapters.channels.email.servers import tls
from adapters.channels.email.servers.codes import BUSY_S, fault_of_login
from adapters.channels.email.servers.imap_client import Client, XOAuth2
from adapters.channels.email.servers.imap_words import mailbox_name
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Kit, Pause, Retry
from backbone.outside.guard import ForbiddenTargetError

MOST_HEAD_BYTES: Final = 256 * 1024
_UID: Final = re.compile(rb"\bUID (\d+)")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE: Final = re.compile(rb"\bINTERNALDATE \"([^\"]+)\"")
_BODY: Final = re.compile(rb"BODY\[(?:HEADER)?\](?:<0>)? (?:\{\d+\}|\"(?P<quoted>[^\"]*)\")")
_UIDVALIDITY: Final = re.compile(rb"\[UIDVALIDITY (\d+)\]", re.IGNORECASE)
_UIDNEXT: Final = re.compile(rb"\[UIDNEXT (\d+)\]", re.IGNORECASE)


class UngivenError(FaultError):
    """The server didn't give what was asked for of mails: it said no, or ended the connection."""


class Folder(NamedTuple):
    """A selected folder. `uid_next` is 0 where the server doesn't say it."""

    uid_validity: int
    uid_next: int


class Listed(NamedTuple):
    """A mail before it is read: its size in bytes, when it came in Unix seconds (0 if unknown)."""

    uid: int
    size: int
    at: float


class Box:
    """A signed-in connection with one folder selected."""

    def __init__(self, client: Client, folder: Folder, patience_s: float) -> None:
        self._client = client
        self._patience_s = patience_s
        self.folder = folder

    async def since(self, uid: int, day: str = "") -> list[int]:
        """UIDs above `uid` in order; `day` (as `2-Jan-2024`) leaves out what came before it."""
        # What comes from here on is announced again; what is announced already may be in the answer.
        self._client.wire.news.clear()
        criteria = [f"UID {uid + 1}:*", *([f"SINCE {day}"] if day else [])]
        found = await self._done(self._client.uid_search(*criteria, charset=None))
        numbers = [int(each) for line in found.lines[:-1] for each in bytes(line).split() if each.isdigit()]
        # The last mail answers to n:* even if its number is below n.
        return sorted({each for each in numbers if each > uid})

    async def listed(self, uids: list[int]) -> list[Listed]:
        """Sizes and times of those that are still there, in order."""
        wanted = ",".join(map(str, uids))
        found = await self._fetched(wanted, "(UID RFC822.SIZE INTERNALDATE)")
        mails: dict[int, Listed] = {}
        for line in map(bytes, found.lines):
            uid, size, date = _UID.search(line), _SIZE.search(line), _DATE.search(line)
            if uid and size:
                at = headers.timestamp_ms(date[1]) / 1000 if date else 0.0
                mails[int(uid[1])] = Listed(int(uid[1]), int(size[1]), at)
        return [mails[uid] for uid in uids if uid in mails]

    async def mail(self, uid: int) -> bytes | None:
        """All bytes of a mail, None if it is gone. It stays unread."""
        return await self._content(uid, "BODY.PEEK[]")

    async def head(self, uid: int) -> bytes | None:
        """The headers of a mail, None if it is gone."""
        return await self._content(uid, f"BODY.PEEK[HEADER]<0.{MOST_HEAD_BYTES}>")

    async def wait(self, idle_s: float, poll_s: float) -> None:
        """Returns once there may be new mail. Raises FaultError(Retry) where the connection is lost."""
        if self._client.has_capability("IDLE"):
            await self._idle(idle_s)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._client.wire.lost.wait(), poll_s)
            if not self._client.wire.lost.is_set():
                # Some servers look for new mail at this command alone (RFC 9051, 6.1.2).
                await self._done(self._client.noop())
        if self._client.wire.lost.is_set():
            raise FaultError(Retry(), "the connection is lost")

    async def _idle(self, idle_s: float) -> None:
        wire = self._client.wire
        if wire.news.is_set():
            return
        idle = await self._client.unless_lost(self._client.idle_start(idle_s * 2), self._patience_s)
        waiting = [asyncio.ensure_future(each.wait()) for each in (wire.news, wire.lost)]
        try:
            await asyncio.wait(waiting, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if not wire.lost.is_set():
            self._client.idle_done()
            await self._done(idle)
        while not wire.idle_queue.empty():
            wire.idle_queue.get_nowait()

    async def _content(self, uid: int, what: str) -> bytes | None:
        found = await self._fetched(str(uid), f"(UID {what})")
        for line, following in zip(found.lines, [*found.lines[1:], b""], strict=True):
            body = _BODY.search(line) if isinstance(line, bytes) else None
            if body:
                return body["quoted"] if body["quoted"] is not None else bytes(following)
        return None

    async def _fetched(self, uids: str, what: str) -> Response:
        # A large mail takes long: what aioimaplib times is silence.
        try:
            return _well(await self._client.unless_lost(self._client.uid("FETCH", uids, what), None))
        except FaultError as failed:
            raise UngivenError(failed.fault, failed.answer) from failed

    async def _done(self, doing: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> Response:
        return _well(await self._client.unless_lost(doing, self._patience_s))


@contextlib.asynccontextmanager
async def opened(acc: Account, kit: Kit) -> AsyncIterator[Box]:
    """The account's folder for as long as the block lasts. Raises FaultError."""
    context = await tls.context(acc) if acc.imap_security == "tls" else None
    client = Client(acc.imap_host, acc.imap_port, timeout=acc.timeout_s, ssl_context=context)
    try:
        await _connect(client, acc)
        await _sign_in(client, acc, kit)
        folder = await _select(client, acc)
        yield Box(client, folder, acc.timeout_s)
    finally:
        client.leave()


async def _connect(client: Client, acc: Account) -> None:
    try:
        await client.unless_lost(client.wait_hello_from_server(), acc.timeout_s)
    except FaultError as failed:
        if isinstance(failed.__cause__, ForbiddenTargetError):
            raise FaultError(Pause(f"The address of the IMAP server isn't allowed: {failed.__cause__}.")) from None
        if failed.__cause__ is not None and tls.is_distrust(failed.__cause__):
            raise FaultError(Pause(f"The certificate of {acc.imap_host} isn't trusted."), failed.answer) from failed
        raise FaultError(Retry(after_s=BUSY_S, account=True), failed.answer) from failed


async def _sign_in(client: Client, acc: Account, kit: Kit) -> None:
    if acc.auth == "password":
        answer = await _asked(client, acc, client.login(quoted(acc.login), acc.password))
    else:
        answer = await _with_token(client, acc, await kit.token())
        if answer.result == "NO" and isinstance(fault_of_login(_said(answer)), Pause):
            # The token may have ended before its time: once more with a new one.
            await kit.forget_token()
            answer = await _with_token(client, acc, await kit.token())
    if answer.result != "OK":
        raise FaultError(fault_of_login(_said(answer)), _said(answer))
    # Some servers say all they can only to those who are in.
    await _asked(client, acc, client.wire.capability())
    if client.has_capability("ID"):
        # NetEase shuts out who doesn't introduce themselves ("Unsafe Login").
        await _asked(client, acc, client.id(name="Trunkline", vendor="Trunkline", version="1"))


async def _with_token(client: Client, acc: Account, token: str) -> Response:
    answer: Response = await _asked(client, acc, client.wire.execute(XOAuth2(client.wire, acc.login, token)))
    if answer.result == "OK":
        client.wire.state = AUTH
    return answer


async def _select(client: Client, acc: Account) -> Folder:
    answer = await _asked(client, acc, client.select(quoted(mailbox_name(acc.mailbox))))
    if answer.result != "OK":
        raise FaultError(Pause(f"The folder {acc.mailbox} can't be opened: {_said(answer)}"), _said(answer))
    said = b"\n".join(map(bytes, answer.lines))
    validity, following = _UIDVALIDITY.search(said), _UIDNEXT.search(said)
    if not validity:
        raise FaultError(Pause("The mail server doesn't number its mails lastingly (UIDVALIDITY)."), _said(answer))
    return Folder(int(validity[1]), int(following[1]) if following else 0)


async def _asked(client: Client, acc: Account, doing: Coroutine[Any, Any, Any]) -> Any:
    return await client.unless_lost(doing, acc.timeout_s)


def _well(answer: Response) -> Response:
    if answer.result != "OK":
        raise FaultError(Retry(), f"IMAP {answer.result}: {_said(answer)}")
    return answer


def _said(answer: Response) -> str:
    return " ".join(bytes(line).decode(errors="replace") for line in answer.lines[-1:])
