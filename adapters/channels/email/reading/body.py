"""What is to be read in a mail, and what are its files: pure.

A part is read or kept by its place more than by its label or name. What is read neither as text nor as HTML is a file:
all of a mail but alternatives for watches and AMP beside one that is shown.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import charset, headers, mime, uuencode
from adapters.channels.email.mime import Part, opened
from adapters.channels.email.reading import html, plain
from adapters.channels.email.reading.formats import embedded, enriched, rtf, smime, tnef
from adapters.channels.email.reading.formats.flowed import unflow
from backbone.channel import Media

MOST_NAME_CHARS: Final = 150
MOST_TEXT_CHARS: Final = 200_000
"""Of the text of a message; a longer one is a file as well."""

_SHOWN: Final = frozenset({"text/plain", "text/html"})
_WITHOUT_USE: Final = frozenset({"text/x-amp-html", "text/watch-html"})
_WRITTEN: Final = frozenset({"text/enriched", "text/richtext", "text/rtf", "application/rtf"}) | _WITHOUT_USE
"""Texts with commands of their own, read where nothing else of the mail is."""

_ASIDE: Final = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory"})
"""Texts for programs, which are files wherever they stand."""

_PACKED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "application/cms"})
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

_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
MOST_OPENED: Final = 8
"""Signatures that are opened in one mail."""

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
    reader = _Reader(root)
    segments = reader.segments(root, "root")
    if not _has_words(segments):
        segments = [*segments, *reader.aside]
    source = (
        "".join(each.html or html.from_text(each.text) for each in segments) if any(s.html for s in segments) else ""
    )
    safe = html.clean(source) if source else ""
    text = "\n".join(filter(None, map(_text, segments)))
    text = text if _is_said(text) else _SEALED.get(root.mime, "")
    shown = html.cids(safe)
    media = [each if each.cid in shown else _without_cid(each) for each in reader.media]
    if len(source) > html.MOST_CHARS:
        media.append(_file("mail.html", "text/html", source.encode()))
    if len(text) > MOST_TEXT_CHARS:
        media.append(_file("mail.txt", "text/plain", plain.without_marks(text).encode()))
    return Body(text[:MOST_TEXT_CHARS], safe, media)


def _text(segment: Segment) -> str:
    return segment.text or plain.text_of(segment.html)


def _is_said(text: str) -> bool:
    return bool(text.strip(f" \n{plain.QUOTE}{plain.UNQUOTE}"))


def _has_words(segments: list[Segment]) -> bool:
    return any(_is_said(_text(each)) for each in segments)


class _Reader:
    """Collects the files of one mail while its texts are found."""

    def __init__(self, root: Part) -> None:
        self.media: list[Media] = []
        self.aside: list[Segment] = []
        """What is read where the mail says nothing else: of winmail.dat, an answer to an invitation, RTF."""

        self._has_body = any(each.mime in _SHOWN and not _name(each) and not _is_attached(each) for each in root.walk())
        self._opened = 0

    def segments(self, part: Part, place: str) -> list[Segment]:
        """The pieces to be read below a part, in order. `place`: root, first, alternative, or none of them."""
        if part.children:
            is_choice = part.mime == "multipart/alternative"
            within = "alternative" if place == "alternative" else "first"
            places = ["alternative" if is_choice else "" if index else within for index in range(len(part.children))]
            found = [
                each for child, where in zip(part.children, places, strict=True) for each in self.segments(child, where)
            ]
            return _chosen(found) if is_choice else found
        if part.mime in _PACKED or _name(part).lower().endswith(".p7m"):
            return self._unsigned(part, place)
        if part.mime in _WITHOUT_USE and not _name(part) and self._has_body:
            return []
        return self._leaf(part, place)

    def _leaf(self, part: Part, place: str) -> list[Segment]:
        if part.mime in _WRITTEN and place != "alternative" and not _name(part) and not _is_attached(part):
            return self._rich(part) if part.mime in _WITHOUT_USE else [Segment(_plain(part), "")]
        if not self._is_body(part, place):
            self._keep(part, place)
            return []
        if _is_attached(part) and _name(part):
            self._keep(part, "")
        if not part.size:
            return []
        return self._rich(part) if part.mime == "text/html" or _is_page(part, place) else self._lines(part)

    def _is_body(self, part: Part, place: str) -> bool:
        if place == "root":
            is_read = part.mime.startswith("text/") and part.mime not in _ASIDE
            return part.mime in _SHOWN or (is_read and not _is_attached(part))
        if part.mime not in _SHOWN:
            return False
        if place == "alternative":
            return not _is_attached(part)
        if place == "first" and not self._has_body:
            return not _is_attached(part) or not _name(part)
        return not _is_attached(part) and not _name(part)

    def _lines(self, part: Part) -> list[Segment]:
        text, files = uuencode.within(_plain(part))
        for name, content in files:
            self.media.append(self._named(name, "application/octet-stream", content, ""))
        return [Segment(text.strip("\n"), "")]

    def _rich(self, part: Part) -> list[Segment]:
        source = _rich(part)
        if "<" not in source and "&" not in source and "\n" in source.strip():
            # Called HTML, without a tag: its lines are lines.
            return [Segment(plain.without_marks(source).strip("\n"), "")]
        source, files = embedded.taken_out(source, len(self.media) + 1)
        for each in files:
            self.media.append(self._named("", each.mime, each.content, each.cid))
        return [Segment("", source)]

    def _unsigned(self, part: Part, place: str) -> list[Segment]:
        """What is signed, as if it stood there itself; the signature stays a file."""
        content = part.content()
        self.media.append(self._named(_name(part), part.mime, content, ""))
        self._opened += 1
        inner = smime.opened(content) if self._opened <= MOST_OPENED else b""
        if not inner:
            return []
        within = mime.read(inner.lstrip(b"\r\n"))
        if within.fields:
            self._has_body = place != "root" and self._has_body
            return self.segments(within, place)
        stem = _name(part)[:-4] if _name(part).lower().endswith(".p7m") else ""
        self.media.append(self._named(stem, "application/octet-stream", inner, ""))
        return []

    def _keep(self, part: Part, place: str) -> None:
        content = part.content()
        name = _name(part) or (_subject_of(part) if part.mime == "message/rfc822" else "")
        self.media.append(self._named(name, part.mime, content, _cid(part)))
        if part.mime in _TNEF or name.lower() == "winmail.dat":
            packed = tnef.unpack(content)
            self.aside += _aside(packed.text or ("" if packed.html else rtf.text_of(packed.rtf)), packed.html)
            for inner, held in packed.files:
                self.media.append(self._named(inner, "application/octet-stream", held, ""))
        elif part.mime == "text/calendar":
            self.aside += _aside(enriched.words_of_calendar(part.text()), "")
        elif part.mime in _WRITTEN:
            self.aside += _aside(_plain(part), "")
        elif place == "root" and not _name(part) and _is_wordy(content):
            self.aside += _aside(part.text(), "")

    def _named(self, name: str, kind: str, content: bytes, cid: str) -> Media:
        given = file_name(name) or f"attachment-{len(self.media) + 1}.{_EXTENSIONS.get(kind, 'bin')}"
        return _file(given, kind, content, cid)


def _chosen(found: list[Segment]) -> list[Segment]:
    """One piece of several that say the same."""
    text = "\n".join(each.text for each in found if each.text)
    rich = "".join(each.html for each in found if each.html)
    return [Segment(text, rich)] if text or rich else []


def _aside(text: str, rich: str) -> list[Segment]:
    text = plain.without_marks(text).strip("\n")
    return [Segment(text, rich)] if text or rich else []


def _is_page(part: Part, place: str) -> bool:
    """Whether a text is a page of HTML all the same. Beside an alternative it is what was meant to be text."""
    begin = part.content()[:200].lstrip().lower() if part.mime == "text/plain" and place != "alternative" else b""
    return begin.startswith((b"<!doctype html", b"<html"))


def _is_wordy(content: bytes) -> bool:
    """Whether bytes of no known type are lines that somebody wrote."""
    sample = content[:MOST_TEXT_CHARS]
    return bool(sample.strip()) and _BINARY.search(sample) is None


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


def _is_attached(part: Part) -> bool:
    return headers.parameters(part.first("content-disposition"))[0] == "attachment"


def _name(part: Part) -> str:
    _, given = headers.parameters(part.first("content-disposition"))
    return given.get("filename") or part.parameters.get("name") or ""


def _subject_of(part: Part) -> str:
    subject = headers.words(opened(part).first("subject")).replace("/", "_")
    return f"{file_name(subject)[: MOST_NAME_CHARS - 4]}.eml" if subject else ""


def _cid(part: Part) -> str:
    return charset.decode(part.first("content-id")[:1000]).strip().strip("<>").strip()


def _plain(part: Part) -> str:
    if part.mime in {"text/rtf", "application/rtf"}:
        return rtf.text_of(part.content()) or plain.without_marks(part.text())
    text = plain.without_marks(part.text())
    if part.mime == "text/enriched":
        return enriched.text_of(text)
    if part.mime == "text/richtext":
        return enriched.rich_text_of(text)
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
