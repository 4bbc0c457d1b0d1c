"""Bytes of a mail to text, whatever its label says: pure, and never raises."""

from __future__ import annotations

import codecs
import re
from typing import Final

_UTF8: Final = "utf-8"
_CHINESE: Final = "gb18030"
_WESTERN: Final = "cp1252"

_MEANT: Final = {
    # A label and what its users send: the superset, as browsers read it too.
    "gb2312": _CHINESE,
    "gbk": _CHINESE,
    "gb18030": _CHINESE,
    "hz": "hz",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "cp950": "cp950",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "euc_jp": "euc_jp",
    "iso2022_jp": "iso2022_jp_ext",
    "iso2022_jp_1": "iso2022_jp_ext",
    "iso2022_jp_2": "iso2022_jp_2",
    "iso2022_kr": "iso2022_kr",
    "euc_kr": "cp949",
    "cp949": "cp949",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "tis-620": "cp874",
    "cp874": "cp874",
    "iso8859-1": _WESTERN,
    "ascii": _WESTERN,
    "iso8859-9": "cp1254",
    "utf-8": _UTF8,
    "utf-8-sig": _UTF8,
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
_SINGLE: Final = re.compile(r"(iso8859-\d+|cp(12[5]\d|437|850|852|866)|mac-(roman|cyrillic))")
_SHIFTED: Final = ("iso2022_", "hz")

_ALIASES: Final = {
    "x-gbk": _CHINESE,
    "gb_2312-80": _CHINESE,
    "chinese": _CHINESE,
    "x-x-big5": "big5hkscs",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "cp50220": "iso2022_jp_ext",
    "utf8mb4": _UTF8,
    "unicode-1-1-utf-8": _UTF8,
    "cp-850": "cp850",
    "8bit": "",
    "unknown-8bit": "",
    "x-unknown": "",
    "iso-8859-8-i": "iso8859-8",
}

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_HIGH: Final = re.compile(rb"[\x80-\xff]+")
_PAIRS: Final = re.compile(rb"(?:[\xa1-\xa9\xb0-\xf7][\xa1-\xfe]){2,}")
_SEQUENCES: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_THREES: Final = re.compile(rb"[\xe2-\xef][\x80-\xbf]{2}")
_WIDE: Final = frozenset({_CHINESE, "big5hkscs", "cp950", "cp932", "cp949", "euc_jp"})
_SAMPLE_BYTES: Final = 20_000
_SHARE: Final = 0.9


def codec_of(label: str) -> str:
    """Python's name of the codec that a label means, empty for one that names no text in bytes.

    By a list, since Python has codecs that are no charsets (`idna`, `unicode_escape`, `utf_7`).
    """
    name = label.strip(" \t\"'").lower()
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""
    return _MEANT.get(found) or (found if _SINGLE.fullmatch(found) else "")


def decode(raw: bytes, label: str = "") -> str:
    """The text: by the label if that fits, else UTF-8, GB18030 where it looks like Chinese, Windows-1252."""
    codec = codec_of(label)
    if (
        codec.startswith("utf-16")
        and b"\0" not in raw
        and not raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    ):
        codec = ""
    if codec.startswith(_SHIFTED):
        return clean(_shifted(raw, codec))
    for each in _candidates(raw, codec):
        try:
            return clean(raw.decode(each))
        except UnicodeError:
            continue
    return clean(raw.decode(codec or _UTF8, "replace"))


def clean(text: str) -> str:
    """Lines end with LF; without NUL, other control characters and lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", text).encode(_UTF8, "replace").decode(_UTF8)


def _shifted(raw: bytes, codec: str) -> str:
    """A codec in 7 bits: nothing else is tried, since every text in 7 bits is UTF-8 as well."""
    for each, given in ((codec, raw), ("iso2022_jp_2004", raw.replace(b"\x1b$B", b"\x1b$(Q"))):
        # The second has what Windows writes beyond the standard, such as circled numbers.
        try:
            return given.decode(each)
        except UnicodeError:
            continue
    return raw.decode(codec, "replace")


def _candidates(raw: bytes, codec: str) -> list[str]:
    chinese = [_CHINESE] if _looks_chinese(raw) else []
    if _looks_utf8(raw, at_least=2 if codec in _WIDE else 1):
        # The label that is most often wrong; nothing else looks like it by chance.
        return [_UTF8, codec or _WESTERN]
    if codec == _WESTERN:
        return [_WESTERN]
    if codec == "big5hkscs":
        return ["big5hkscs", "cp950"]
    return [codec, *chinese] if codec else [_UTF8, *chinese, _WESTERN]


def _looks_utf8(raw: bytes, at_least: int) -> bool:
    """Whether high bytes form characters of UTF-8; with two labels of Asia a few may do so by chance."""
    sample = raw[:_SAMPLE_BYTES]
    high = sum(map(len, _HIGH.findall(sample)))
    found: list[bytes] = _THREES.findall(sample) if at_least > 1 else _SEQUENCES.findall(sample)
    # One character may be cut where the sample ends.
    return len(found) >= at_least and high - sum(map(len, _SEQUENCES.findall(sample))) <= 3


def _looks_chinese(raw: bytes) -> bool:
    """Whether high bytes come in pairs that GB2312 has; Western text has single ones between letters."""
    sample = raw[:_SAMPLE_BYTES]
    high = sum(map(len, _HIGH.findall(sample)))
    return bool(high) and sum(map(len, _PAIRS.findall(sample))) >= high * _SHARE
