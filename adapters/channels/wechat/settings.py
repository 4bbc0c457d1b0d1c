"""What an admin enters for one 微信公众号."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.channels.wechat_settings import API, AesKey, Api, PreviousAesKey, Token


class Account(Struct, frozen=True, kw_only=True):
    """An official account; all of it stands on the console's page 设置与开发 → 开发接口管理."""

    app_id: Annotated[
        str, Meta(title="AppID", description="开发者ID of the account: wx and 16 characters.", min_length=1)
    ]
    app_secret: Annotated[
        str,
        Meta(
            title="AppSecret",
            description="开发者密码. This server's address must be in the account's IP白名单.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    token: Token
    aes_key: AesKey = ""
    previous_aes_key: PreviousAesKey = ""
    kf_account: Annotated[
        str,
        Meta(
            title="Customer service account",
            description="Such as kf1@account: its name and picture stand beside our messages; else the account's own.",
        ),
    ] = ""
    api: Api = API
