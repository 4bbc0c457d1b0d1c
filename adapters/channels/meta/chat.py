"""The Messenger Platform's Send API, for Messenger and Instagram alike."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Protocol

import msgspec
from msgspec import Struct

from adapters.channels.meta import callbacks, events, faults, graph
from adapters.channels.meta.graph import bearer, read
from backbone.channel import (
    Answer,
    Check,
    Event,
    Fault,
    FaultError,
    Kit,
    Media,
    MediaGone,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rate,
    Rejected,
    Reply,
    Request,
    Retry,
    Sent,
    Upload,
    Window,
)

MB: Final = 1024 * 1024
DAY_S: Final = 86_400
MOST_IN_BYTES: Final = 100 * MB
LIFE_OF_UPLOADS_S: Final = 90 * DAY_S
HUMAN_AGENT_S: Final = 7 * DAY_S
WINDOWS: Final = (
    Window(by="message", seconds=DAY_S),
    Window(by="menu", seconds=DAY_S),
    Window(by="message", seconds=HUMAN_AGENT_S, setting="human_agent"),
)
"""The last where Meta has approved Human Agent."""

PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif"})
VIDEOS: Final = frozenset({"video/mp4", "video/quicktime", "video/webm", "video/ogg", "video/x-msvideo"})
SIZES: Final = {"image": 8 * MB, "audio": 25 * MB, "video": 25 * MB, "file": 25 * MB}
OF_MEDIA: Final = Rate(n=10, seconds=1, kinds=frozenset({"audio", "video"}))
PHRASES: Final = {
    "time": "The customer's last message is over 24 hours ago, or over 7 days where people may answer so long.",
}

NO_FILE: Final = frozenset({403, 404, 410})
"""What the servers of customers' files answer, in plain words, once an address is over."""

OUR_KEY: Final = re.compile(r"[0-9a-f]{32}")


class Settings(Protocol):
    """What the settings of an account of either channel have."""

    @property
    def access_token(self) -> str:
        """Of the page, or of the account itself."""

    @property
    def app_secret(self) -> str:
        """By which callbacks are signed."""

    @property
    def verify_token(self) -> str:
        """By which the address is checked."""

    @property
    def app_id(self) -> str:
        """Empty where it isn't known, or others send by the app, too."""

    @property
    def human_agent(self) -> bool:
        """Whether people may answer for 7 days."""

    @property
    def version(self) -> str:
        """Of the Graph API."""

    @property
    def api(self) -> str:
        """Its address."""


class _Taken(Struct):
    message_id: str = ""


class _Uploaded(Struct):
    attachment_id: str


class Chat(ABC):
    """What both channels do alike. `product`: the platform's name for people; `kind`: the `object` of its callbacks."""

    product: ClassVar[str]
    kind: ClassVar[str]
    fields: ClassVar[str]
    """Of a customer's profile."""

    upload_more: ClassVar[Mapping[str, str]] = {}
    """What an upload says beside its file."""

    @abstractmethod
    def account_id(self, acc: Any) -> str:
        """The account's id at Meta, which callbacks name."""

    @abstractmethod
    def node(self, acc: Any) -> str:
        """To what messages are posted."""

    @abstractmethod
    def answering(self, out: Out) -> dict[str, Any]:
        """How a message within 24 hours is sent, beside what it says."""

    @abstractmethod
    def named(self, body: bytes) -> str:
        """A customer's name in the answer for their profile; empty for none. Raises msgspec.DecodeError."""

    def verify(self, req: Request, acc: Settings) -> Reply | None:
        """See `backbone.channel.Channel.verify`."""
        return callbacks.verify(req, acc.app_secret, acc.verify_token)

    def parse(self, req: Request, acc: Settings) -> list[Event]:
        """See `backbone.channel.Channel.parse`."""
        return events.parse(req, self.kind, events.Whose(self.account_id(acc), acc.app_id))

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
        """None if all is well. Plain words in Graph's place are of the servers of customers' files."""
        if status in NO_FILE and headers.get("content-type", "").startswith("text/plain"):
            return MediaGone()
        return graph.classify(status, body, headers, faults.known, self.product)

    async def send(self, out: Out, acc: Settings, kit: Kit) -> Sent:
        """Hands one part over. No message is known twice."""
        how = self.answering(out)
        if acc.human_agent and not out.automatic and _is_late(out.context, kit.now()):
            how = {**how, "messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        message = {**await self._content(out, kit), **how.pop("message", {})}
        quoted = {"reply_to": {"mid": out.reply_to}} if out.reply_to and not OUR_KEY.fullmatch(out.reply_to) else {}
        body = {"recipient": {"id": out.peer.id}, **how, "message": message, **quoted}
        return Sent(read(await self._post(kit, acc, "messages", json=body), _Taken).message_id)

    async def _content(self, out: Out, kit: Kit) -> dict[str, Any]:
        if out.media is None:
            return {"text": out.text}
        payload = {"attachment_id": await kit.upload(out.media, out.kind)}
        return {"attachment": {"type": out.kind, "payload": payload}}

    async def put_media(self, media: OutMedia, kind: str, acc: Settings, kit: Kit) -> str:
        """Uploads a file; the id is good for 90 days."""
        message = {"attachment": {"type": kind, "payload": {"is_reusable": True}}}
        form: dict[str, str | Upload] = {
            **self.upload_more,
            "message": msgspec.json.encode(message).decode(),
            "filedata": Upload(media.name, media.mime, media.content),
        }
        return read(await self._post(kit, acc, "message_attachments", form=form), _Uploaded).attachment_id

    async def get_media(self, media: Media, acc: Settings, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file, from the address that came with it: without the token."""
        if not media.ref.startswith("https://") and not media.ref.startswith(f"{acc.api}/"):
            raise FaultError(Rejected("Meta names an address that isn't one of a file."))
        answer = await kit.call(media.ref, method="GET", token="", most_bytes=MOST_IN_BYTES)
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        if mime == "text/html":
            raise FaultError(Rejected("There is a page, no file, at the address that Meta names."))
        return answer.body, media.mime or mime, media.name

    async def typing(self, peer: Peer, acc: Settings, kit: Kit, *, is_typing: bool) -> None:
        """Shows the customer that an agent types, for 20 seconds at most."""
        await self._act(peer, acc, kit, "typing_on" if is_typing else "typing_off")

    async def mark_read(self, ref: str, peer: Peer, acc: Settings, kit: Kit) -> None:
        """Shows the customer that all they wrote was seen."""
        del ref
        await self._act(peer, acc, kit, "mark_seen")

    async def profile(self, peer: Peer, acc: Settings, kit: Kit) -> Peer:
        """The customer's name, where they let the account know it."""
        answer = await self._get(kit, acc, peer.id, self.fields)
        try:
            return Peer(peer.id, self.named(answer.body))
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise FaultError(Retry(), answer.body[:200].decode(errors="replace")) from None

    async def check(self, acc: Settings, kit: Kit) -> list[Check]:
        """Are the token and the account's id good?"""
        try:
            await self._get(kit, acc, self.account_id(acc), "id")
        except FaultError as error:
            fault = error.fault
            return [Check("account", fault.reason if isinstance(fault, Pause | Rejected) else "Meta doesn't answer.")]
        return [Check("account", "")]

    async def _act(self, peer: Peer, acc: Settings, kit: Kit, action: str) -> None:
        await self._post(kit, acc, "messages", json={"recipient": {"id": peer.id}, "sender_action": action})

    async def _post(self, kit: Kit, acc: Settings, edge: str, **request: Any) -> Answer:
        address = f"{acc.api}/{acc.version}/{self.node(acc)}/{edge}"
        return await kit.call(address, headers=bearer(acc.access_token), **request)

    async def _get(self, kit: Kit, acc: Settings, node: str, fields: str) -> Answer:
        address = f"{acc.api}/{acc.version}/{node}"
        return await kit.call(address, method="GET", query={"fields": fields}, headers=bearer(acc.access_token))


def _is_late(context: Mapping[str, str], now: float) -> bool:
    """Whether the customer's last message is over 24 hours old."""
    said = context.get("at", "")
    return said.isdigit() and now - int(said) / 1000 >= DAY_S
