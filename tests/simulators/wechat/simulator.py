"""微信公众号: who follows, menus and codes, voice and video, staff, beside what the platform has for every account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators.base import Accepted, Push
from tests.simulators.wechat.answers import answered, download
from tests.simulators.wechat.parts import Code, Windows
from tests.simulators.wechat.platform import PlatformSimulator


class WeChatSimulator(PlatformSimulator):
    """One official account."""

    name: ClassVar[str] = "wechat"
    kinds: ClassVar[dict[str, str]] = {"text": "text", "image": "image", "voice": "audio", "video": "video"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.kf_accounts = ["kf1@simulator"]
        self.windows = Windows(message=(5, 48 * 3600.0), menu=(3, 60.0))
        self.most_bytes |= {"voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
        self.video_as_address = False
        self.followers: set[str] = set()
        self.unionids: dict[str, str] = {}

    # --- what customers do -----------------------------------------------------------------

    def say(self, peer: str, text: str = "", *, kind: str = "text", content: bytes = b"", **more: Any) -> list[Push]:
        """A message; `more` are further fields as WeChat names them (`bizmsgmenuid`, `Format`, `Recognition`)."""
        self.followers.add(peer)
        return super().say(peer, text, kind=kind, content=content, **more)

    def happens(self, peer: str, event: str, key: str = "", **more: str) -> Push:
        """An event: a follow, a scan, a tap on the menu, ..."""
        if event == "unsubscribe":
            self.followers.discard(peer)
            self.windows.close(peer)
        elif event in {"subscribe", "SCAN", "CLICK"}:
            self.followers.add(peer)
            self.windows.happened(peer, "menu", self.clock.now())
        return self.event(peer, event, EventKey=key, **more)

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """Somebody scans a QR code of ours, and follows the account."""
        return [self.happens(peer, "subscribe", f"qrscene_{scene}")]

    def taps(self, peer: str, choice: str) -> list[Push]:
        """An entry of the account's menu."""
        return [self.happens(peer, "CLICK", choice)]

    def leaves(self, peer: str) -> list[Push]:
        """The customer no longer follows."""
        return [self.happens(peer, "unsubscribe")]

    def returns(self, peer: str) -> list[Push]:
        """The customer follows again."""
        return [self.happens(peer, "subscribe")]

    def _content(self, kind: str, text: str, content: bytes) -> dict[str, Any]:
        if kind == "voice":
            return {"MediaId": self._kept(kind, "amr", "audio/amr", content), "Format": "amr"}
        if kind in {"video", "shortvideo"}:
            return {"MediaId": self._kept(kind, "mp4", "video/mp4", content), "ThumbMediaId": "thumb"}
        if kind == "location":
            return {"Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20", "Label": text}
        if kind == "link":
            return {"Title": text, "Description": "about it", "Url": "https://example.com/a?b=1&c=2"}
        return super()._content(kind, text, content)

    # --- the API ---------------------------------------------------------------------------

    def routes(self) -> Sequence[Route]:
        """Of customers and staff, and the addresses of videos, beside those of the platform."""
        return [
            *super().routes(),
            Route("/cgi-bin/user/info", answered(self._user), methods=["GET"]),
            Route("/cgi-bin/customservice/getkflist", answered(self._servicers), methods=["GET"]),
            Route("/files/{media_id}", self._file, methods=["GET"]),
        ]

    def _checked(self, message: dict[str, Any]) -> Accepted:
        servicer = message.get("customservice", {}).get("kf_account", "")
        if servicer and servicer not in self.kf_accounts:
            raise Code(65400, "kf_account")
        return super()._checked(message)

    def _reachable(self, peer: str) -> None:
        super()._reachable(peer)
        if peer not in self.followers:
            raise Code(45015, "response out of time limit or subscription")

    def _carries(self, theirs: str, content: dict[str, Any]) -> tuple[str, str]:
        if theirs == "video":
            self._file_of("thumb", content.get("thumb_media_id"))
        return super()._carries(theirs, content)

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """A unionid, from here on; names are no longer told."""
        self.unionids[peer] = f"union-of-{peer}"
        return "", {"unionid": self.unionids[peer]}

    async def _media(self, request: HttpRequest) -> dict[str, Any] | Response:
        media_id = request.query_params.get("media_id", "")
        file = self.files.kept.get(media_id)
        found = await super()._media(request)
        if file is not None and file.kind == "video" and self.video_as_address:
            return {"video_url": f"{self.base}/files/{media_id}"}
        return found

    async def _file(self, request: HttpRequest) -> Response:
        return download(self.files.get(request.path_params["media_id"], self.clock.now()))

    async def _user(self, request: HttpRequest) -> dict[str, Any]:
        self._allowed(request)
        peer = request.query_params.get("openid", "")
        if peer not in self.customers:
            raise Code(40003, "invalid openid")
        found: dict[str, Any] = {"subscribe": int(peer in self.followers), "openid": peer}
        return found | ({"unionid": self.unionids[peer]} if peer in self.unionids else {})

    async def _servicers(self, request: HttpRequest) -> dict[str, Any]:
        self._allowed(request)
        return {"kf_list": [{"kf_account": name, "kf_nick": name} for name in self.kf_accounts]}
