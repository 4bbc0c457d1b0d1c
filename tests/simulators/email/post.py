"""The provider's SMTP server: aiosmtpd, with what the simulator scripts for each mail."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import weakref
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.simulators.base import Fault

GREYLISTED = "451 4.7.1 Greylisted, please try again later"
LIMITED = "421 4.7.0 Too many messages, slow down"
REJECTED = "550 5.1.1 The email account that you tried to reach does not exist"


class Provider(Protocol):
    """What the server asks of the simulator."""

    def next_fault(self) -> Fault | None:
        """What this mail meets."""

    async def take_time(self, fault: Fault) -> None:
        """Returns once a mail that meets `slow` may be answered."""

    def refuses_password(self, user: str, password: str) -> bool:
        """Whether a password is wrong."""

    def refuses_token(self, user: str, token: str) -> bool:
        """Whether a token is wrong."""

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        """A mail was accepted."""


class Post:
    """One server. `replies`: by command (MAIL, RCPT, DATA, AUTH, or CONNECT for the greeting) a reply in place of the
    usual, once each in order; `size_limit` in bytes; `takes_null_sender`: whether MAIL FROM:<> is taken.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.port = 0
        self.replies: dict[str, list[str]] = {}
        self.size_limit = 35 * 1024 * 1024
        self.knows_utf8 = True
        self.takes_null_sender = True
        self.senders: list[str] = []
        """What came in MAIL FROM, in order."""

        self.lines: list[str] = []
        """Subjects of what was tried: kept by tests that look at order."""

        self._context: ssl.SSLContext | None = None
        self._security = "none"
        self._open: weakref.WeakSet[_Connection] = weakref.WeakSet()

    @contextlib.asynccontextmanager
    async def running(self, security: str, pair: Path | None) -> AsyncIterator[Post]:
        """Serves on a free port of loopback."""
        self._security = security
        if pair is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            await asyncio.to_thread(self._context.load_cert_chain, pair)
        server = await asyncio.get_running_loop().create_server(
            self._connection, "127.0.0.1", 0, ssl=self._context if security == "tls" else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for connection in list(self._open):
                connection.break_off()
            # Until they know.
            await asyncio.sleep(0)

    def _connection(self) -> asyncio.BaseProtocol:
        connection = _Connection(
            _Handler(self),
            hostname="mx.provider.example",
            data_size_limit=self.size_limit,
            enable_SMTPUTF8=self.knows_utf8,
            tls_context=self._context if self._security == "starttls" else None,
            auth_require_tls=self._security == "starttls",
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )
        self._open.add(connection)
        return connection

    def scripted(self, command: str) -> str:
        """The reply in place of the usual one, empty if there is none."""
        waiting = self.replies.get(command, [])
        return waiting.pop(0) if waiting else ""

    def _authenticate(self, server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        assert isinstance(server, _Connection)
        is_first, server.has_tried = not server.has_tried, True
        is_wrong = self.provider.refuses_password(data.login.decode(), data.password.decode(), is_first=is_first)
        return AuthResult(success=not is_wrong, handled=False)


class _Connection(SMTP):
    """One client's connection."""

    fault: Fault | None = None
    has_tried: bool = False
    """Whether the client has named a password before."""

    async def push(self, status: Any) -> None:
        """Sends a reply; the first is the greeting."""
        if isinstance(status, str) and status.startswith("220 mx"):
            status = self.event_handler.post.scripted("CONNECT") or status
        await super().push(status)

    def break_off(self) -> None:
        """Ends the connection without a word."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]


class _Handler:
    """The hooks of aiosmtpd."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def auth_XOAUTH2(self, server: _Connection, args: list[str]) -> AuthResult:  # noqa: N802 - named by aiosmtpd
        """SASL XOAUTH2: a refusal is explained in a challenge, which the client answers with an empty line."""
        fields = dict(
            each.partition("=")[::2] for each in base64.b64decode(args[1]).decode().rstrip("\x01").split("\x01")
        )
        token = fields.get("auth", "").removeprefix("Bearer ")
        if not self.post.provider.refuses_token(fields.get("user", ""), token):
            return AuthResult(success=True)
        await server.challenge_auth('{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}')
        return AuthResult(success=False, handled=False)

    async def handle_AUTH(self, _server: Any, *_: Any) -> Any:  # noqa: N802 - named by aiosmtpd
        """Replies that a test put there, before any password is looked at."""
        return self.post.scripted("AUTH") or MISSING

    async def handle_MAIL(  # noqa: N802 - named by aiosmtpd
        self, server: _Connection, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Begins a mail: here the simulator says what it meets."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        server.fault = self.post.provider.next_fault()
        self.post.senders.append(address)
        if said := self.post.scripted("MAIL"):
            return said
        if address == "<>" and not self.post.takes_null_sender:
            return "553 5.7.1 Mail from must equal authorized user"
        if server.fault and server.fault.name == "limited":
            return LIMITED
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: _Connection, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Whom it is for."""
        if said := self.post.scripted("RCPT"):
            return said
        if server.fault and server.fault.name in {"busy", "rejected"}:
            return GREYLISTED if server.fault.name == "busy" else REJECTED
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, server: _Connection, _session: Session, envelope: Envelope
    ) -> str:
        """After the final dot."""
        fault = server.fault.name if server.fault else ""
        if fault == "reset":
            server.break_off()
            return ""
        if said := self.post.scripted("DATA"):
            return said
        content = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            self.post.provider.take("" if envelope.mail_from == "<>" else envelope.mail_from or "", recipient, content)
        if fault == "slow" and server.fault:
            await self.post.provider.take_time(server.fault)
        if fault == "lost":
            server.break_off()
        return "250 2.0.0 OK queued"
