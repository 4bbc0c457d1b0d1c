"""JSON Web Tokens as their receiver sees them, by the definition (RFC 7515)."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature


def opened(token: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims) of a token that the key signed; empty if it didn't."""
    try:
        head, body, signature = token.split(".")
        signed, raw = f"{head}.{body}".encode(), _decoded(signature)
        if isinstance(key, ec.EllipticCurvePublicKey):
            r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())
        return json.loads(_decoded(head)), json.loads(_decoded(body))
    except (ValueError, InvalidSignature):
        return {}, {}


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
