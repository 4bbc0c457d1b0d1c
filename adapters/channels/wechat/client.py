"""微信公众号: what is sent to WeChat and fetched from it, beside what mini programs have alike."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct

from adapters.channels.wechat import faults, protocol, settings
from adapters.channels.wechat.preview import PREVIEW
from adapters.channels.wechat_platform import MB, MEDIA_LIFE_S, Platform, call, read, words
from backbone.channel import Caps, Check, FaultError, Kit, Out, Peer, Window


class _User(Struct):
    unionid: str = ""


class _Servicer(Struct):
    kf_account: str = ""


class _Servicers(Struct):
    kf_list: list[_Servicer] = []


class WeChat(Platform[settings.Account]):
    """The channel `wechat`: callbacks in any of the three modes, answers by the customer service API."""

    name: ClassVar[str] = "wechat"
    Account: ClassVar[type[Struct]] = settings.Account
    uploads = protocol.UPLOADS
    typing_at = "/cgi-bin/message/custom/typing"
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "audio", "video"}),
        text=(2048, "bytes"),
        media_types={kind: types for kind, (_, types) in protocol.UPLOADS.items()},
        media_bytes={"image": 2 * MB, "audio": 2 * MB, "video": 10 * MB},
        windows=(
            Window(by="message", count=5, seconds=48 * 3600),
            Window(by="menu", count=3, seconds=60),
        ),
        token_as=("query", "access_token"),
        body_bytes=256 * 1024,
        media_life_s=MEDIA_LIFE_S,
        phrases=faults.PHRASES,
        data=protocol.DATA,
    )

    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    async def _content(self, out: Out, kit: Kit) -> tuple[str, dict[str, str]]:
        kind, content = await super()._content(out, kit)
        if kind == "video" and out.media is not None:
            content |= {"thumb_media_id": await kit.upload(PREVIEW, "thumb"), "title": out.media.name}
        return kind, content

    def _beside(self, acc: settings.Account) -> dict[str, Any]:
        return {"customservice": {"kf_account": acc.kf_account}} if acc.kf_account else {}

    async def profile(self, peer: Peer, acc: settings.Account, kit: Kit) -> Peer:
        """The peer with their unionid, which is the same in all accounts of one 开放平台."""
        query = {"openid": peer.id, "lang": "zh_CN"}
        user = read(await call(kit, f"{acc.api}/cgi-bin/user/info", method="GET", query=query), _User)
        if not user.unionid:
            return peer
        return Peer(peer.id, peer.name, {**peer.alias, "unionid": user.unionid}, (*peer.verified, "unionid"))

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Are the credentials good, and may the account send?"""
        [well] = await super().check(acc, kit)
        if well.problem:
            return [well]
        try:
            answer = await call(kit, f"{acc.api}/cgi-bin/customservice/getkflist", method="GET")
        except FaultError as error:
            return [well, Check("customer service", words(error))]
        known = {one.kf_account for one in read(answer, _Servicers).kf_list}
        if acc.kf_account and acc.kf_account not in known:
            return [well, Check("customer service", f"{acc.kf_account} isn't among the account's 客服账号.")]
        return [well, Check("customer service", "")]
