"""The envelope as the platform makes it, written from its page and not from our channel."""

from __future__ import annotations

import base64
import hashlib
import struct

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BITS = 32 * 8


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts, in hex."""
    digest = hashlib.sha1(usedforsecurity=False)
    for part in sorted(parts):
        digest.update(part.encode())
    return digest.hexdigest()


def seal(message: bytes, aes_key: str, owner: str, salt: bytes = b"0123456789abcdef") -> str:
    """The base64 of 16 bytes, the length, the message and the owner, padded to 32 and encrypted."""
    key = base64.b64decode(aes_key + "=")
    plain = salt + struct.pack("!I", len(message)) + message + owner.encode()
    padder = padding.PKCS7(BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    padded = padder.update(plain) + padder.finalize()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def unseal(sealed: str, aes_key: str) -> tuple[bytes, str]:
    """The message and its owner."""
    key = base64.b64decode(aes_key + "=")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    unpadder = padding.PKCS7(BLOCK_BITS).unpadder()
    padded = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    plain = unpadder.update(padded) + unpadder.finalize()
    (size,) = struct.unpack("!I", plain[16:20])
    return plain[20 : 20 + size], plain[20 + size :].decode()


def cdata(text: str) -> str:
    """A text as XML carries it, whatever it holds."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
