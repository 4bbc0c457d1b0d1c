"""A simulator of 小程序客服消息: the contact button, cards and links, beside what the platform has for each account."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.simulators.base import Push
from tests.simulators.wechat.parts import Code, Opening, Windows
from tests.simulators.wechat.platform import PlatformSimulator

LINK = ("title", "description", "url", "thumb_url")
PAGE = ("title", "pagepath", "thumb_media_id")


class OneWindow(Windows):
    """A customer has one window: what they do raises its count to the larger of both, and prolongs it."""

    def happened(self, peer: str, by: str, now: float) -> None:
        """The customer did something."""
        count, seconds = self.rules[by]
        before = self.open.get(peer, {}).get("one", Opening(0, 0))
        left = max(count, before.left) if now < before.until else count
        self.open[peer] = {"one": Opening(max(now + seconds, before.until), left)}


class MiniProgramSimulator(PlatformSimulator):
    """One mini program."""

    name: ClassVar[str] = "miniprogram"
    kinds: ClassVar[dict[str, str]] = {"text": "text", "image": "image", "link": "card", "miniprogrampage": "card"}
    unsendable: ClassVar[int] = 45162
    typing_at: ClassVar[str] = "/cgi-bin/message/custom/business/typing"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.windows = OneWindow(message=(5, 48 * 3600.0), enter=(2, 60.0))

    def enters(self, peer: str, session: str = "wxapp") -> Push:
        """A tap on the contact button; `session` is its `session-from`, cut to 1000 bytes as WeChat does."""
        self.windows.happened(peer, "enter", self.clock.now())
        cut = session.encode()[:1000].decode(errors="ignore")
        return self.event(peer, "user_enter_tempsession", SessionFrom=cut)

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """Somebody taps the button of a page that says which it is."""
        return [self.enters(peer, scene)]

    def _content(self, kind: str, text: str, content: bytes) -> dict[str, Any]:
        if kind == "miniprogrampage":
            return {
                "Title": text,
                "AppId": self.app_id,
                "PagePath": "pages/item?id=77",
                "ThumbUrl": "http://mmbiz.qpic.cn/t",
                "ThumbMediaId": self._kept("image", "jpg", "image/jpeg", content),
            }
        return super()._content(kind, text, content)

    def _carries(self, theirs: str, content: dict[str, Any]) -> tuple[str, str]:
        if theirs not in {"link", "miniprogrampage"}:
            return super()._carries(theirs, content)
        if any(not isinstance(content.get(name), str) for name in (LINK if theirs == "link" else PAGE)):
            raise Code(40097, "invalid args")
        if theirs == "miniprogrampage":
            self._file_of("image", content["thumb_media_id"])
        return str(content["title"]), ""
