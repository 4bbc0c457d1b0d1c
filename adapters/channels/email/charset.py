"""Bytes of a mail to text, whatever its label says: pure, and never raises."""

from __future__ import annotations

import codecs
import re
from typing import Final

import webencodings  # type: ignore[import-untyped]

from adapters.channels.email import plausible, shifted

_UTF8: Final = "utf-8"
_CHINESE: Final = "gb18030"
_WESTERN: Final = "cp1252"
_JAPANESE: Final = "iso-2022-jp"

_CODECS: Final = {
    # Names of the WHATWG table whose codec has another name in Python, or is a part of what their users send.
    "gbk": _CHINESE,
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "euc-jp": "euc_jp",
    "ibm866": "cp866",
    "windows-874": "cp874",
    "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
    "iso-8859-8-i": "iso8859-8",
    "x-user-defined": "",
    "replacement": "",
}
_ALIASES: Final = {
    # Labels beyond that table, as mails have them.
    "hz": "hz",
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr",
    "csiso2022kr": "iso2022_kr",
    "utf-7": "utf-7",
    "unicode-1-1-utf-7": "utf-7",
    "csunicode11utf7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "cp950": "cp950",
    "gb18030-2005": _CHINESE,
    "cp936": _CHINESE,
    "ms936": _CHINESE,
    "windows-936": _CHINESE,
    "euc-cn": _CHINESE,
    "gb-2312": _CHINESE,
    "x-euc-cn": _CHINESE,
    "big5-eten": "big5hkscs",
    "windows-950": "cp950",
    "windows-932": "cp932",
    "windows-31j": "cp932",
    "shift-jisx0213": "shift_jisx0213",
    "euc-jis-2004": "euc_jis_2004",
    "euc-tw": "",
    "uhc": "cp949",
    "x-windows-949": "cp949",
    "johab": "johab",
    "utf8mb4": _UTF8,
    "utf-8-sig": _UTF8,
    "utf-8-mac": _UTF8,
    "cesu-8": _UTF8,
    "ansi": _WESTERN,
    "x-ansi": _WESTERN,
    "windows": _WESTERN,
    "ibm-850": "cp850",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be",
    "iso-8859-12": "",
    "8bit": "",
    "7bit": "",
    "unknown-8bit": "",
    "x-unknown": "",
}
_NAMES_OF_JIS: Final = re.compile(
    r"(?:cs|x-)?iso-?2022-?jp(?:-?(?:[123]|ms|ext|2004|1978))?|(?:x-)?(?:cp|windows-)5022[0-2]|jis"
)
_SINGLE: Final = re.compile(r"(iso8859-\d+|cp(125\d|437|737|775|85\d|86\d|874)|mac-\w+|koi8-[rtu]|kz1048|viscii)")
_IN_7_BITS: Final = frozenset({_JAPANESE, "iso2022_kr", "hz", "utf-7"})
_WIDE: Final = frozenset({_CHINESE, "big5hkscs", "cp950", "cp932", "cp949", "euc_jp"})

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_SEQUENCES: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_THREES: Final = re.compile(rb"[\xe2-\xef][\x80-\xbf]{2}")
_KOREAN: Final = b"\x1b$)C"
_MARKS: Final = (
    (codecs.BOM_UTF8, _UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FOURS: Final = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]")
"""A character of GB18030 in four bytes: no other charset has figures between its high bytes."""

_COMMENT: Final = re.compile(r"\([^()]*\)?")
_SAMPLE_BYTES: Final = 20_000
_ENOUGH_BYTES: Final = 8
"""Fewer bytes beyond ASCII refute no label that reads them: they are a name, or a rare character."""

_MARGIN: Final = 0.9
"""By so much another charset must be likelier than the one that the label names."""

_MARGIN_OF_ALPHABETS: Final = 0.3
"""The same between two alphabets, whose letters are fewer."""


def codec_of(label: str) -> str:
    """Python's name of the codec that a label means, empty for one that names no text in bytes.

    By the WHATWG table and a list of ours, since Python has codecs that are no charsets (`idna`, `unicode_escape`).
    """
    name = _COMMENT.sub("", label[:100]).strip(" \t\r\n\"';,").lower()
    if _NAMES_OF_JIS.fullmatch(name.replace("_", "-")):
        return _JAPANESE
    for each in (name, name.replace("_", "-"), name.removeprefix("x-"), name.replace(" ", "-")):
        if each in _ALIASES:
            return _ALIASES[each]
        known = webencodings.lookup(each)
        if known is not None:
            return _CODECS[known.name] if known.name in _CODECS else codecs.lookup(known.name).name
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return found if _SINGLE.fullmatch(found) else ""


def decode(raw: bytes, label: str = "") -> str:
    """The text: by the label unless the bytes refute it, else UTF-8, else the charset in which it is likeliest."""
    return clean(_decoded(raw, codec_of(label)))


def clean(text: str) -> str:
    """Lines end with LF; without NUL, other control characters and lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).encode(_UTF8, "replace").decode(_UTF8)


def _decoded(raw: bytes, codec: str) -> str:
    for mark, marked in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(marked, "replace")
    if codec.startswith(("utf-16", "utf-32")):
        if b"\0" in raw or _is_wide(raw):
            return raw.decode("utf-16-le" if codec == "utf-16" else codec, "replace")
        codec = ""
    if raw.isascii():
        return _in_7_bits(raw, codec)
    return _in_8_bits(raw, "" if codec in _IN_7_BITS else codec)


def _is_wide(raw: bytes) -> bool:
    """Whether bytes without NUL may be UTF-16 all the same: a text of Chinese characters alone."""
    return not raw.isascii() and not _looks_utf8(raw, at_least=1) and plausible.best(raw)[1] < plausible.SURE


def _in_7_bits(raw: bytes, codec: str) -> str:
    """Without high bytes: ASCII, or a charset that switches by escapes."""
    if codec in {"hz", "utf-7", "iso2022_kr"}:
        return raw.decode(codec, "replace")
    if shifted.is_japanese(raw):
        return shifted.decode(raw)
    if _KOREAN in raw:
        return raw.decode("iso2022_kr", "replace")
    return raw.decode("ascii")


def _in_8_bits(raw: bytes, codec: str) -> str:
    if _looks_utf8(raw, at_least=2 if codec in _WIDE else 1):
        # The label that is most often wrong; nothing else looks like it by chance.
        return raw.decode(_UTF8, "replace")
    if codec == _CHINESE and _FOURS.search(raw[:_SAMPLE_BYTES]):
        return _first_of(raw, [codec])
    if codec == _UTF8 and _is_cut(raw):
        return raw.decode(_UTF8, "replace")
    likeliest, score = plausible.best(raw)
    if not codec or codec == _UTF8:
        return _first_of(raw, [likeliest if score >= plausible.SURE else "", _WESTERN])
    said = max(plausible.of(raw, codec), plausible.of(raw, "cp950") if codec == "big5hkscs" else plausible.NEVER)
    is_enough = said == plausible.NEVER or sum(map(len, _HIGH.findall(raw[:_SAMPLE_BYTES]))) >= _ENOUGH_BYTES
    is_refuted = is_enough and said + _margin(codec, likeliest) < score and score >= plausible.SURE
    return _first_of(raw, [likeliest if is_refuted else "", codec, "cp950" if codec == "big5hkscs" else ""])


def _margin(codec: str, other: str) -> float:
    scripts = {plausible.script_of(codec), plausible.script_of(other)}
    return _MARGIN_OF_ALPHABETS if scripts <= plausible.ALPHABETS else _MARGIN


def _first_of(raw: bytes, wanted: list[str]) -> str:
    """By the first that reads all of it; else the first with U+FFFD for what it can't read."""
    tried = [each for each in wanted if each]
    for each in tried:
        try:
            return raw.decode(each)
        except UnicodeError:
            continue
    return raw.decode(tried[0], "replace")


def _is_cut(raw: bytes) -> bool:
    """Whether it is UTF-8 whose last character is cut, as in an encoded word that a program broke anywhere."""
    try:
        return bool(codecs.getincrementaldecoder(_UTF8)().decode(raw))
    except UnicodeError:
        return False


def _looks_utf8(raw: bytes, at_least: int) -> bool:
    """Whether high bytes form characters of UTF-8; with two labels of Asia a few may do so by chance."""
    sample = raw[:_SAMPLE_BYTES]
    high = sum(map(len, _HIGH.findall(sample)))
    found: list[bytes] = _THREES.findall(sample) if at_least > 1 else _SEQUENCES.findall(sample)
    inside = sum(map(len, _SEQUENCES.findall(sample)))
    # One character may be cut where the sample ends; a broken one among many is still UTF-8.
    return len(found) >= at_least and high - inside <= max(
        3 if inside > 6 or len(raw) > len(sample) else 0, inside // 8
    )
