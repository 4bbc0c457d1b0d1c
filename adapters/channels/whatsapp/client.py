"""WhatsApp: what is sent to the Cloud API and fetched from it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from msgspec import Struct

from adapters.channels.meta.graph import bearer, read
from adapters.channels.whatsapp import content, faults, protocol, settings, templates
from backbone.channel import (
    Answer,
    Caps,
    Check,
    FaultError,
    Kit,
    MalformedError,
    Media,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rate,
    Rejected,
    Retry,
    Sent,
    Template,
    Upload,
    Window,
)

MB: Final = 1024 * 1024
DAY_S: Final = 86_400
MOST_IN_BYTES: Final = 100 * MB
TEMPLATES_A_PAGE: Final = 200
TEMPLATE_PAGES: Final = 10
NO_BUSINESS: Final = "The account lacks its WhatsApp Business Account ID: an admin enters it under Channels."

TYPES: Final = {
    "image": ("image", frozenset({"image/jpeg", "image/png"})),
    "audio": (
        "audio",
        frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
    ),
    "video": ("video", frozenset({"video/mp4", "video/3gpp"})),
    "file": (
        "document",
        frozenset(
            {
                "text/plain",
                "application/pdf",
                "application/msword",
                "application/vnd.ms-excel",
                "application/vnd.ms-powerpoint",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "image/jpeg",
                "image/png",
                "audio/aac",
                "audio/amr",
                "audio/mpeg",
                "audio/mp4",
                "audio/ogg",
                "video/mp4",
                "video/3gpp",
            }
        ),
    ),
}
"""By our kind: WhatsApp's name of it, and the types that it takes."""


class _Id(Struct):
    id: str


class _Taken(Struct):
    messages: list[_Id]


class _Found(Struct):
    url: str
    mime_type: str = ""


class WhatsApp:
    """The channel `whatsapp`: one number an inbox."""

    name: ClassVar[str] = "whatsapp"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", *TYPES}),
        text=(4096, "chars"),
        caption=True,
        media_types={kind: types for kind, (_, types) in TYPES.items()},
        media_bytes={"image": 5 * MB, "audio": 16 * MB, "video": 16 * MB, "file": 100 * MB},
        windows=(Window(by="message", seconds=DAY_S, template_after=True),),
        rates=(Rate(n=80, seconds=1), Rate(n=10, seconds=60, per="peer")),
        receipts=frozenset({"delivered", "read"}),
        echoes=True,
        media_life_s=30 * DAY_S,
        timeout_s=60,
        phrases=faults.PHRASES,
        data=content.DATA,
    )

    verify = staticmethod(protocol.verify)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Hands one part over. WhatsApp knows no message twice, but its statuses name ours."""
        to = protocol.addressed(out.peer.id, out.key, out.reply_to)
        answer = await _call(kit, acc, "messages", json={**to, **await self._content(out, kit)})
        taken = read(answer, _Taken).messages
        return Sent(taken[0].id if taken else "", "accepted")

    async def _content(self, out: Out, kit: Kit) -> dict[str, Any]:
        file = await self._file(out.media, out.kind, kit) if out.media else None
        if out.template:
            try:
                return templates.content(out.template, file)
            except MalformedError as error:
                raise FaultError(Rejected(str(error))) from None
        if file is None:
            return {"type": "text", "text": {"body": out.text, "preview_url": False}}
        if out.text and out.kind != "audio":
            file[file["type"]]["caption"] = out.text
        return file

    async def _file(self, media: OutMedia, kind: str, kit: Kit) -> dict[str, Any]:
        theirs = TYPES[kind][0]
        content = {"id": await kit.upload(media, kind)}
        if theirs == "document":
            content["filename"] = media.name
        return {"type": theirs, theirs: content}

    async def put_media(self, media: OutMedia, kind: str, acc: settings.Account, kit: Kit) -> str:
        """Uploads a file; the id is good for thirty days."""
        del kind
        form: dict[str, str | Upload] = {
            "messaging_product": "whatsapp",
            "type": media.mime,
            "file": Upload(media.name, media.mime, media.content),
        }
        return read(await _call(kit, acc, "media", form=form), _Id).id

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file, for seven days. The address it is at lives five minutes."""
        try:
            told = await kit.call(
                f"{acc.api}/{acc.version}/{media.ref}",
                method="GET",
                query={"phone_number_id": acc.phone_number_id},
                headers=bearer(acc.access_token),
            )
        except FaultError as error:
            if error.fault == faults.NO_OBJECT_FAULT:
                # What isn't there is this file: the number is found out by the next message that is sent.
                raise FaultError(Rejected("WhatsApp no longer has the file."), error.answer) from None
            raise
        found = read(told, _Found)
        # The token goes along, so to Meta's own servers alone; a simulator's are as plain as its API.
        if not found.url.startswith("https://") and not found.url.startswith(f"{acc.api}/"):
            raise FaultError(Retry(), "the address of a file isn't one")
        answer = await kit.call(found.url, method="GET", headers=bearer(acc.access_token), most_bytes=MOST_IN_BYTES)
        return answer.body, media.mime or found.mime_type, media.name

    async def mark_read(self, ref: str, peer: Peer, acc: settings.Account, kit: Kit) -> None:
        """Shows the customer two blue ticks, for this message and those before it."""
        del peer
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": ref}
        await _call(kit, acc, "messages", json=body)

    async def templates(self, acc: settings.Account, kit: Kit) -> list[Template]:
        """The approved ones that want no more than words and a file, by name. Raises FaultError."""
        if not acc.business_id:
            raise FaultError(Rejected(NO_BUSINESS))
        found: list[Template] = []
        query = {"fields": templates.FIELDS, "status": "APPROVED", "limit": str(TEMPLATES_A_PAGE)}
        for _ in range(TEMPLATE_PAGES):
            answer = await kit.call(
                f"{acc.api}/{acc.version}/{acc.business_id}/message_templates",
                method="GET",
                query=query,
                headers=bearer(acc.access_token),
            )
            try:
                page, after = templates.read(answer.body)
            except MalformedError as error:
                raise FaultError(Retry(), str(error)) from None
            found += page
            if not after:
                break
            query = {**query, "after": after}
        return sorted(found, key=lambda one: (one.name, one.language))

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Are the token and the number good?"""
        try:
            await kit.call(
                f"{acc.api}/{acc.version}/{acc.phone_number_id}",
                method="GET",
                query={"fields": "display_phone_number,verified_name,quality_rating"},
                headers=bearer(acc.access_token),
            )
        except FaultError as error:
            fault = error.fault
            return [Check("number", fault.reason if isinstance(fault, Pause | Rejected) else "Meta doesn't answer.")]
        return [Check("number", "")]


async def _call(kit: Kit, acc: settings.Account, edge: str, **request: Any) -> Answer:
    return await kit.call(
        f"{acc.api}/{acc.version}/{acc.phone_number_id}/{edge}", headers=bearer(acc.access_token), **request
    )
