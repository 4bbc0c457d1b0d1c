"""Messages of ours as LINE takes them: pure. Files go as addresses, which customers' apps fetch."""

from __future__ import annotations

from typing import Any, Final

from adapters.channels.line.duration import duration_ms
from adapters.channels.line.protocol import ref_of
from backbone.channel import Out, OutMedia

MB: Final = 1024 * 1024
ADDRESS_CHARACTERS: Final = 2000

TYPES: Final = {
    "image": frozenset({"image/jpeg", "image/png"}),
    "video": frozenset({"video/mp4"}),
    "audio": frozenset({"audio/mp4", "audio/x-m4a", "audio/m4a"}),
}
"""By kind; another type goes out as a link."""

MEDIA_BYTES: Final = {"image": 10 * MB, "video": 200 * MB, "audio": 200 * MB}


def message(out: Out, preview: str) -> dict[str, Any]:
    """The message, or a text with the link of its file where LINE can't show it. `preview`: that of videos."""
    if out.media is None:
        quoted = ref_of(out.reply_to).quote
        return {"type": "text", "text": out.text, **({"quoteToken": quoted} if quoted else {})}
    return _shown(out.kind, out.media, preview) or {"type": "text", "text": f"{out.media.name}\n{out.media.link}"}


def _shown(kind: str, media: OutMedia, preview: str) -> dict[str, Any] | None:
    if not media.link.startswith("https://") or len(media.link) > ADDRESS_CHARACTERS:
        return None
    content = {"type": kind, "originalContentUrl": media.link}
    if kind == "audio":
        length = duration_ms(media.content)
        return {**content, "duration": length} if length else None
    before = media.preview if kind == "image" else preview
    return {**content, "previewImageUrl": before} if before else None


def without_quote(said: dict[str, Any]) -> dict[str, Any]:
    """The same, in answer to nothing."""
    return {name: value for name, value in said.items() if name != "quoteToken"}
