"""What WeChat and WeCom wrap callbacks in: a signature, AES, and flat XML or JSON; pure.

Both platforms publish the same scheme: SHA-1 over sorted parts, AES-256-CBC with a key of 43 base64 characters, and
the owner's id at the end of the plaintext.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Final
from xml.etree.ElementTree import ParseError

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from defusedxml.ElementTree import fromstring

from backbone.channel import MalformedError, same

RANDOM_BYTES: Final = 16
LENGTH_BYTES: Final = 4
PAD_TO: Final = 32
"""PKCS#7 to 32 bytes, not to AES's 16: a library's unpadder refuses 17 to 32."""

FRESH_S: Final = 300
MOST_DIGITS: Final = 12
FIELDS_MOST: Final = 500
DEEPEST: Final = 4
"""Levels below the top that are read."""

_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What customers' keyboards do send and XML forbids. NUL stays, and makes the body malformed."""


class SealError(ValueError):
    """What came can't be opened with the account's keys, or belongs to another account."""


def sign(*parts: str) -> str:
    """The hex SHA-1 of the parts, sorted and joined."""
    joined = "".join(sorted(parts)).encode(errors="replace")
    return hashlib.sha1(joined).hexdigest()  # noqa: S324 - the platform's own scheme


def is_fresh(timestamp: str, now: float) -> bool:
    """Whether a callback was signed within 5 minutes of `now`, in Unix seconds."""
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MOST_DIGITS
    return is_number and abs(now - int(timestamp)) <= FRESH_S


def is_signed(given: str, token: str, *parts: str) -> bool:
    """Whether `given` is the signature of `token` and the parts; never with an empty token."""
    return bool(token) and given.isascii() and same(given, sign(token, *parts))


def open_sealed(sealed: str, keys: Iterable[str], owners: Collection[str]) -> bytes:
    """The plaintext by the first key that fits; empty keys are skipped. Raises SealError."""
    for key in keys:
        if not key:
            continue
        try:
            return _opened(sealed, key, owners)
        except ValueError:
            continue
    raise SealError("no key opens it")


def _opened(sealed: str, key: str, owners: Collection[str]) -> bytes:
    raw = base64.b64decode(key + "=")
    decryptor = Cipher(AES256(raw), CBC(raw[:16])).decryptor()
    text = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
    pad = text[-1] if text else 0
    if not 1 <= pad <= PAD_TO or len(text) < pad:
        raise SealError("the padding is wrong")
    text = text[:-pad]
    begin = RANDOM_BYTES + LENGTH_BYTES
    end = begin + int.from_bytes(text[RANDOM_BYTES:begin])
    if len(text) < begin or end > len(text):
        raise SealError("the length is wrong")
    if text[end:].decode() not in owners:
        raise SealError("it belongs to another account")
    return text[begin:end]


def fields(body: bytes) -> dict[str, str]:
    """The values of a body of XML or JSON as texts: those at the top by their names, deeper ones by their paths, such
    as `ScanCodeInfo.ScanResult`; of several of one name the first, further ones as `name.1`. Raises MalformedError.
    """
    found: dict[str, str] = {}
    if body.lstrip()[:1] == b"{":
        _of_json(_json(body), "", found, DEEPEST)
    else:
        _of_xml(_xml(body), "", found, DEEPEST)
    return found


def _xml(body: bytes) -> Any:
    try:
        return fromstring(_CONTROL.sub("", body.decode()), forbid_dtd=True)
    except (ParseError, ValueError):
        raise MalformedError("not the XML of a callback") from None


def _json(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise MalformedError("not the JSON of a callback") from None


def _of_xml(parent: Any, path: str, found: dict[str, str], deep: int) -> None:
    seen: Counter[str] = Counter()
    for child in parent:
        again = seen[child.tag]
        seen[child.tag] += 1
        name = f"{path}{child.tag}.{again}" if again else f"{path}{child.tag}"
        if len(found) >= FIELDS_MOST:
            return
        if len(child) == 0:
            found[name] = child.text or ""
        elif deep:
            _of_xml(child, f"{name}.", found, deep - 1)


def _of_json(parent: dict[str, Any], path: str, found: dict[str, str], deep: int) -> None:
    for name, value in parent.items():
        if len(found) >= FIELDS_MOST:
            return
        if _is_plain(value):
            found[f"{path}{name}"] = _as_text(value)
        elif isinstance(value, dict) and deep:
            _of_json(value, f"{path}{name}.", found, deep - 1)
        elif isinstance(value, list) and deep:
            each = {str(n) if n else "": one for n, one in enumerate(value)}
            flat = {name + (f".{n}" if n else ""): one for n, one in each.items()}
            _of_json(flat, path, found, deep - 1)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _as_text(value: str | float) -> str:
    text = str(value)
    if "\0" in text:
        raise MalformedError("a NUL in a text")
    return text


def place(name: str, address: str, latitude: str, longitude: str) -> dict[str, Any]:
    """The arguments of a Message that a place makes: its coordinates stand in the text, too."""
    lines = [name, address, f"{latitude}, {longitude}" if latitude and longitude else ""]
    data: dict[str, Any] = {"place": name, "address": address}
    for key, text in (("latitude", latitude), ("longitude", longitude)):
        with contextlib.suppress(ValueError):
            data[key] = float(text)
    found = {key: value for key, value in data.items() if value != ""}
    return {"kind": "location", "text": "\n".join(filter(None, lines)), "attributes": found}
