"""Hands mails to the account's SMTP server."""

from __future__ import annotations

import re
import ssl
from typing import Final, NoReturn

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPConnectResponseError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from adapters.channels.email.compose import Mail
from adapters.channels.email.servers import tls
from adapters.channels.email.servers.codes import BUSY_S, fault_of_greeting, fault_of_reply
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Kit, Pause, Rejected, Retry
from backbone.outside import connect
from backbone.outside.guard import ForbiddenTargetError

CONNECT_S: Final = 30.0
_SIZE: Final = re.compile(r"[0-9]{1,15}")


async def hand_over(mail: Mail, acc: Account, kit: Kit) -> list[str]:
    """Returns once the server has taken the mail: who gets no copy of it, each with the reason. Raises FaultError; then
    nobody gets it, as where the server takes everybody but the customer.

    Where the connection is lost after the last dot, the mail may have been taken: it is sent again all the same, with
    the same Message-ID, by which a mailbox tells copies.
    """
    client = await connected(acc, kit)
    try:
        _check(client, mail)
        return await _transfer(client, mail, acc)
    except SMTPResponseException as refused:
        _raise(refused)
    except (SMTPException, OSError, TimeoutError) as lost:
        raise FaultError(Retry(), str(lost)) from lost
    finally:
        await _leave(client)


async def connected(acc: Account, kit: Kit) -> SMTP:
    """A connection that is signed in. Raises FaultError for what concerns the whole account."""
    context = await tls.context(acc)
    try:
        sock = await connect.connected(acc.smtp_host, acc.smtp_port, min(CONNECT_S, acc.timeout_s))
    except ForbiddenTargetError as forbidden:
        raise FaultError(Pause(f"The address of the SMTP server isn't allowed: {forbidden}.")) from None
    except (OSError, TimeoutError) as failed:
        raise FaultError(Retry(after_s=BUSY_S, account=True), str(failed) or type(failed).__name__) from failed
    client = SMTP(
        hostname=acc.smtp_host,
        sock=sock,
        use_tls=acc.smtp_security == "tls",
        start_tls=acc.smtp_security == "starttls",
        tls_context=context,
        local_hostname=acc.domain,
        timeout=acc.timeout_s,
    )
    try:
        await client.connect()
        await _sign_in(client, acc, kit)
    except SMTPAuthenticationError as refused:
        client.close()
        fault = fault_of_greeting(refused.code, refused.message)
        raise FaultError(fault, f"{refused.code} {refused.message}") from refused
    except SMTPConnectResponseError as refused:
        client.close()
        raise FaultError(fault_of_greeting(refused.code, refused.message), str(refused)) from refused
    except (SMTPException, OSError, TimeoutError) as failed:
        client.close()
        if isinstance(failed.__cause__ or failed, ssl.SSLCertVerificationError):
            raise FaultError(Pause(f"The certificate of {acc.smtp_host} isn't trusted."), str(failed)) from failed
        if isinstance(failed, SMTPConnectError | OSError | TimeoutError):
            raise FaultError(Retry(after_s=BUSY_S, account=True), str(failed)) from failed
        raise FaultError(Pause(f"The mail server can't be used: {failed}"), str(failed)) from failed
    return client


async def _sign_in(client: SMTP, acc: Account, kit: Kit) -> None:
    if acc.smtp_auth == "none":
        return
    if acc.smtp_auth == "password":
        if acc.smtp_user or acc.smtp_password:
            await client.login(acc.smtp_user or acc.login, acc.smtp_password)
        return
    if acc.auth == "password":
        if acc.password:
            await client.login(acc.login, acc.password)
        return
    try:
        await client.auth_xoauth2(acc.login, await kit.token())
    except SMTPAuthenticationError as refused:
        if refused.code != 535:
            raise
        # The token may have ended before its time: once more with a new one.
        await kit.forget_token()
        await client.auth_xoauth2(acc.login, await kit.token())


def _check(client: SMTP, mail: Mail) -> None:
    """What the server said beforehand that it won't take."""
    most = client.esmtp_extensions.get("size", "").strip()
    if _SIZE.fullmatch(most) and 0 < int(most) < len(mail.content):
        size_mb, most_mb = len(mail.content) / 1024 / 1024, int(most) / 1024 / 1024
        reason = f"The mail has {size_mb:.1f} MB with its files; the mail server takes {most_mb:.1f} MB."
        raise FaultError(Rejected(reason))
    if mail.needs_utf8 and not client.supports_extension("smtputf8"):
        raise FaultError(Rejected("The mail server can't write to addresses beyond ASCII."))


async def _transfer(client: SMTP, mail: Mail, acc: Account) -> list[str]:
    options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
    options += ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else []
    encoding = "utf-8" if mail.needs_utf8 else "ascii"
    try:
        await client.mail(mail.sender, options=options, encoding=encoding)
    except SMTPSenderRefused as refused:
        if mail.sender or refused.code < 500:
            raise
        # Many servers let their users send from their own address only, never from the empty one.
        await client.mail(acc.address, options=options, encoding=encoding)
    await client.rcpt(mail.recipient, encoding=encoding)
    without = []
    for copy in mail.copies:
        try:
            await client.rcpt(copy, encoding=encoding)
        except SMTPRecipientRefused as refused:
            without.append(f"{copy}: {refused.code} {' '.join(refused.message.split())}")
    await client.data(mail.content)
    return without


def _raise(refused: SMTPResponseException) -> NoReturn:
    fault = fault_of_reply(refused.code, refused.message)
    # What is no reply at all is a broken connection.
    raise FaultError(fault or Retry(), f"{refused.code} {refused.message}") from refused


async def _leave(client: SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit(timeout=5)
    except (SMTPException, OSError, TimeoutError):
        # The mail is settled; how the server says goodbye changes nothing.
        pass
    finally:
        client.close()
