"""What an admin enters for one 微信公众号."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

AES_KEY = r"^([A-Za-z0-9]{43})?$"


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
    token: Annotated[
        str,
        Meta(
            title="Token",
            description="The Token of 服务器配置, 3 to 32 letters and digits of your choice.",
            min_length=1,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    aes_key: Annotated[
        str,
        Meta(
            title="EncodingAESKey",
            description="The 43 characters of 服务器配置 in 兼容模式 or 安全模式; empty in 明文模式. "
            "Once it is set, callbacks that aren't encrypted are refused. 明文模式 is weaker: its signature doesn't "
            "cover the message, so that whoever gets hold of a callback may forge one within 5 minutes.",
            pattern=AES_KEY,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    previous_aes_key: Annotated[
        str,
        Meta(
            title="Previous EncodingAESKey",
            description="The key before, for the time while WeChat still uses it; empty otherwise.",
            pattern=AES_KEY,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    kf_account: Annotated[
        str,
        Meta(
            title="Customer service account",
            description="Such as kf1@account: its name and picture stand beside our messages; else the account's own.",
        ),
    ] = ""
    api: Annotated[
        str,
        Meta(
            title="Address of the API",
            description="https://api.weixin.qq.com, or another of WeChat's, such as https://sh.api.weixin.qq.com.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://api.weixin.qq.com"
