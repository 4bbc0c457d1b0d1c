"""Telegram: what is sent to the Bot API and fetched from it."""

from __future__ import annotations

import mimetypes
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from adapters.channels.telegram import content, faults, protocol, settings
from backbone.channel import (
    Answer,
    Caps,
    Check,
    Event,
    FaultError,
    Kit,
    MalformedError,
    Media,
    Out,
    OutMedia,
    Page,
    Pause,
    Peer,
    Rate,
    Rejected,
    Retry,
    Sent,
    Upload,
)

MB: Final = 1024 * 1024
MOST_IN_BYTES: Final = 20 * MB
LONG_POLL_S: Final = 25
PAGE: Final = 100
PAGE_BYTES: Final = 8 * MB

_METHODS: Final = {
    "image": {
        "image/jpeg": ("sendPhoto", "photo"),
        "image/png": ("sendPhoto", "photo"),
        "image/webp": ("sendPhoto", "photo"),
        "image/gif": ("sendAnimation", "animation"),
    },
    "video": {"video/mp4": ("sendVideo", "video")},
    "audio": {
        "audio/ogg": ("sendVoice", "voice"),
        "audio/mpeg": ("sendAudio", "audio"),
        "audio/mp4": ("sendAudio", "audio"),
    },
}
"""By kind and type; any other file is a document."""

_DOCUMENT: Final = ("sendDocument", "document")

S = TypeVar("S", bound=Struct)


class _Id(Struct):
    message_id: int


class _Taken(Struct):
    result: _Id


class _Updates(Struct):
    result: list[Raw]


class _Path(Struct):
    file_path: str = ""


class _Found(Struct):
    result: _Path


class _Hook(Struct):
    url: str = ""
    max_connections: int = 40
    last_error_message: str = ""
    pending_update_count: int = 0


class _HookInfo(Struct):
    result: _Hook


class Telegram:
    """The channel `telegram`: one bot an inbox, by webhook or by asking."""

    name: ClassVar[str] = "telegram"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "file", "audio", "video"}),
        text=(4096, "utf16"),
        caption=True,
        media_types={kind: frozenset(methods) for kind, methods in _METHODS.items()},
        media_bytes={"image": 10 * MB, "file": 50 * MB, "audio": 50 * MB, "video": 50 * MB},
        rates=(Rate(n=1, seconds=1, per="peer"), Rate(n=30, seconds=1)),
        quotes=True,
        recalls=True,
        recall_s=48 * 3600,
        edits=True,
        data=content.DATA,
        poll_s=1,
        streams=(),
        timeout_s=60,
    )

    verify = staticmethod(protocol.verify)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    def streams(self, acc: settings.Account) -> tuple[str, ...]:
        """A bot with a webhook isn't asked for anything."""
        return ("main",) if acc.updates == "poll" else ()

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Hands one part over. Telegram knows no message twice."""
        to = protocol.addressed(out.peer.id, out.reply_to, out.thread)
        if out.media is None:
            return _sent(out, await kit.call(_url(acc, "sendMessage"), json={**to, "text": out.text}))
        method = _METHODS.get(out.kind, {}).get(out.media.mime, _DOCUMENT)
        try:
            return _sent(out, await _post(kit, acc, method, to, out.text, out.media))
        except FaultError as error:
            is_photo_refused = isinstance(error.fault, Rejected) and any(
                word in error.fault.reason for word in faults.PHOTO_REFUSED
            )
            if not is_photo_refused:
                raise
        return _sent(out, await _post(kit, acc, _DOCUMENT, to, out.text, out.media))

    async def recall(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Deletes a message of ours, within 48 hours."""
        body = {"chat_id": out.peer.id, "message_id": protocol.number_of(ref)}
        await kit.call(_url(acc, "deleteMessage"), json=body)

    async def edit(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Changes the text, or the caption, of a message of ours."""
        body = {"chat_id": out.peer.id, "message_id": protocol.number_of(ref)}
        try:
            await kit.call(_url(acc, "editMessageText"), json={**body, "text": out.text})
        except FaultError as error:
            if not isinstance(error.fault, Rejected) or faults.NO_TEXT not in error.fault.reason:
                raise
            await kit.call(_url(acc, "editMessageCaption"), json={**body, "caption": out.text})

    async def typing(self, peer: Peer, acc: settings.Account, kit: Kit, *, is_typing: bool) -> None:
        """Shows "typing" for 5 s; there is no way to end it sooner."""
        if is_typing:
            await kit.call(_url(acc, "sendChatAction"), json={"chat_id": peer.id, "action": "typing"})

    async def fetch(self, acc: settings.Account, stream: str, cursor: str, hint: str, kit: Kit) -> Page:
        """Waits up to 25 s for updates. `cursor` is the next number: asking for it confirms those before."""
        del stream, hint
        asked = {
            "offset": protocol.number_of(cursor),
            "limit": PAGE,
            "timeout": LONG_POLL_S,
            "allowed_updates": protocol.WANTED,
        }
        answer = await kit.call(_url(acc, "getUpdates"), json=asked, most_bytes=PAGE_BYTES, timeout_s=LONG_POLL_S + 15)
        events: list[Event] = []
        for raw in _read(answer, _Updates).result:
            try:
                number, event = protocol.event_of_page(bytes(raw))
            except MalformedError as error:
                raise FaultError(Retry(), f"an update without a number: {error}") from None
            cursor = str(number + 1)
            events.append(event)
        return Page(events=events, cursor=cursor, more=bool(events))

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file, of up to 20 MB."""
        if media.size > MOST_IN_BYTES:
            raise FaultError(Rejected(faults.REASONS["file is too big"]))
        found = _read(await kit.call(_url(acc, "getFile"), json={"file_id": media.ref}), _Found).result
        if not found.file_path:
            raise FaultError(Rejected("Telegram gives no address for this file."))
        answer = await kit.call(
            f"{acc.api}/file/bot{acc.token}/{quote(found.file_path)}", method="GET", most_bytes=MOST_IN_BYTES
        )
        mime = media.mime or mimetypes.guess_type(found.file_path)[0] or "application/octet-stream"
        return answer.body, mime, media.name or found.file_path.rpartition("/")[2]

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Is the token good, and does the webhook fit what was chosen?"""
        try:
            await kit.call(_url(acc, "getMe"), json={})
            hook = _read(await kit.call(_url(acc, "getWebhookInfo"), json={}), _HookInfo).result
        except FaultError as error:
            fault = error.fault
            return [Check("token", fault.reason if isinstance(fault, Pause | Rejected) else "Telegram doesn't answer.")]
        return [Check("token", ""), Check("webhook", _hook_problem(acc, hook))]


def _hook_problem(acc: settings.Account, hook: _Hook) -> str:
    if acc.updates == "poll":
        return "The bot has a webhook, so nothing can be fetched: call deleteWebhook." if hook.url else ""
    if not hook.url:
        return "Telegram doesn't know where to call: call setWebhook with this inbox's address and the secret."
    if not acc.secret:
        return "There is no secret: every callback is refused. Enter the secret_token of setWebhook."
    if hook.max_connections != 1:
        return "Call setWebhook with max_connections=1, or messages may come out of order."
    return f"Telegram's last callback failed: {hook.last_error_message}" if hook.last_error_message else ""


def _url(acc: settings.Account, method: str) -> str:
    return f"{acc.api}/bot{acc.token}/{method}"


async def _post(  # noqa: PLR0917 - a form of six parts
    kit: Kit, acc: settings.Account, method: tuple[str, str], to: dict[str, Any], caption: str, media: OutMedia
) -> Answer:
    form: dict[str, str | Upload] = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in to.items()
    }
    if caption:
        form["caption"] = caption
    form[method[1]] = Upload(media.name, media.mime, media.content)
    return await kit.call(_url(acc, method[0]), form=form)


def _sent(out: Out, answer: Answer) -> Sent:
    return Sent(protocol.ref_of(out.peer.id, _read(answer, _Taken).result.message_id))


def _read(answer: Answer, wanted: type[S]) -> S:
    try:
        return msgspec.json.decode(answer.body, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise FaultError(Retry(), answer.body[:200].decode(errors="replace")) from None
