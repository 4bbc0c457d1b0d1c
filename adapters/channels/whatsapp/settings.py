"""What an admin enters for one number of WhatsApp."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


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
    app_secret: Annotated[
        str,
        Meta(
            title="App secret",
            description="Of the app's page Settings → Basic: Meta signs its callbacks by it.",
            min_length=1,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    verify_token: Annotated[
        str,
        Meta(
            title="Verify token",
            description="A word of your choice, entered here and beside the callback's address at Meta.",
            min_length=1,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    business_id: Annotated[
        str,
        Meta(
            title="WhatsApp Business Account ID",
            description="Of the app's page WhatsApp → API Setup: its approved templates can then be sent, "
            "if the token has whatsapp_business_management too.",
            pattern=r"^[0-9]{0,32}$",
        ),
    ] = ""
    version: Annotated[
        str, Meta(title="Version of the Graph API", description="Such as v23.0.", pattern=r"^v[0-9]{1,3}\.[0-9]$")
    ] = "v23.0"
    api: Annotated[
        str,
        Meta(
            title="Address of the API",
            description="https://graph.facebook.com, unless you use one of your own.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://graph.facebook.com"
