"""Settings of a mailbox."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from backbone.domains import ascii_domain

MAIL_MOST_BYTES: Final = 35 * 1024 * 1024
_SECRET: Final = {"secret": True}
_ADDRESS: Final = {"address": True}
_SERVERS: Final = [
    *("imap_host", "imap_port", "imap_security"),
    *("smtp_host", "smtp_port", "smtp_security"),
    "ca",
]
_SMTP: Final = ["smtp_host", "smtp_port", "smtp_security", "ca"]
"""Where the password goes, and what proves that it goes there."""

Security = Literal["tls", "starttls", "none"]


class Account(Struct, frozen=True, kw_only=True):
    """One mailbox: read over IMAP, answered over SMTP. A field that is empty has the default that it names."""

    address: Annotated[
        str,
        Meta(
            title="Address",
            description="Address that customers write to and answers come from, such as support@example.com.",
            pattern=r"^[^\s@<>\"]{1,64}@[^\s@<>\"]{1,253}$",
        ),
    ]
    name: Annotated[
        str, Meta(title="Sender's name", description="Name beside the address in answers, such as Example Support.")
    ] = ""
    aliases: Annotated[
        tuple[str, ...],
        Meta(
            title="Other addresses",
            description="More addresses whose mail comes into this mailbox. They are never taken for a customer's.",
        ),
    ] = ()
    auth: Annotated[
        Literal["password", "xoauth2"],
        Meta(title="Signing in", description="password for most servers, xoauth2 for Microsoft 365 and Gmail."),
    ] = "password"
    user: Annotated[str, Meta(title="User", description="User name of the mailbox where it isn't the address.")] = ""
    password: Annotated[
        str,
        Meta(
            title="Password",
            description="Password, or the code for other programs that the provider gives out (QQ, 163: 授权码).",
            extra_json_schema={**_SECRET, "goes_to": _SERVERS},
        ),
    ] = ""
    imap_host: Annotated[
        str,
        Meta(title="IMAP server", description="Such as imap.example.com.", min_length=1, extra_json_schema=_ADDRESS),
    ]
    imap_port: Annotated[
        int, Meta(title="IMAP port", description="993 with TLS.", ge=1, le=65535, extra_json_schema=_ADDRESS)
    ] = 993
    imap_security: Annotated[
        Literal["tls", "none"],
        Meta(
            title="IMAP security",
            description="tls, or none for a server on this very machine.",
            extra_json_schema=_ADDRESS,
        ),
    ] = "tls"
    mailbox: Annotated[str, Meta(title="Mailbox", description="Folder that is read.", min_length=1)] = "INBOX"
    smtp_host: Annotated[
        str,
        Meta(title="SMTP server", description="Such as smtp.example.com.", min_length=1, extra_json_schema=_ADDRESS),
    ]
    smtp_port: Annotated[
        int,
        Meta(
            title="SMTP port",
            description="465 with TLS, 587 with STARTTLS.",
            ge=1,
            le=65535,
            extra_json_schema=_ADDRESS,
        ),
    ] = 465
    smtp_security: Annotated[
        Security,
        Meta(
            title="SMTP security",
            description="tls, starttls, or none for a server on this very machine.",
            extra_json_schema=_ADDRESS,
        ),
    ] = "tls"
    smtp_auth: Annotated[
        Literal["same", "password", "none"],
        Meta(
            title="Signing in to SMTP",
            description="same: as the mailbox does. password: with the user and password below, where mail goes out by "
            "somebody else (SES, Mailgun, SendGrid, mail.ru). none: a relay that wants no login.",
        ),
    ] = "same"
    smtp_user: Annotated[str, Meta(title="SMTP user", description="Where SMTP has a login of its own.")] = ""
    smtp_password: Annotated[
        str,
        Meta(
            title="SMTP password",
            description="Where SMTP has a login of its own; empty with the user: no login.",
            extra_json_schema={**_SECRET, "goes_to": _SMTP},
        ),
    ] = ""
    ca: Annotated[
        str,
        Meta(
            title="Certificate authority",
            description="In PEM, where the servers' certificates come from one of your own.",
            extra_json_schema=_ADDRESS,
        ),
    ] = ""
    token_url: Annotated[
        str,
        Meta(
            title="Token address (xoauth2)",
            description="Google: https://oauth2.googleapis.com/token. "
            "Microsoft: https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token.",
            extra_json_schema=_ADDRESS,
        ),
    ] = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    client_id: Annotated[str, Meta(title="Client id (xoauth2)", description="Of your registered application.")] = ""
    client_secret: Annotated[
        str,
        Meta(title="Client secret (xoauth2)", description="Of the same application.", extra_json_schema=_SECRET),
    ] = ""
    refresh_token: Annotated[
        str,
        Meta(
            title="Refresh token (xoauth2)",
            description="From the consent of the mailbox's owner. Empty: the application signs in for itself "
            "(Microsoft's client credentials).",
            extra_json_schema=_SECRET,
        ),
    ] = ""
    scope: Annotated[
        str,
        Meta(
            title="Scope (xoauth2)",
            description="https://mail.google.com/, or for Microsoft https://outlook.office365.com/.default with client "
            "credentials, else the scopes that were consented to.",
        ),
    ] = "https://mail.google.com/"
    thread_secret: Annotated[
        str,
        Meta(
            title="Secret of plus addresses",
            description="Any 16 characters or more: answers then ask for replies to support+<thread>@, which finds the "
            "conversation even where a mail program drops References. Leave it empty where the server doesn't deliver "
            "plus addresses (QQ doesn't).",
            extra_json_schema={**_SECRET, "goes_to": []},
            pattern=r"^$|^.{16,}$",
        ),
    ] = ""
    authserv_id: Annotated[
        str,
        Meta(
            title="Name of the checking server",
            description="What stands first in the Authentication-Results that your server writes, such as "
            "mx.google.com; microsoft365 for Microsoft 365, which writes none. Only with it a sender counts as proven.",
        ),
    ] = ""
    subject: Annotated[
        str, Meta(title="Subject", description="Of mails that answer none and have none.", min_length=1)
    ] = "Your request"
    quotes: Annotated[
        bool,
        Meta(
            title="Quote", description="Whether the customer's last words stand below an answer, as mail programs do."
        ),
    ] = False
    look_back_days: Annotated[
        int,
        Meta(
            title="Days to look back",
            description="Mail of so many days is read when the mailbox is connected, or its server counts anew. Up to "
            "6, since what was read in the last 7 days is known.",
            ge=0,
            le=6,
        ),
    ] = 3
    poll_s: Annotated[
        float, Meta(title="Pause", description="Seconds between looks, on servers that don't tell of mail.", gt=0)
    ] = 60
    idle_s: Annotated[
        float,
        Meta(
            title="Longest wait",
            description="Seconds after which a server that tells of mail and told of none is asked, 240 at most.",
            gt=0,
            lt=29 * 60,
        ),
    ] = 240
    timeout_s: Annotated[
        float, Meta(title="Patience", description="Seconds that a server may take to answer.", gt=0, le=600)
    ] = 60
    mail_most_bytes: Annotated[
        int,
        Meta(
            title="Largest mail",
            description="In bytes; of a larger one only the headers are read.",
            ge=64 * 1024,
            le=MAIL_MOST_BYTES,
        ),
    ] = MAIL_MOST_BYTES

    @property
    def domain(self) -> str:
        """What stands behind the @, in lower case and ASCII."""
        return ascii_domain(self.address.rpartition("@")[2])

    @property
    def login(self) -> str:
        """The name to sign in with."""
        return self.user or self.address

    def is_own(self, address: str) -> bool:
        """Whether an address is this mailbox's, with or without something behind a plus."""
        local, _, domain = address.lower().rpartition("@")
        here = ascii_domain(domain)
        names = {f"{local}@{here}", f"{local.partition('+')[0]}@{here}"}
        own = (each.lower().rpartition("@") for each in (self.address, *self.aliases))
        return any(f"{name}@{ascii_domain(at)}" in names for name, _, at in own)
