"""微信公众号: what is sent to WeChat and fetched from it."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from msgspec import Struct

from adapters.channels.wechat import faults, protocol, settings
from adapters.channels.wechat.preview import PREVIEW
from backbone.channel import (
    Answer,
    Caps,
    Check,
    FaultError,
    Kit,
    Media,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Token,
    Upload,
    Window,
)

MB: Final = 1024 * 1024
MOST_MEDIA_BYTES: Final = 20 * MB
MEDIA_LIFE_S: Final = 3 * 86_400

S = TypeVar("S", bound=Struct)

_FILENAME = re.compile(r'filename="?([^";]+)')


class _Token(Struct):
    access_token: str
    expires_in: int


class _Uploaded(Struct):
    media_id: str = ""
    thumb_media_id: str = ""


class _User(Struct):
    unionid: str = ""


class _Servicer(Struct):
    kf_account: str = ""


class _Servicers(Struct):
    kf_list: list[_Servicer] = []


class WeChat:
    """The channel `wechat`: callbacks in any of the three modes, answers by the customer service API."""

    name: ClassVar[str] = "wechat"
    Account: ClassVar[type[Struct]] = settings.Account
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

    verify = staticmethod(protocol.verify)
    once = staticmethod(protocol.once)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Hands one part over. WeChat gives no id and knows no message twice."""
        kind, content = await self._content(out, kit)
        body = protocol.outgoing(out.peer.id, kind, content, acc.kf_account)
        await _call(kit, f"{acc.api}/cgi-bin/message/custom/send", json=body)
        return Sent()

    async def _content(self, out: Out, kit: Kit) -> tuple[str, dict[str, str]]:
        """WeChat's kind of the message, and what stands under that name."""
        if out.media is None:
            return "text", {"content": out.text}
        kind = protocol.UPLOADS[out.kind][0]
        content = {"media_id": await kit.upload(out.media, out.kind)}
        if kind == "video":
            content |= {"thumb_media_id": await kit.upload(PREVIEW, "thumb"), "title": out.media.name}
        return kind, content

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """The stable token: the same for all who ask while it is good, for two hours at most."""
        del name, previous
        wanted = {
            "grant_type": "client_credential",
            "appid": acc.app_id,
            "secret": acc.app_secret,
            # True would end the token of all others at once, and may be asked for 20 times a day.
            "force_refresh": False,
        }
        try:
            answer = await _call(kit, f"{acc.api}/cgi-bin/stable_token", json=wanted, token="")
        except FaultError as error:
            if isinstance(error.fault, Rejected):
                raise FaultError(Pause(error.fault.reason), error.answer) from None
            raise
        got = _read(answer, _Token)
        return Token(value=got.access_token, life_s=max(1, got.expires_in))

    async def put_media(self, media: OutMedia, kind: str, acc: settings.Account, kit: Kit) -> str:
        """Uploads a file of `kind` image, audio, video or thumb; the id is good for three days."""
        theirs = protocol.UPLOADS[kind][0] if kind in protocol.UPLOADS else kind
        # Its name is shown nowhere, and WeChat refuses some: only the ending counts.
        named = f"{theirs}.{protocol.ENDINGS.get(media.mime, 'dat')}"
        form = {"media": Upload(named, media.mime, media.content)}
        answer = await _call(kit, f"{acc.api}/cgi-bin/media/upload", form=form, query={"type": theirs})
        got = _read(answer, _Uploaded)
        if not (media_id := got.media_id or got.thumb_media_id):
            raise FaultError(Retry(), "no media_id")
        return media_id

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file; a video may be told as an address."""
        answer = await _call(
            kit,
            f"{acc.api}/cgi-bin/media/get",
            method="GET",
            query={"media_id": media.ref},
            most_bytes=MOST_MEDIA_BYTES,
        )
        if not faults.is_file(answer.headers):
            address = str(answer.json().get("video_url", ""))
            if not address.startswith(("http://", "https://")):
                raise FaultError(Retry(), "neither a file nor an address of one")
            answer = await _at_its_address(kit, address)
        named = _FILENAME.search(answer.headers.get("content-disposition", ""))
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body, mime or media.mime, named[1] if named else media.name

    async def typing(self, peer: Peer, acc: settings.Account, kit: Kit, *, is_typing: bool) -> None:
        """Shows 对方正在输入 for 15 s; WeChat does so within 30 s of an exchange."""
        body = {"touser": peer.id, "command": "Typing" if is_typing else "CancelTyping"}
        await _call(kit, f"{acc.api}/cgi-bin/message/custom/typing", json=body)

    async def profile(self, peer: Peer, acc: settings.Account, kit: Kit) -> Peer:
        """The peer with their unionid, which is the same in all accounts of one 开放平台."""
        query = {"openid": peer.id, "lang": "zh_CN"}
        user = _read(await _call(kit, f"{acc.api}/cgi-bin/user/info", method="GET", query=query), _User)
        if not user.unionid:
            return peer
        return Peer(peer.id, peer.name, {**peer.alias, "unionid": user.unionid}, (*peer.verified, "unionid"))

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Are the credentials good, and may the account send?"""
        try:
            await kit.token()
        except FaultError as error:
            return [Check("credentials", _words(error))]
        well = Check("credentials", "")
        try:
            answer = await _call(kit, f"{acc.api}/cgi-bin/customservice/getkflist", method="GET")
        except FaultError as error:
            return [well, Check("customer service", _words(error))]
        known = {one.kf_account for one in _read(answer, _Servicers).kf_list}
        if acc.kf_account and acc.kf_account not in known:
            return [well, Check("customer service", f"{acc.kf_account} isn't among the account's 客服账号.")]
        return [well, Check("customer service", "")]


async def _call(kit: Kit, url: str, **request: Any) -> Answer:
    """`kit.call`; what waits for the next day's quota is told how long."""
    try:
        return await kit.call(url, **request)
    except FaultError as error:
        if error.fault == faults.QUOTA:
            wait = Retry(after_s=faults.until_midnight(kit.now()), account=True)
            raise FaultError(wait, error.answer) from None
        raise


async def _at_its_address(kit: Kit, address: str) -> Answer:
    try:
        return await _call(kit, address, method="GET", token="", most_bytes=MOST_MEDIA_BYTES)
    except FaultError as error:
        if isinstance(error.fault, Pause):
            # What an old address answers says nothing of the account.
            raise FaultError(Rejected("WeChat no longer has the video at its address."), error.answer) from None
        raise


def _read(answer: Answer, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, RecursionError):
        raise FaultError(Retry(), "an answer of another form") from None


def _words(error: FaultError) -> str:
    fault = error.fault
    return fault.reason if isinstance(fault, Pause | Rejected) else error.answer or "WeChat doesn't answer."
