"""The channel as the kit sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import ClassVar, Final

from adapters.channels.email import compose, recipients, settings, thread
from adapters.channels.email.reading import hidden
from adapters.channels.email.servers import imap, mailbox, oauth, smtp
from adapters.channels.email.servers.codes import fault_of_token
from adapters.channels.email.servers.reader import Reader
from backbone.channel import (
    BadSignatureError,
    Caps,
    Check,
    Event,
    Fault,
    FaultError,
    Kit,
    Out,
    Page,
    Reply,
    Request,
    Sent,
    Token,
)

FILES_MOST_BYTES: Final = 18 * 1024 * 1024
"""Of one file: with base64 a mail of 25 MB, which is what the large providers take."""

TEXT_MOST_CHARS: Final = 100_000


class Email:
    """The channel `email`."""

    name: ClassVar[str] = "email"
    Account: ClassVar[type[settings.Account]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "email", "image", "file", "audio", "video"}),
        text=(TEXT_MOST_CHARS, "chars"),
        addressed_by="email",
        caption=True,
        together=True,
        media_bytes=dict.fromkeys(("image", "file", "audio", "video"), FILES_MOST_BYTES),
        receipts=frozenset({"failed"}),
        idempotent=True,
        callbacks=False,
        parallel=4,
        timeout_s=60,
        data={**hidden.NAMES, **recipients.NAMES},
    )

    def __init__(self) -> None:
        self._reader = Reader()

    async def close(self) -> None:
        """Ends the processes that read mails."""
        await self._reader.close()

    def verify(self, req: Request, acc: settings.Account) -> Reply | None:
        """Mail has no callbacks: whoever posts one isn't its provider."""
        del req, acc
        raise BadSignatureError

    def parse(self, req: Request, acc: settings.Account) -> Iterable[Event]:
        """Nothing, for the same reason."""
        del req, acc
        return ()

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
        """What the answer of a token server means, the only one that is asked over HTTP; for SMTP see `codes`."""
        del headers
        return fault_of_token(status, body)

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Hands one mail to the SMTP server."""
        # With large files it takes long: not in the loop.
        mail = await asyncio.to_thread(compose.compose, out, acc, kit.now())
        # Before it goes: the answer may come sooner than we are told that it went.
        await kit.remember(thread.place_of(mail.message_id), thread.remembered(out.thread), thread.LIFE_S)
        for place in (thread.place_in(out.thread), thread.place_for(mail.recipient, mail.subject)):
            # For a bounce that names no id.
            await kit.remember(place, f"{mail.message_id} {mail.recipient.lower()}", thread.SENT_LIFE_S)
        without = await smtp.hand_over(mail, acc, kit)
        return Sent(mail.message_id, note=f"No copy went to {'; '.join(without)}" if without else "")

    def listen(self, acc: settings.Account, stream: str, cursor: str, kit: Kit) -> AsyncIterator[Page]:
        """Pages of the mailbox as mail comes."""
        del stream
        return mailbox.read(acc, cursor, kit, self._reader)

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """An access token for XOAUTH2."""
        del name
        return await oauth.fetch(acc, kit, previous)

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Signs in to both servers."""
        found = {"IMAP": "", "SMTP": ""}
        try:
            async with imap.opened(acc, kit):
                pass
        except FaultError as failed:
            found["IMAP"] = _problem(failed)
        try:
            (await smtp.connected(acc, kit)).close()
        except FaultError as failed:
            found["SMTP"] = _problem(failed)
        return [Check(name, problem) for name, problem in found.items()]


def _problem(failed: FaultError) -> str:
    return getattr(failed.fault, "reason", "") or failed.answer or "It doesn't answer."
