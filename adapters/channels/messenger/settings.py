"""What an admin enters for one page of Facebook."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.channels.meta import settings as fields


class Account(Struct, frozen=True, kw_only=True):
    """A page of Facebook whose messages an app of Meta's reads and writes."""

    page_id: Annotated[
        str,
        Meta(
            title="Page ID",
            description="Of the page's About → Page transparency: digits, not its name.",
            pattern=r"^[0-9]{1,32}$",
        ),
    ]
    access_token: Annotated[
        str,
        Meta(
            title="Page access token",
            description="Of this page, with pages_messaging and without an end: by a system user, or made from a "
            "long-lived token of whoever manages the page.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    app_secret: fields.AppSecret
    verify_token: fields.VerifyToken
    app_id: fields.AppId = ""
    human_agent: fields.HumanAgent = False
    version: fields.Version = "v23.0"
    api: fields.Api = fields.GRAPH
