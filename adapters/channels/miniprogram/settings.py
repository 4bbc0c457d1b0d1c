"""What an admin enters for one WeChat mini program."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from adapters.channels.wechat_settings import API, AesKey, Api, PreviousAesKey, Token


class Account(Struct, frozen=True, kw_only=True):
    """A mini program; all of it stands on the console's page 开发管理, under 开发设置 and 消息推送."""

    app_id: Annotated[str, Meta(title="AppID", description="小程序ID of 开发设置: wx and 16 characters.", min_length=1)]
    app_secret: Annotated[
        str,
        Meta(
            title="AppSecret",
            description="小程序密钥 of 开发设置. This server's address must be in the IP白名单, if there is one.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    token: Token
    aes_key: AesKey = ""
    previous_aes_key: PreviousAesKey = ""
    api: Api = API
