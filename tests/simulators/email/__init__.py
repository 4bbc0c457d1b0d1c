"""A mail provider on loopback: a real Dovecot with our mailbox, an SMTP server with scripted replies, a token server,
and any number of customers with mailboxes elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backbone.channel import Request
from tests.harness.dovecot import Dovecot, running_dovecot
from tests.simulators.base import Accepted, Push, Simulator
from tests.simulators.email import certificate, letters
from tests.simulators.email.letters import Letter
from tests.simulators.email.post import Post

ADDRESS = "support@shop.example"
ELSEWHERE = "elsewhere.example"
PASSWORD = '授权码-authorization code "4711"'

Security = Literal["tls", "starttls", "none"]


class EmailSimulator(Simulator):
    """One mailbox of ours. `security` is that of both servers; `idles`: whether the IMAP server tells of new mail;
    `is_read`: whether there is an IMAP server at all, which takes a moment to start.
    """

    name: ClassVar[str] = "email"
    excused: ClassVar[frozenset[str]] = frozenset({"500", "html502", "empty", "window", "media_gone"})
    waits_long: ClassVar[frozenset[str]] = frozenset({"busy"})
    is_fetched: ClassVar[bool] = True
    tells_when: ClassVar[bool] = False
    tells: ClassVar[tuple[str, ...]] = ("failed",)

    def __init__(
        self,
        *,
        auth: Literal["password", "xoauth2"] = "password",
        security: Security = "none",
        idles: bool = True,
        is_read: bool = True,
    ) -> None:
        super().__init__()
        self.auth = auth
        self.security: Security = security
        self.idles = idles
        self.is_read = is_read
        self.mails: dict[str, bytes] = {}
        """Everything of ours that was accepted, by Message-ID, as it came."""

        self.copies: list[str] = []
        """Message-IDs that came once more: a mailbox shows one of them."""

        self.granted: list[dict[str, str]] = []
        """What the token server was asked."""

        self.token_life_s = 3600
        self.rotates = False
        """Whether each token brings a new refresh token."""

        self.refresh_token = "first-refresh-token"
        self._tokens: set[str] = set()
        self._last: dict[str, Letter] = {}
        self._names: dict[str, str] = {}
        self._post = Post(self)
        self._dovecot: Dovecot | None = None
        self._authority = ""

    @property
    def dovecot(self) -> Dovecot:
        """The server with our mailbox, while it runs."""
        assert self._dovecot is not None
        return self._dovecot

    @property
    def smtp(self) -> Post:
        """The SMTP server."""
        return self._post

    # --- what a simulator is made of -------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """The token server, and where Dovecot asks whether a token is good."""
        return [
            Route("/token", self._grant, methods=["POST"]),
            Route("/tokeninfo", self._token_info),
        ]

    def account(self) -> dict[str, Any]:
        """Settings of our mailbox."""
        common = {
            "address": ADDRESS,
            "name": "示例客服",
            "auth": self.auth,
            "imap_host": "127.0.0.1",
            **self._imap(),
            "smtp_host": "127.0.0.1",
            "smtp_port": self._post.port,
            "smtp_security": self.security,
            "ca": self._authority,
            "thread_secret": "a secret of one test",
            "authserv_id": "mx.shop.example",
            "look_back_days": 3,
            "poll_s": 0.2,
            "timeout_s": 10,
        }
        if self.auth == "password":
            return {**common, "password": PASSWORD}
        return {
            **common,
            "token_url": f"{self.base}/token",
            "client_id": "client",
            "client_secret": "secret of the client",
            "refresh_token": self.refresh_token,
        }

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A customer's mail is delivered into our mailbox: an answer to the last one they had, unless `fresh`.

        Who has no address gets one. Nothing is pushed: mail is fetched.

        More: `subject`, `html`, `name` and `mime` of the file, `at` (Unix seconds), `headers`.
        """
        address = peer if "@" in peer else f"{peer}@{ELSEWHERE}"
        self._names[address] = peer
        last = None if more.pop("fresh", False) else self._last.get(address)
        letter = letters.written(
            address, ADDRESS, text, last, kind=kind, content=content, at=more.pop("at", self.clock.now()), **more
        )
        self._last[address] = letter
        self.deliver_raw(letter.raw, at=letter.at)
        self._said(peer, kind, text)
        return []

    def forged(self, push: Push) -> list[Request]:
        """None: mail has no callbacks."""
        del push
        return []

    def deliver_raw(self, raw: bytes, *, at: float | None = None) -> None:
        """Any mail into our mailbox."""
        self.dovecot.deliver(ADDRESS, raw, at=at)

    def bounce(self, message_id: str, *, status: str = "5.1.1", action: str = "failed") -> None:
        """A server tells what became of a mail of ours."""
        self.deliver_raw(letters.report(self.mails[message_id], ADDRESS, status, action, self.clock.now()))

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """Only a failure is told, in a mail."""
        for _ in states:
            self.bounce(one.id)
        return []

    def comes_back(self, one: Accepted) -> list[Push]:
        """A mail of ours in our own mailbox: somebody has put us in copy."""
        self.deliver_raw(self.mails[one.id])
        return []

    def pages(self, most: int) -> None:
        """A mailbox is read behind a cursor always; how many mails at a time is the reader's to say."""

    # --- SMTP ------------------------------------------------------------------------------

    def refuses_password(self, user: str, password: str, *, is_first: bool = True) -> bool:
        """Whether AUTH with a password fails; clients try it by several mechanisms, which is one call."""
        return self._refuses(is_first=is_first) or self.auth != "password" or (user, password) != (ADDRESS, PASSWORD)

    def refuses_token(self, user: str, token: str) -> bool:
        """Whether AUTH with a token fails."""
        if self._script and self._script[0].name == "token":
            self._script.popleft()
            self.expire_tokens()
        return self._refuses() or self.auth != "xoauth2" or user != ADDRESS or token not in self._tokens

    def expire_tokens(self) -> None:
        """No token given so far is good any more."""
        self._tokens.clear()

    def take(self, sender: str, recipient: str, raw: bytes) -> None:
        """A mail of ours was accepted: the customer has it, once."""
        mail = letters.read(raw)
        message_id = str(mail["Message-ID"])
        if message_id in self.mails:
            self.copies.append(message_id)
            return
        self.mails[message_id] = raw
        one = _accepted(message_id, sender, self._names.get(recipient, recipient), mail)
        self._accept(one)
        self._last[recipient] = letters.received(mail, raw, self.clock.now())

    def _imap(self) -> dict[str, Any]:
        if not self.is_read:
            return {"imap_port": 1, "imap_security": "none"}
        port = self.dovecot.tls_port or self.dovecot.port
        return {"imap_port": port, "imap_security": "tls" if self.dovecot.tls_port else "none"}

    def _refuses(self, *, is_first: bool = True) -> bool:
        if not self._script or self._script[0].name != "refused":
            return False
        self.calls += is_first
        return True

    # --- tokens ----------------------------------------------------------------------------

    async def _grant(self, request: HttpRequest) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        self.granted.append(form)
        is_client = (form.get("client_id"), form.get("client_secret")) == ("client", "secret of the client")
        is_refresh = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == self.refresh_token
        if not is_client or self._refuses() or not (is_refresh or form.get("grant_type") == "client_credentials"):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.token_life_s}
        if self.rotates:
            self.refresh_token = answer["refresh_token"] = secrets.token_urlsafe(24)
        return JSONResponse(answer)

    async def _token_info(self, request: HttpRequest) -> Response:
        is_good = request.query_params.get("access_token") in self._tokens
        # Dovecot takes any 200 with the user's name for a good token, if `active` says so.
        return JSONResponse({"email": ADDRESS, "active": "true" if is_good else "false"})

    # --- running ---------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[EmailSimulator]:
        """Serves all of it on loopback for as long as the block lasts."""
        async with super().running(port):
            with tempfile.TemporaryDirectory(prefix="trunkline-mail-") as folder, contextlib.ExitStack() as stack:
                issued = await asyncio.to_thread(certificate.issue, Path(folder)) if self.security != "none" else None
                self._authority = issued.authority if issued else ""
                if self.is_read:
                    self._dovecot = await asyncio.to_thread(stack.enter_context, self._served(issued))
                    self._dovecot.add_user(ADDRESS, PASSWORD)
                async with self._post.running(self.security, issued.pair if issued else None):
                    yield self

    def _served(self, issued: certificate.Issued | None) -> contextlib.AbstractContextManager[Dovecot]:
        return running_dovecot(
            certificate=issued.pair if issued else None,
            tokens=f"{self.base}/tokeninfo?access_token=",
            idles=self.idles,
        )


def _accepted(message_id: str, sender: str, peer: str, mail: EmailMessage) -> Accepted:
    files = [_file(part) for part in mail.iter_attachments()]
    body = mail.get_body(("plain",))
    text = body.get_content().replace("\r\n", "\n") if body else ""
    return Accepted(
        id=message_id,
        peer=peer,
        kind=("image" if files[0]["mime"].startswith("image/") else "file") if files else "text",
        text=text.removesuffix("\n"),
        sha256=files[0]["sha256"] if files else "",
        key=message_id.strip("<>").partition("@")[0],
        more={
            "envelope": sender,
            "subject": str(mail["Subject"] or ""),
            "from": str(mail["From"] or ""),
            "to": str(mail["To"] or ""),
            "reply_to": str(mail["Reply-To"] or ""),
            "in_reply_to": str(mail["In-Reply-To"] or ""),
            "references": str(mail["References"] or "").split(),
            "auto_submitted": str(mail["Auto-Submitted"] or ""),
            "files": files,
        },
    )


def _file(part: EmailMessage) -> dict[str, str]:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return {
        "name": part.get_filename() or "",
        "mime": part.get_content_type(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
