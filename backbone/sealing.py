"""Seals what must be kept and never shown: accounts' credentials and providers' tokens (AES-256-GCM).

The key is derived from the system's secret; `name` (where it is kept) is authenticated, so that one tenant's
sealed text is worth nothing at another's key. Rotation: earlier secrets still open, the first one seals.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backbone.errors import TrunklineError

NONCE_BYTES: Final = 12
PREFIX: Final = "s1."
"""Of what is sealed in this way; another way gets another."""


class Sealer:
    """Seals by the first of `secrets`, opens by any."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [AESGCM(_derive(secret)) for secret in secrets]

    def seal(self, name: str, plain: bytes) -> str:
        """`plain` as text that only `open` of the same `name` reads."""
        nonce = os.urandom(NONCE_BYTES)
        return PREFIX + base64.b64encode(nonce + self._keys[0].encrypt(nonce, plain, name.encode())).decode()

    def open(self, name: str, sealed: str) -> bytes:
        """What was sealed. Raises TrunklineError `seal.broken`: another secret, another name, or not sealed."""
        try:
            raw = base64.b64decode(sealed.removeprefix(PREFIX), validate=True)
        except ValueError:
            raw = b""
        for key in self._keys:
            try:
                return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], name.encode())
            except (InvalidTag, ValueError):
                continue
        raise TrunklineError("seal.broken", f"{name} can't be read with this secret; set TRUNKLINE_OLD_SECRETS.")


def _derive(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"trunkline.seal.v1").derive(secret.encode())
