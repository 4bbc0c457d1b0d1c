"""小程序客服消息: what a mini program may send, beside what official accounts have alike."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from adapters.channels import wechat_callbacks
from adapters.channels.miniprogram import faults, protocol, settings
from adapters.channels.wechat_platform import IMAGES, MB, MEDIA_LIFE_S, Platform
from backbone.channel import Caps, Window


class MiniProgram(Platform[settings.Account]):
    """The channel `miniprogram`: text and pictures go out; any other file as a link."""

    name: ClassVar[str] = "miniprogram"
    Account: ClassVar[type[Struct]] = settings.Account
    uploads: ClassVar = {"image": IMAGES}
    typing_at = "/cgi-bin/message/custom/business/typing"
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image"}),
        text=(2048, "bytes"),
        media_types={"image": IMAGES[1]},
        media_bytes={"image": 2 * MB},
        windows=(
            Window(by="message", count=5, seconds=48 * 3600),
            Window(by="enter", count=2, seconds=60),
        ),
        token_as=("query", "access_token"),
        body_bytes=256 * 1024,
        media_life_s=MEDIA_LIFE_S,
        phrases=faults.PHRASES,
        data=wechat_callbacks.DATA,
    )

    parse = staticmethod(protocol.parse)
    reply = staticmethod(protocol.reply)
    classify = staticmethod(faults.classify)
