"""What an admin enters for one number of WhatsApp."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.channels.meta import settings as fields


class Account(Struct, frozen=True, kw_only=True):
    """A business number at Meta's Cloud API."""

    phone_number_id: Annotated[
        str,
        Meta(
            title="Phone number ID",
            description="Of the app's page WhatsApp → API Setup: digits, not the number itself.",
            pattern=r"^[0-9]{1,32}$",
        ),
    ]
    access_token: Annotated[
        str,
        Meta(
            title="Access token",
            description="Of a system user with whatsapp_business_messaging, without an end. "
            "The token on the page API Setup is good for a day only.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    app_secret: fields.AppSecret
    verify_token: fields.VerifyToken
    business_id: Annotated[
        str,
        Meta(
            title="WhatsApp Business Account ID",
            description="Of the app's page WhatsApp → API Setup: its approved templates can then be sent, "
            "if the token has whatsapp_business_management too.",
            pattern=r"^[0-9]{0,32}$",
        ),
    ] = ""
    version: fields.Version = "v23.0"
    api: fields.Api = fields.GRAPH
