"""What is to be read in a mail, and what are its files: pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import charset, headers
from adapters.channels.email.mime import Part, opened
from adapters.channels.email.reading import html, plain, tnef
from adapters.channels.email.reading.flowed import unflow
from backbone.channel import Media

MOST_NAME_CHARS: Final = 150
MOST_TEXT_CHARS: Final = 200_000
"""Of the text of a message; a longer one is a file as well."""

_ALTERNATIVES: Final = frozenset({"text/plain", "text/html"})
_WITHOUT_USE: Final = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext", "text/rtf"})
_TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/heic": "heic",
    "text/plain": "txt",
    "text/html": "html",
    "text/csv": "csv",
    "text/calendar": "ics",
    "text/x-vcard": "vcf",
    "text/vcard": "vcf",
    "message/rfc822": "eml",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "text/rfc822-headers": "txt",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "application/ms-tnef": "dat",
    "audio/mpeg": "mp3",
    "audio/amr": "amr",
    "video/mp4": "mp4",
}
_UNFIT: Final = re.compile('[\x00-\x1f\x7f<>:"|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069]+')
"""In the name of a file: what no system takes, and what turns `exe.gpj` around."""

_SEALED: Final = {
    "multipart/encrypted": "This mail is encrypted with PGP and can't be shown.",
    "application/pkcs7-mime": "This mail is sealed with S/MIME and can't be shown.",
    "application/x-pkcs7-mime": "This mail is sealed with S/MIME and can't be shown.",
}


class Segment(NamedTuple):
    """A piece to be read, as a text or as HTML or as both."""

    text: str
    html: str


class Body(NamedTuple):
    """All to be read and all files. `text` is whole, `html` safe and empty where the mail is a plain text."""

    text: str
    html: str
    media: list[Media]


def read(root: Part) -> Body:
    """What the mail holds."""
    reader = _Reader()
    segments = reader.segments(root)
    source = (
        "".join(each.html or html.from_text(each.text) for each in segments) if any(s.html for s in segments) else ""
    )
    safe = html.clean(source) if source else ""
    text = "\n".join(filter(None, (each.text or plain.text_of(each.html) for each in segments)))
    text = text if text.strip(f" \n{plain.QUOTE}") else reader.packed_text or _SEALED.get(root.mime, "")
    shown = html.cids(safe)
    media = [each if each.cid in shown else _without_cid(each) for each in reader.media]
    if len(source) > html.MOST_CHARS:
        media.append(_file("mail.html", "text/html", source.encode()))
    if len(text) > MOST_TEXT_CHARS:
        media.append(_file("mail.txt", "text/plain", text.replace(plain.QUOTE, "").encode()))
    return Body(text[:MOST_TEXT_CHARS], safe, media)


class _Reader:
    """Collects the files of one mail while its texts are found."""

    def __init__(self) -> None:
        self.media: list[Media] = []
        self.packed_text = ""

    def segments(self, part: Part) -> list[Segment]:
        """The pieces to be read below a part, in order."""
        if part.children and part.mime == "multipart/alternative":
            found = [each for child in part.children for each in self.segments(child)]
            text = "\n".join(each.text for each in found if each.text)
            rich = "".join(each.html for each in found if each.html)
            return [Segment(text, rich)] if text or rich else []
        if part.children:
            return [each for child in part.children for each in self.segments(child)]
        if part.mime in _WITHOUT_USE and not _name(part):
            return []
        if not _is_body(part):
            self._keep(part)
            return []
        if part.mime == "text/html":
            return [Segment("", _rich(part))]
        return [Segment(_plain(part), "")] if part.size else []

    def _keep(self, part: Part) -> None:
        content = part.content()
        name = _name(part) or (_subject_of(part) if part.mime == "message/rfc822" else "")
        self.media.append(self._named(name, part.mime, content, _cid(part)))
        if part.mime in _TNEF or name.lower() == "winmail.dat":
            packed = tnef.unpack(content)
            self.packed_text = self.packed_text or packed.text
            for inner, held in packed.files:
                self.media.append(self._named(inner, "application/octet-stream", held, ""))

    def _named(self, name: str, mime: str, content: bytes, cid: str) -> Media:
        given = file_name(name) or f"attachment-{len(self.media) + 1}.{_EXTENSIONS.get(mime, 'bin')}"
        return _file(given, mime, content, cid)


def file_name(given: str) -> str:
    """A name without folders and tricks, not too long, its extension kept; empty if nothing is left."""
    name = _UNFIT.sub("", given.replace("\\", "/").rpartition("/")[2]).strip(" .")
    if len(name) <= MOST_NAME_CHARS:
        return name
    stem, dot, extension = name.rpartition(".")
    return (
        f"{stem[: MOST_NAME_CHARS - len(extension) - 1]}.{extension}"
        if dot and len(extension) <= 10
        else name[:MOST_NAME_CHARS]
    )


def _file(name: str, mime: str, content: bytes, cid: str = "") -> Media:
    family = mime.partition("/")[0]
    kind = family if family in {"image", "audio", "video"} and mime != "image/svg+xml" else "file"
    return Media(kind=kind, mime=mime, name=name, size=len(content), content=content, cid=cid)


def _without_cid(media: Media) -> Media:
    return _file(media.name, media.mime, media.content) if media.cid else media


def _is_body(part: Part) -> bool:
    disposition, _ = headers.parameters(part.first("content-disposition"))
    return part.mime in _ALTERNATIVES and disposition != "attachment" and not _name(part)


def _name(part: Part) -> str:
    _, given = headers.parameters(part.first("content-disposition"))
    return given.get("filename") or part.parameters.get("name") or ""


def _subject_of(part: Part) -> str:
    subject = headers.words(opened(part).first("subject")).replace("/", "_")
    return f"{file_name(subject)[: MOST_NAME_CHARS - 4]}.eml" if subject else ""


def _cid(part: Part) -> str:
    return charset.decode(part.first("content-id")[:1000]).strip().strip("<>").strip()


def _plain(part: Part) -> str:
    text = part.text().replace(plain.QUOTE, "")
    if part.parameters.get("format", "").lower() == "flowed":
        return unflow(text, delete_space=part.parameters.get("delsp", "").lower() == "yes").strip("\n")
    return "\n".join(line.rstrip() if line != "-- " else line for line in text.split("\n")).strip("\n")


def _rich(part: Part) -> str:
    raw = part.content()
    label = part.parameters.get("charset", "")
    # Tags that UTF-7 hides stay hidden: nobody writes HTML in it but to get past a filter.
    if charset.codec_of(label) in {"", "utf-7"}:
        declared = re.search(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]{1,40})", raw[:4000], re.IGNORECASE)
        label = declared[1].decode("ascii") if declared and declared[1].isascii() else ""
        label = "" if charset.codec_of(label) == "utf-7" else label
    return charset.decode(raw, label)
