"""What WeChat's answers mean for an official account, beside what they mean for every account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.channels import wechat_faults
from backbone.channel import Fault, Pause, Rejected, WindowClosed

PHRASES: Final = {
    "time": "The customer's last message is over 48 hours ago, or they no longer follow the account.",
    "count": "Five messages have gone out since the customer's last one: they must write first.",
    "unfollowed": "The customer doesn't follow the account.",
    "refused": "The customer refuses messages of the account.",
}

FAULTS: Final[Mapping[int, Fault]] = {
    **wechat_faults.FAULTS,
    40010: Rejected("The voice message is too large for WeChat (40010)."),
    40011: Rejected("The video is too large for WeChat (40011)."),
    40012: Rejected("The video's preview is too large for WeChat (40012)."),
    45008: Rejected("The message has too many articles for WeChat (45008)."),
    43004: WindowClosed("unfollowed"),
    50005: WindowClosed("unfollowed"),
    48002: WindowClosed("refused"),
    48001: Pause("The account has no right to 客服消息 (48001): only certified accounts have."),
    65400: Pause("客服 is not switched on for the account (65400): switch it on, or leave kf_account empty."),
    65401: Pause("The kf_account of the inbox isn't one of the account (65401): enter another, or none."),
}


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """What an answer means, None if all is well."""
    return wechat_faults.meaning(status, body, headers, FAULTS)
