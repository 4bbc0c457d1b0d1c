"""Instagram: one professional account an inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from adapters.channels.instagram import settings
from adapters.channels.meta import content
from adapters.channels.meta.chat import LIFE_OF_UPLOADS_S, OF_MEDIA, PHRASES, PICTURES, SIZES, VIDEOS, WINDOWS, Chat
from backbone.channel import Caps, Out, Rate


class _Person(Struct):
    name: str = ""
    username: str = ""


class Instagram(Chat):
    """The channel `instagram`."""

    name: ClassVar[str] = "instagram"
    Account: ClassVar[type[Struct]] = settings.Account
    product: ClassVar[str] = "Instagram"
    kind: ClassVar[str] = "instagram"
    fields: ClassVar[str] = "name,username"
    upload_more: ClassVar[Mapping[str, str]] = {"platform": "instagram"}
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "audio", "video", "file"}),
        text=(1000, "bytes"),
        media_types={
            "image": PICTURES,
            "audio": frozenset({"audio/aac", "audio/mp4", "audio/x-m4a", "audio/wav", "audio/x-wav"}),
            "video": VIDEOS,
            "file": frozenset({"application/pdf"}),
        },
        media_bytes=SIZES,
        windows=WINDOWS,
        rates=(Rate(n=100, seconds=1), OF_MEDIA),
        receipts=frozenset({"read"}),
        echoes=True,
        media_life_s=LIFE_OF_UPLOADS_S,
        timeout_s=60,
        phrases=PHRASES,
        data=content.DATA,
    )

    def account_id(self, acc: settings.Account) -> str:
        """The professional account."""
        return acc.ig_id

    def node(self, acc: settings.Account) -> str:
        """Whoever the token is of: the linked page, or the account itself."""
        del acc
        return "me"

    def answering(self, out: Out) -> dict[str, Any]:
        """Nothing: Instagram asks for no type, and an echo brings nothing of ours."""
        del out
        return {}

    def named(self, body: bytes) -> str:
        """The name, or how they call themselves."""
        person = msgspec.json.decode(body, type=_Person)
        return person.name or person.username
