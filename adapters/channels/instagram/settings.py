"""What an admin enters for one account of Instagram."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.channels.meta import settings as fields


class Account(Struct, frozen=True, kw_only=True):
    """A professional account of Instagram whose messages an app of Meta's reads and writes."""

    ig_id: Annotated[
        str,
        Meta(
            title="Instagram account ID",
            description="Of the professional account, as callbacks name it: usually 17 digits that begin with 1784.",
            pattern=r"^[0-9]{1,32}$",
        ),
    ]
    access_token: Annotated[
        str,
        Meta(
            title="Access token",
            description="Of the linked page, with instagram_manage_messages; or of the Instagram account itself, with "
            "instagram_business_manage_messages, which must be renewed within 60 days.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    app_secret: fields.AppSecret
    verify_token: fields.VerifyToken
    app_id: fields.AppId = ""
    human_agent: fields.HumanAgent = False
    version: fields.Version = "v23.0"
    api: Annotated[
        str,
        Meta(
            title="Address of the API",
            description="https://graph.facebook.com for a token of the linked page, https://graph.instagram.com for "
            "one of the Instagram account itself.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = fields.GRAPH
