"""What an admin enters for one account of 抖音."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Account(Struct, frozen=True, kw_only=True):
    """An enterprise account of Douyin that has authorised an app of 抖音开放平台 to read and write its messages."""

    client_key: Annotated[
        str, Meta(title="Client key", description="应用标识 of the app on the console.", min_length=1)
    ]
    client_secret: Annotated[
        str,
        Meta(
            title="Client secret",
            description="应用密钥 of the app; callbacks are signed with it.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    open_id: Annotated[
        str,
        Meta(
            title="Open ID",
            description="The account's open_id with this app. If it isn't known, enter -: the examination names it.",
            min_length=1,
        ),
    ]
    code: Annotated[
        str,
        Meta(
            title="Authorisation code",
            description="The code at the end of the address after the operator scanned, good once and for some "
            "minutes: save at once. A new one begins a new authorisation.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    welcome: Annotated[
        str,
        Meta(
            title="Welcome",
            description="Said to a customer who opens the chat; empty for none.",
            max_length=1000,
        ),
    ] = ""
    api: Annotated[
        str,
        Meta(title="Address of the API", description="https://open.douyin.com.", pattern=r"^https?://[^/]+$"),
    ] = "https://open.douyin.com"
