"""Facebook Messenger: one page an inbox."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from adapters.channels.messenger import settings
from adapters.channels.meta import content
from adapters.channels.meta.chat import LIFE_OF_UPLOADS_S, OF_MEDIA, PHRASES, PICTURES, SIZES, VIDEOS, WINDOWS, Chat
from backbone.channel import Caps, Out, Rate


class _Person(Struct):
    first_name: str = ""
    last_name: str = ""


class Messenger(Chat):
    """The channel `messenger`."""

    name: ClassVar[str] = "messenger"
    Account: ClassVar[type[Struct]] = settings.Account
    product: ClassVar[str] = "Messenger"
    kind: ClassVar[str] = "page"
    fields: ClassVar[str] = "first_name,last_name"
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "audio", "video", "file"}),
        text=(2000, "utf16"),
        media_types={
            "image": PICTURES,
            "audio": frozenset({"audio/mpeg", "audio/mp4", "audio/aac", "audio/wav", "audio/x-wav"}),
            "video": VIDEOS,
        },
        media_bytes=SIZES,
        windows=WINDOWS,
        rates=(Rate(n=300, seconds=1), OF_MEDIA),
        receipts=frozenset({"delivered", "read"}),
        echoes=True,
        media_life_s=LIFE_OF_UPLOADS_S,
        timeout_s=60,
        phrases=PHRASES,
        data=content.DATA,
    )

    def account_id(self, acc: settings.Account) -> str:
        """The page."""
        return acc.page_id

    def node(self, acc: settings.Account) -> str:
        """The page."""
        return acc.page_id

    def answering(self, out: Out) -> dict[str, Any]:
        """Our key comes back with the echo, which settles a message whose answer was lost."""
        return {"messaging_type": "RESPONSE", "message": {"metadata": out.key}}

    def named(self, body: bytes) -> str:
        """First and last name."""
        person = msgspec.json.decode(body, type=_Person)
        return f"{person.first_name} {person.last_name}".strip()
