"""Cuts a message of ours into parts that its channel takes: pure. What it doesn't take goes out as a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from adapters.channels.kit.outgoing.split import size, split
from backbone import events as ev
from backbone.channel import Caps, Kind, Rejected

_OF_TEMPLATE: Final[Mapping[str, Kind]] = {"image": "image", "video": "video", "file": "file"}
_BY_MIME: Final[Mapping[str, Kind]] = {"image": "image", "audio": "audio", "video": "video"}


class Part(Struct, frozen=True):
    """One call's worth: its kind, its text, and the files that go with it."""

    kind: Kind
    text: str = ""
    files: tuple[ev.Attachment, ...] = ()


LinkOf = Callable[[ev.Attachment], str]
"""Makes the address at which a customer may fetch a file; empty where none can be made."""


def plan(caps: Caps, event: ev.MessageAdded, link: LinkOf) -> list[Part] | Rejected:
    """The parts of a message, in order, or why it can't be sent at all."""
    files = [a for a in event.attachments if a.file]
    if event.parts:
        return [Part(_OF_TEMPLATE.get(event.parts[0].get("file", ""), "text"), event.text, tuple(files[:1]))]
    if caps.together:
        return [Part("email" if "email" in caps.kinds else "text", event.text, tuple(files))]
    parts: list[Part] = []
    text = event.text
    for file in files:
        kind = kind_of(caps, file)
        if kind is not None:
            can_caption = caps.caption and kind != "audio" and size(text, caps.text[1]) <= caps.text[0] // 4
            parts.append(Part(kind, text if can_caption else "", (file,)))
            text = "" if can_caption else text
        elif "text" in caps.kinds and (address := link(file)):
            parts.append(Part("text", f"{file.name}\n{address}"))
        else:
            return Rejected(f"this channel takes no file such as {file.name}, and there is no address to link to it")
    words = [Part("text", piece) for piece in split(text, *caps.text)] if text else []
    if words and "text" not in caps.kinds:
        return Rejected("this channel takes no text")
    return [*words, *parts] or Rejected("the message is empty")


def kind_of(caps: Caps, file: ev.Attachment) -> Kind | None:
    """As what a channel takes a file: as what it is, else as a plain file; None if not at all."""
    wanted: Sequence[Kind] = (_BY_MIME.get(file.mime.split("/", 1)[0], "file"), "file")
    return next((kind for kind in wanted if kind in caps.kinds and _fits(caps, kind, file)), None)


def _fits(caps: Caps, kind: str, file: ev.Attachment) -> bool:
    mime = file.mime.partition(";")[0].strip().lower()
    return file.bytes <= caps.media_bytes.get(kind, file.bytes) and mime in caps.media_types.get(kind, {mime})
