"""Settings that official accounts and mini programs share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

AES_KEY = r"^([A-Za-z0-9]{43})?$"

Token = Annotated[
    str,
    Meta(
        title="Token",
        description="The Token beside the address for callbacks, 3 to 32 letters and digits of your choice.",
        min_length=1,
        extra_json_schema={"secret": True, "goes_to": []},
    ),
]

AesKey = Annotated[
    str,
    Meta(
        title="EncodingAESKey",
        description="The 43 characters beside the address for callbacks in 兼容模式 or 安全模式; empty in 明文模式. "
        "Once it is set, callbacks that aren't encrypted are refused. 明文模式 is weaker: its signature doesn't "
        "cover the message, so that whoever gets hold of a callback may forge one within 5 minutes.",
        pattern=AES_KEY,
        extra_json_schema={"secret": True, "goes_to": []},
    ),
]

PreviousAesKey = Annotated[
    str,
    Meta(
        title="Previous EncodingAESKey",
        description="The key before, for the time while WeChat still uses it; empty otherwise.",
        pattern=AES_KEY,
        extra_json_schema={"secret": True, "goes_to": []},
    ),
]

Api = Annotated[
    str,
    Meta(
        title="Address of the API",
        description="https://api.weixin.qq.com, or another of WeChat's, such as https://sh.api.weixin.qq.com.",
        pattern=r"^https?://[^/]+$",
    ),
]

API = "https://api.weixin.qq.com"
