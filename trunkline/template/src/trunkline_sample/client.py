"""The channel: its calls to the platform. Retries, waiting, order and storage are the kit's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from backbone import channel as c
from trunkline_sample import protocol
from trunkline_sample.protocol import Account as Settings


class Sample:
    """The channel `sample`."""

    name: ClassVar[str] = "sample"
    caps: ClassVar[c.Caps] = protocol.CAPS
    Account: ClassVar[type[Struct]] = Settings

    def verify(self, req: c.Request, acc: Settings) -> c.Reply | None:
        """None if the callback is the platform's; a Reply where it is a check of the address."""
        protocol.verify(req, acc)
        return None

    def parse(self, req: c.Request, acc: Settings) -> list[c.Event]:
        """What a verified callback holds."""
        del acc
        return protocol.parse(req.body)

    async def send(self, out: c.Out, acc: Settings, kit: c.Kit) -> c.Sent:
        """Hands one part to the platform, which takes the same key once."""
        said = {"to": out.peer.id, "text": out.text, "key": out.key}
        answer = await kit.call(f"{acc.api}/messages", json=said, headers=_by(acc))
        return c.Sent(str(answer.json().get("id", "")))

    async def get_media(self, media: c.Media, acc: Settings, kit: c.Kit) -> tuple[bytes, str, str]:
        """A file that a customer sent."""
        most = 35 * 1024 * 1024
        answer = await kit.call(f"{acc.api}/files/{media.ref}", method="GET", headers=_by(acc), most_bytes=most)
        return answer.body, answer.headers.get("content-type", media.mime), media.name

    def classify(self, status: int, body: bytes, headers: Mapping[str, str]) -> c.Fault | None:
        """What an answer means."""
        return protocol.classify(status, body, headers)


def _by(acc: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {acc.token}"}
