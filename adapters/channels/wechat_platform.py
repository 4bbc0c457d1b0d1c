"""公众平台: what is sent to official accounts and mini programs alike, and fetched from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from adapters.channels import wechat_callbacks as callbacks
from adapters.channels import wechat_faults as faults
from backbone.channel import (
    Answer,
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
)

MB: Final = 1024 * 1024
MOST_MEDIA_BYTES: Final = 20 * MB
MEDIA_LIFE_S: Final = 3 * 86_400

IMAGES: Final = ("image", frozenset({"image/jpeg", "image/png", "image/gif"}))

ENDINGS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "video/mp4": "mp4",
}

S = TypeVar("S", bound=Struct)

_FILENAME = re.compile(r'filename="?([^";]+)')


class _Token(Struct):
    access_token: str
    expires_in: int


class _Uploaded(Struct):
    media_id: str = ""
    thumb_media_id: str = ""


class Settings(callbacks.Keys, Protocol):
    """Of an account's settings what calls need."""

    @property
    def app_secret(self) -> str:
        """What tokens are given for."""

    @property
    def api(self) -> str:
        """The address that is called."""


A = TypeVar("A", bound=Settings)


class Platform(Generic[A]):
    """What both channels do alike: answers by the customer service API, with tokens and files of three days."""

    uploads: ClassVar[Mapping[str, tuple[str, frozenset[str]]]]
    """By our kind: WeChat's name of it, and the types that it takes."""

    typing_at: ClassVar[str]
    """Where it is told that an agent types."""

    verify = staticmethod(callbacks.verify)
    once = staticmethod(callbacks.once)

    async def send(self, out: Out, acc: A, kit: Kit) -> Sent:
        """Hands one part over. WeChat gives no id and knows no message twice."""
        kind, content = await self._content(out, kit)
        message = {"touser": out.peer.id, "msgtype": kind, kind: content, **self._beside(acc)}
        await call(kit, f"{acc.api}/cgi-bin/message/custom/send", json=message)
        return Sent()

    async def _content(self, out: Out, kit: Kit) -> tuple[str, dict[str, str]]:
        """WeChat's kind of the message, and what stands under that name."""
        if out.media is None:
            return "text", {"content": out.text}
        return self.uploads[out.kind][0], {"media_id": await kit.upload(out.media, out.kind)}

    def _beside(self, acc: A) -> dict[str, Any]:
        """What stands in a message beside its content."""
        del acc
        return {}

    async def token(self, acc: A, kit: Kit, name: str, previous: Token | None) -> Token:
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
            answer = await call(kit, f"{acc.api}/cgi-bin/stable_token", json=wanted, token="")
        except FaultError as error:
            if isinstance(error.fault, Rejected):
                raise FaultError(Pause(error.fault.reason), error.answer) from None
            raise
        got = read(answer, _Token)
        return Token(value=got.access_token, life_s=max(1, got.expires_in))

    async def put_media(self, media: OutMedia, kind: str, acc: A, kit: Kit) -> str:
        """Uploads a file of one of our kinds, or of WeChat's; the id is good for three days."""
        theirs = self.uploads[kind][0] if kind in self.uploads else kind
        # Its name is shown nowhere, and WeChat refuses some: only the ending counts.
        named = f"{theirs}.{ENDINGS.get(media.mime, 'dat')}"
        form = {"media": Upload(named, media.mime, media.content)}
        answer = await call(kit, f"{acc.api}/cgi-bin/media/upload", form=form, query={"type": theirs})
        got = read(answer, _Uploaded)
        if not (media_id := got.media_id or got.thumb_media_id):
            raise FaultError(Retry(), "no media_id")
        return media_id

    async def get_media(self, media: Media, acc: A, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file; a video may be told as an address."""
        url, query = f"{acc.api}/cgi-bin/media/get", {"media_id": media.ref}
        answer = await call(kit, url, method="GET", query=query, most_bytes=MOST_MEDIA_BYTES)
        if not faults.is_file(answer.headers):
            address = str(answer.json().get("video_url", ""))
            if not address.startswith(("http://", "https://")):
                raise FaultError(Retry(), "neither a file nor an address of one")
            answer = await at_its_address(kit, address)
        named = _FILENAME.search(answer.headers.get("content-disposition", ""))
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        return answer.body, mime or media.mime, named[1] if named else media.name

    async def typing(self, peer: Peer, acc: A, kit: Kit, *, is_typing: bool) -> None:
        """Shows 对方正在输入 for 15 s; WeChat does so within 30 s of an exchange."""
        body = {"touser": peer.id, "command": "Typing" if is_typing else "CancelTyping"}
        await call(kit, f"{acc.api}{self.typing_at}", json=body)

    async def check(self, acc: A, kit: Kit) -> list[Check]:
        """Are the credentials good?"""
        del acc
        try:
            await kit.token()
        except FaultError as error:
            return [Check("credentials", words(error))]
        return [Check("credentials", "")]


async def call(kit: Kit, url: str, **request: Any) -> Answer:
    """`kit.call`; what waits for the next day's quota is told how long."""
    try:
        return await kit.call(url, **request)
    except FaultError as error:
        if error.fault == faults.QUOTA:
            wait = Retry(after_s=faults.until_midnight(kit.now()), account=True)
            raise FaultError(wait, error.answer) from None
        raise


async def at_its_address(kit: Kit, address: str) -> Answer:
    """A video whose address was told. Raises FaultError."""
    try:
        return await call(kit, address, method="GET", token="", most_bytes=MOST_MEDIA_BYTES)
    except FaultError as error:
        if isinstance(error.fault, Pause):
            # What an old address answers says nothing of the account.
            raise FaultError(Rejected("WeChat no longer has the video at its address."), error.answer) from None
        raise


def read(answer: Answer, wanted: type[S]) -> S:
    """An answer as `wanted`. Raises FaultError where it is something else."""
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, RecursionError):
        raise FaultError(Retry(), "an answer of another form") from None


def words(error: FaultError) -> str:
    """Why a call failed, for who examines an account."""
    fault = error.fault
    return fault.reason if isinstance(fault, Pause | Rejected) else error.answer or "WeChat doesn't answer."
