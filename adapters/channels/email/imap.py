"""A mailbox over IMAP (RFC 9051, 2177), as far as reading mail needs it: aioimaplib, with what it lacks.

It doesn't notice a lost connection, forgets mail that is announced between commands, and leaves a refused XOAUTH2
without its answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from aioimaplib import AUTH, IMAP4, AioImapException, Command, IMAP4ClientProtocol, Response, quoted  # type: ignore[import-untyped]

from adapters.channels.email import headers, tls
from adapters.channels.email.codes import BUSY_S, fault_of_login
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Kit, Pause, Retry

PIECE_BYTES: Final = 4096
MOST_HEAD_BYTES: Final = 256 * 1024
_EXISTS: Final = re.compile(rb"\* \d+ EXISTS")
_UID: Final = re.compile(rb"\bUID (\d+)")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE: Final = re.compile(rb"\bINTERNALDATE \"([^\"]+)\"")
_BODY: Final = re.compile(rb"BODY\[(?:HEADER)?\](?:<0>)? (?:\{\d+\}|\"(?P<quoted>[^\"]*)\")")
_UIDVALIDITY: Final = re.compile(rb"\[UIDVALIDITY (\d+)\]", re.IGNORECASE)
_UIDNEXT: Final = re.compile(rb"\[UIDNEXT (\d+)\]", re.IGNORECASE)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

T = TypeVar("T")


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

    def __init__(self, client: _Client, folder: Folder, patience_s: float) -> None:
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
        return _well(await self._client.unless_lost(self._client.uid("FETCH", uids, what), None))

    async def _done(self, doing: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> Response:
        return _well(await self._client.unless_lost(doing, self._patience_s))


class _Wire(IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """Notes what aioimaplib overlooks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.news = asyncio.Event()
        """Mail was announced, by whatever response."""

        self.lost = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # A connection that a router forgot is found dead in two minutes, not at the end of IDLE.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, seconds in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
                if hasattr(socket, option):
                    connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    def data_received(self, d: bytes) -> None:
        # A call for each line of what it is given, each inside the one before: thousands of short lines at once, as
        # when somebody empties the folder, would be too deep.
        for at in range(0, len(d), PIECE_BYTES):
            super().data_received(d[at : at + PIECE_BYTES])

    def send(self, line: str, scrub: str | None = None) -> None:
        if self.transport.is_closing():
            # Whoever waits for the answer hears that the connection is lost; to write would raise in a task of nobody.
            self.lost.set()
            return
        super().send(line, scrub)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.lost.set()

    def _untagged_response(self, line: bytes) -> Any:
        if _EXISTS.match(line):
            self.news.set()
        return super()._untagged_response(line)


class _Client(IMAP4):  # type: ignore[misc]  # aioimaplib has no types
    """The client over such a wire."""

    wire: _Wire

    def create_client(
        self,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Any = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """See IMAP4."""
        del conn_lost_cb
        here = loop or asyncio.get_running_loop()
        self.protocol = self.wire = _Wire(here)
        self._client_task = here.create_task(here.create_connection(lambda: self.wire, host, port, ssl=ssl_context))

    async def unless_lost(self, doing: Coroutine[Any, Any, T] | asyncio.Future[T], patience_s: float | None) -> T:
        """The answer. Raises FaultError(Retry) where the connection is lost, or it takes longer than that."""
        task = asyncio.ensure_future(doing)
        lost = asyncio.ensure_future(self.wire.lost.wait())
        try:
            await asyncio.wait({task, lost}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except (AioImapException, OSError, ValueError) as failed:
            raise FaultError(Retry(), str(failed) or type(failed).__name__) from failed
        finally:
            lost.cancel()
            if not task.done():
                task.cancel()
        raise FaultError(Retry(), "the connection is lost" if self.wire.lost.is_set() else "no answer in time")

    def leave(self) -> None:
        """Breaks off."""
        for task in (*self.tasks, *self.wire.tasks, self._client_task):
            task.cancel()
        if self._idle_waiter is not None:
            self._idle_waiter.cancel()
        if self.wire.transport is not None:
            self.wire.transport.close()


class _XOAuth2(Command):  # type: ignore[misc]  # aioimaplib has no types
    """AUTHENTICATE XOAUTH2, which answers the server's explanation of a refusal with an empty line."""

    def __init__(self, wire: _Wire, user: str, token: str) -> None:
        proof = b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode()
        super().__init__("AUTHENTICATE", wire.new_tag(), "XOAUTH2", proof, loop=wire.loop)
        self._wire = wire
        self._answered = 0

    def flush(self) -> None:
        """Called after each continuation."""
        asked = sum(1 for line in self._resp_lines if bytes(line).startswith(b"+"))
        if asked > self._answered:
            self._answered = asked
            self._wire.send("")


@contextlib.asynccontextmanager
async def opened(acc: Account, kit: Kit) -> AsyncIterator[Box]:
    """The account's folder for as long as the block lasts. Raises FaultError."""
    context = await tls.context(acc) if acc.imap_security == "tls" else None
    client = _Client(acc.imap_host, acc.imap_port, timeout=acc.timeout_s, ssl_context=context)
    try:
        await _connect(client, acc)
        await _sign_in(client, acc, kit)
        folder = await _select(client, acc)
        yield Box(client, folder, acc.timeout_s)
    finally:
        client.leave()


async def _connect(client: _Client, acc: Account) -> None:
    try:
        await client.unless_lost(client.wait_hello_from_server(), acc.timeout_s)
    except FaultError as failed:
        if failed.__cause__ is not None and tls.is_distrust(failed.__cause__):
            raise FaultError(Pause(f"The certificate of {acc.imap_host} isn't trusted."), failed.answer) from failed
        raise FaultError(Retry(after_s=BUSY_S, account=True), failed.answer) from failed


async def _sign_in(client: _Client, acc: Account, kit: Kit) -> None:
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


async def _with_token(client: _Client, acc: Account, token: str) -> Response:
    answer: Response = await _asked(client, acc, client.wire.execute(_XOAuth2(client.wire, acc.login, token)))
    if answer.result == "OK":
        client.wire.state = AUTH
    return answer


async def _select(client: _Client, acc: Account) -> Folder:
    answer = await _asked(client, acc, client.select(quoted(mailbox_name(acc.mailbox))))
    if answer.result != "OK":
        raise FaultError(Pause(f"The folder {acc.mailbox} can't be opened: {_said(answer)}"), _said(answer))
    said = b"\n".join(map(bytes, answer.lines))
    validity, following = _UIDVALIDITY.search(said), _UIDNEXT.search(said)
    if not validity:
        raise FaultError(Pause("The mail server doesn't number its mails lastingly (UIDVALIDITY)."), _said(answer))
    return Folder(int(validity[1]), int(following[1]) if following else 0)


async def _asked(client: _Client, acc: Account, doing: Coroutine[Any, Any, Any]) -> Any:
    return await client.unless_lost(doing, acc.timeout_s)


def _well(answer: Response) -> Response:
    if answer.result != "OK":
        raise FaultError(Retry(), f"IMAP {answer.result}: {_said(answer)}")
    return answer


def _said(answer: Response) -> str:
    return " ".join(bytes(line).decode(errors="replace") for line in answer.lines[-1:])


def mailbox_name(name: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501, 5.1.3). Pure."""
    out = ""
    pending = ""
    for character in name + "\0":
        if " " <= character <= "~" or character == "\0":
            if pending:
                coded = b64encode(pending.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
                out, pending = f"{out}&{coded}-", ""
            out += "&-" if character == "&" else character
        else:
            pending += character
    return out[:-1]


def day_before(now: float, days: int) -> str:
    """A day as IMAP writes it, such as 2-Jan-2024, so many before now. Pure."""
    day = datetime.fromtimestamp(now, UTC) - timedelta(days=days)
    return f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
