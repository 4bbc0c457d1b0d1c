"""Mails as customers' programs and other servers write them, by the standard library's own composer."""

from __future__ import annotations

import email
import email.policy
import itertools
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any, NamedTuple

_numbers = itertools.count(1)


class Letter(NamedTuple):
    """The last mail of a conversation as the customer's program has it."""

    message_id: str
    references: tuple[str, ...]
    subject: str
    answer_to: str
    raw: bytes
    at: float


def read(raw: bytes) -> EmailMessage:
    """A mail, decoded by the standard library."""
    return email.message_from_bytes(raw, policy=email.policy.default)


def received(mail: EmailMessage, raw: bytes, at: float) -> Letter:
    """A mail that the customer got."""
    return Letter(
        message_id=str(mail["Message-ID"]),
        references=tuple(str(mail["References"] or "").split()),
        subject=str(mail["Subject"] or ""),
        answer_to=parseaddr(str(mail["Reply-To"] or mail["From"]))[1],
        raw=raw,
        at=at,
    )


def written(  # a mail has many parts
    sender: str, to: str, text: str, last: Letter | None, *, kind: str, content: bytes, at: float, **more: Any
) -> Letter:
    """A mail of the customer, in the thread of `last` if there is one."""
    mail = EmailMessage(policy=email.policy.SMTP)
    message_id = f"<{next(_numbers)}.{int(at * 1000)}@{sender.partition('@')[2] or 'elsewhere.example'}>"
    subject = more.get("subject") or (_answering(last.subject) if last else "Hello")
    answer_to = last.answer_to if last else to
    references = (*last.references, last.message_id) if last else ()
    mail["Return-Path"] = f"<{sender}>"
    mail["From"] = f"{more.get('called', sender.partition('@')[0])} <{sender}>"
    mail["To"] = answer_to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    mail["Message-ID"] = message_id
    if last:
        mail["In-Reply-To"] = last.message_id
        mail["References"] = " ".join(references)
    for name, value in more.get("headers", {}).items():
        mail[name] = value
    mail.set_content(text)
    if more.get("html"):
        mail.add_alternative(more["html"], subtype="html")
    if kind != "text" or content:
        major, _, minor = more.get("mime", _MIMES.get(kind, "application/octet-stream")).partition("/")
        mail.add_attachment(content, maintype=major, subtype=minor, filename=more.get("name", f"{kind}.bin"))
    # Answers to this go to whom it went, until another mail of ours says otherwise.
    return Letter(message_id, references, subject, answer_to, mail.as_bytes(), at)


def report(original: bytes, to: str, status: str, action: str, at: float) -> bytes:
    """What a server of Postfix's kind says of a mail that it couldn't deliver."""
    mail = read(original)
    recipient = parseaddr(str(mail["To"]))[1]
    boundary = f"report-{next(_numbers)}"
    head = original.partition(b"\r\n\r\n")[0] + b"\r\n"
    lines = [
        "Return-Path: <>",
        "From: MAILER-DAEMON@mx.elsewhere.example (Mail Delivery System)",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(datetime.fromtimestamp(at, UTC))}",
        f"Message-ID: <report.{next(_numbers)}@mx.elsewhere.example>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.elsewhere.example",
        "",
        f"Final-Recipient: rfc822; {recipient}",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; 550 {status} <{recipient}>: Recipient address rejected: User unknown",
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
    ]
    end = f"\r\n--{boundary}--\r\n"
    return "\r\n".join(lines).encode() + b"\r\n" + head + end.encode()


_MIMES = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4", "file": "application/pdf"}


def _answering(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"
