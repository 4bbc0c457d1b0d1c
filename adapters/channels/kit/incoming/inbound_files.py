"""Files that came with a message, or that its provider holds, as attachments."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from adapters.channels.kit.shared import Room
from backbone import events as ev
from backbone.accounts.accounts import Account
from backbone.channel import Media, Message
from backbone.errors import TrunklineError


class InboundFiles:
    """Stores them, for all accounts of one channel."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def of(self, account: Account, message: Message) -> list[ev.Attachment]:
        """A message's files, and what it was where its kind isn't known."""
        found = await self.stored(account, message.media)
        if message.kind == "unsupported" and message.raw:
            raw = message.raw[: self._room.settings.file_bytes]
            found.append(await self._saved(account, raw, "original.xml" if raw.startswith(b"<") else "original.json"))
        return found

    async def stored(self, account: Account, media: Sequence[Media]) -> list[ev.Attachment]:
        """Files that came along, stored; for those that the provider holds places are kept."""
        return [await self._attachment(account, each) for each in media]

    async def html(self, account: Account, message: Message) -> str:
        """The file of a mail's safe HTML; empty if it has none."""
        return (await self._saved(account, message.html.encode(), "mail.html")).file if message.html else ""

    async def _attachment(self, account: Account, media: Media) -> ev.Attachment:
        if media.content:
            try:
                saved = await self._saved(account, media.content, media.name or media.kind)
            except TrunklineError as refused:
                if refused.status >= 500:
                    raise
                return ev.Attachment(
                    file="", name=f"{media.name or media.kind} ({refused.message})", mime=media.mime, bytes=0
                )
            return structs.replace(saved, cid=media.cid, fingerprint=media.fingerprint)
        mime = media.mime or {"image": "image/*", "audio": "audio/*", "video": "video/*"}.get(media.kind, "")
        return ev.Attachment(
            file="",
            name=media.name or media.kind,
            mime=mime,
            bytes=media.size,
            ref=media.ref,
            fingerprint=media.fingerprint,
        )

    async def _saved(self, account: Account, content: bytes, name: str) -> ev.Attachment:
        return await self._room.files.save(account.tenant, f"channel:{account.id}", content, name)
