"""What an admin enters for one account of 微信客服."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

AES_KEY = r"^([A-Za-z0-9]{43})?$"


class Account(Struct, frozen=True, kw_only=True):
    """One 客服账号 of a company in WeCom, reached by the API of 微信客服."""

    corp_id: Annotated[
        str,
        Meta(
            title="Corp ID",
            description="企业ID, at the end of 我的企业 → 企业信息: ww and 16 characters.",
            min_length=1,
        ),
    ]
    secret: Annotated[
        str,
        Meta(
            title="Secret",
            description="The Secret of 应用管理 → 微信客服 → API, or of your own app that may manage the account.",
            min_length=1,
            extra_json_schema={"secret": True},
        ),
    ]
    token: Annotated[
        str,
        Meta(
            title="Token",
            description="The Token of 接收事件服务器, as entered there.",
            min_length=1,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    aes_key: Annotated[
        str,
        Meta(
            title="EncodingAESKey",
            description="The 43 characters of 接收事件服务器.",
            pattern=r"^[A-Za-z0-9]{43}$",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ]
    previous_aes_key: Annotated[
        str,
        Meta(
            title="Previous EncodingAESKey",
            description="The key before, for the time while WeCom still uses it; empty otherwise.",
            pattern=AES_KEY,
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    open_kfid: Annotated[
        str,
        Meta(
            title="客服账号",
            description="The open_kfid of the one account that this inbox stands for: wk and more characters.",
            min_length=1,
        ),
    ]
    receive_id: Annotated[
        str,
        Meta(
            title="Receiver",
            description="Only for the app of a third party: its SuiteID. Else empty.",
        ),
    ] = ""
    welcome: Annotated[
        str,
        Meta(
            title="Welcome",
            description="Said to a customer who opens the chat, at most once in 48 hours; empty for none. "
            "The console of 微信客服 must have no welcome of its own.",
            max_length=680,
        ),
    ] = ""
    api: Annotated[
        str,
        Meta(
            title="Address of the API",
            description="https://qyapi.weixin.qq.com, or that of a private deployment.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://qyapi.weixin.qq.com"
