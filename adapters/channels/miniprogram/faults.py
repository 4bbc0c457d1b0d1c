"""What WeChat's answers mean for a mini program, beside what they mean for every account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.channels import wechat_faults
from backbone.channel import Fault, Pause, Rejected

PHRASES: Final = {
    "time": "The customer's last message is over 48 hours ago, or they only came in, over a minute ago.",
    "count": "Five messages have gone out since the customer's last one, or two since they came in: they must write.",
}

FAULTS: Final[Mapping[int, Fault]] = {
    **wechat_faults.FAULTS,
    40097: Rejected("WeChat doesn't take these values (40097)."),
    45162: Rejected("A mini program can't send this kind of message (45162)."),
    40200: Pause("WeChat doesn't take this call from such an account (40200): is the AppID a mini program's?"),
    48001: Pause("The mini program has no right to 客服消息 (48001): see 接口设置 on the console."),
}


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """What an answer means, None if all is well."""
    return wechat_faults.meaning(status, body, headers, FAULTS)
