"""What an admin enters for one bot of Telegram."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Account(Struct, frozen=True, kw_only=True):
    """A bot, as @BotFather made it."""

    token: Annotated[
        str,
        Meta(
            title="Token of the bot",
            description="What @BotFather answered to /newbot: digits, a colon and about 35 characters.",
            pattern=r"^[0-9]+:[A-Za-z0-9_-]+$",
            extra_json_schema={"secret": True},
        ),
    ]
    updates: Annotated[
        Literal["webhook", "poll"],
        Meta(
            title="How messages come in",
            description="webhook: Telegram calls this server, which must be reachable from the internet. "
            "poll: this server asks Telegram; nothing must be opened.",
        ),
    ] = "poll"
    secret: Annotated[
        str,
        Meta(
            title="Secret of the webhook",
            description="The secret_token that you gave to setWebhook: 1 to 256 of A-Z a-z 0-9 _ and -. "
            "Every callback must carry it; only needed for webhook.",
            pattern=r"^[A-Za-z0-9_-]{0,256}$",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    api: Annotated[
        str,
        Meta(
            title="Address of the API",
            description="https://api.telegram.org, or that of a Bot API server of your own.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://api.telegram.org"
