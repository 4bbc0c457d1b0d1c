"""Who a user of the app is: tokens of the company's server, and those that aren't."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from adapters.channels.app import identity
from adapters.channels.app.settings import Account
from backbone.channel import Peer
from backbone.errors import NotAuthenticatedError

NOW = 1_790_000_000
SECRET = "a secret of the company's server"
ACCOUNT = Account(tenant="tea", secret=SECRET)
RSA = RSAKey.generate_key(2048, {"kid": "r1"})
EC = ECKey.generate_key("P-256", {"kid": "e1"})


def jwks(*keys: Any, **more: Any) -> str:
    return json.dumps({"keys": [{**key.as_dict(private=False), **more} for key in keys]})


BY_RSA = Account(tenant="tea", algorithm="RS256", jwks=jwks(RSA, EC))
BY_EC = Account(tenant="tea", algorithm="ES256", jwks=jwks(RSA, EC))


def claims(**changed: Any) -> dict[str, Any]:
    whole = {"sub": "user-42", "iat": NOW, "exp": NOW + 3600, "tenant": "tea", **changed}
    return {name: value for name, value in whole.items() if value is not None}


def token(key: Any = SECRET, header: dict[str, Any] | None = None, **changed: Any) -> str:
    header = header or {"alg": "HS256"}
    signed_by = OctKey.import_key(key) if isinstance(key, str) else key
    return jwt.encode(header, claims(**changed), signed_by, [header["alg"]])


def refusal(text: str, account: Account = ACCOUNT, now: float = NOW) -> str:
    with pytest.raises(NotAuthenticatedError) as caught:
        identity.verify(text, account, now)
    return caught.value.code


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims()).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_token_names_its_user_whom_the_company_vouches_for() -> None:
    assert identity.verify(token(name="Li", email="Li@Example.com", email_verified=True), ACCOUNT, NOW) == Peer(
        "user-42", "Li", {"sub": "user-42", "email": "li@example.com"}, ("sub", "email")
    )
    assert identity.verify(token(), ACCOUNT, NOW) == Peer("user-42", "", {"sub": "user-42"}, ("sub",))


@pytest.mark.parametrize("said", [{}, {"email_verified": False}])
def test_an_address_that_the_company_does_not_vouch_for_joins_nobody(said: dict[str, bool]) -> None:
    peer = identity.verify(token(email="li@example.com", **said), ACCOUNT, NOW)
    assert peer.verified == ("sub",)


def test_each_algorithm_is_taken_where_the_account_says_so() -> None:
    by_rsa, by_ec = token(RSA, {"alg": "RS256", "kid": "r1"}), token(EC, {"alg": "ES256", "kid": "e1"})
    assert identity.verify(by_rsa, BY_RSA, NOW).id == "user-42"
    assert identity.verify(by_ec, BY_EC, NOW).id == "user-42"
    for text, account in ((by_rsa, BY_EC), (by_ec, BY_RSA), (by_rsa, ACCOUNT), (token(), BY_RSA)):
        assert refusal(text, account) == "token.invalid"


def test_a_token_that_is_made_by_the_definition_is_taken() -> None:
    assert identity.claims_of(_signed_by(SECRET), ACCOUNT)["sub"] == "user-42"
    assert identity.verify(_signed_by(SECRET), ACCOUNT, NOW).id == "user-42"


def test_vector_of_rfc_7515_a3() -> None:
    key = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    account = Account(tenant="tea", algorithm="ES256", jwks=json.dumps({"keys": [key]}))
    text = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    assert identity.claims_of(text, account)["iss"] == "joe"
    assert refusal(text[:-2] + "9Q", account) == "token.invalid"


def test_vector_of_a_user_hash() -> None:
    wanted = "2bdde05d54d28f6c1686a5f352227bdf69a7a114e6f1a2694f9315696e7a7962"
    assert identity.user_hash("user-42", "identity-secret") == wanted
    account = Account(tenant="tea", allows_user_hash=True, user_hash_secret="identity-secret")
    assert identity.verify_user_hash("user-42", wanted, account) == Peer("user-42", "", {"sub": "user-42"}, ("sub",))
    for user, given_hash in (("user-43", wanted), ("user-42", ""), ("", wanted), ("user-42", wanted.upper())):
        with pytest.raises(NotAuthenticatedError):
            identity.verify_user_hash(user, given_hash, account)


def test_user_hashes_are_off_unless_they_are_turned_on() -> None:
    right = identity.user_hash("user-42", "identity-secret")
    for account in (
        Account(tenant="tea", user_hash_secret="identity-secret"),
        Account(tenant="tea", allows_user_hash=True),
    ):
        with pytest.raises(NotAuthenticatedError):
            identity.verify_user_hash("user-42", right, account)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256 "])
def test_a_token_that_nobody_signed_is_refused(algorithm: str) -> None:
    for account in (ACCOUNT, BY_RSA, BY_EC):
        assert refusal(unsigned({"alg": algorithm}), account) == "token.invalid"
        assert refusal(unsigned({"typ": "JWT"}), account) == "token.invalid"


def test_a_public_key_is_no_secret_to_sign_by() -> None:
    pem = RSA.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    forged = _signed_by(pem)
    assert refusal(forged, BY_RSA) == "token.invalid"


def _signed_by(secret: str) -> str:
    signed = unsigned({"alg": "HS256", "kid": "r1"}).rpartition(".")[0]
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_a_key_that_a_token_brings_along_is_not_used() -> None:
    own = ECKey.generate_key("P-256")
    brought = {"alg": "ES256", "jwk": own.as_dict(private=False)}
    signed = unsigned(brought).rpartition(".")[0]
    other = token(own, {"alg": "ES256"})
    assert refusal(f"{signed}.{other.rpartition('.')[2]}", BY_EC) == "token.invalid"
    assert refusal(other, BY_EC) == "token.invalid"


def test_an_encrypted_token_is_none() -> None:
    key = OctKey.import_key(SECRET)
    encrypted = jwe.encrypt_compact({"alg": "dir", "enc": "A128CBC-HS256"}, json.dumps(claims()), key)
    assert refusal(encrypted) == "token.invalid"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": NOW}, "token.expired"),
        ({"iat": NOW - 7200, "exp": NOW - 3600}, "token.expired"),
        ({"exp": NOW + 3601}, "token.invalid"),
        ({"iat": NOW + 61, "exp": NOW + 3600}, "token.invalid"),
        ({"nbf": NOW + 61}, "token.invalid"),
        ({"tenant": "coffee"}, "token.invalid"),
        ({"tenant": None}, "token.invalid"),
        ({"sub": None}, "token.invalid"),
        ({"sub": ""}, "token.invalid"),
        ({"sub": "u" * 257}, "token.invalid"),
        ({"sub": 42}, "token.invalid"),
        ({"exp": None}, "token.invalid"),
        ({"iat": None}, "token.invalid"),
        ({"exp": "soon"}, "token.invalid"),
        ({"exp": True}, "token.invalid"),
        ({"iat": -1}, "token.invalid"),
        ({"name": ["Li"]}, "token.invalid"),
    ],
)
def test_claims_that_are_not_right_are_refused(changed: dict[str, Any], code: str) -> None:
    assert refusal(token(**changed)) == code


def test_clocks_may_differ_by_a_minute() -> None:
    assert identity.verify(token(iat=NOW + 60, exp=NOW + 3660), ACCOUNT, NOW).id == "user-42"
    assert identity.verify(token(), ACCOUNT, NOW + 3599).id == "user-42"
    assert refusal(token(), now=NOW + 3600) == "token.expired"


def test_while_a_key_changes_the_tokens_name_says_which() -> None:
    new = RSAKey.generate_key(2048, {"kid": "r2"})
    both = msgspec.structs.replace(BY_RSA, jwks=jwks(RSA, new))
    for key, kid in ((RSA, "r1"), (new, "r2")):
        assert identity.verify(token(key, {"alg": "RS256", "kid": kid}), both, NOW).id == "user-42"
    assert refusal(token(RSA, {"alg": "RS256", "kid": "r2"}), both) == "token.invalid"
    assert refusal(token(RSA, {"alg": "RS256", "kid": "r3"}), both) == "token.invalid"
    assert refusal(token(RSA, {"alg": "RS256"}), both) == "token.invalid"
    assert identity.verify(token(RSA, {"alg": "RS256"}), BY_RSA, NOW).id == "user-42"


@pytest.mark.parametrize(
    "keys",
    ["", "{}", "[]", "x", '{"keys": 7}', '{"keys": [7]}', '{"keys": [{"kty": "RSA"}]}', jwks(RSA, use="enc"),
     jwks(RSA, alg="RS512"), jwks(RSA, n=RSA.as_dict(private=False)["n"][:171])],
)  # fmt: skip
def test_keys_that_are_none_take_no_token(keys: str) -> None:
    account = msgspec.structs.replace(BY_RSA, jwks=keys)
    assert refusal(token(RSA, {"alg": "RS256", "kid": "r1"}), account) == "token.invalid"


def test_without_a_secret_no_token_is_taken() -> None:
    bare = Account(tenant="tea")
    assert refusal(_signed_by(""), bare) == "token.invalid"


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_no_text_is_a_token_or_raises_anything_else(text: str) -> None:
    for account in (ACCOUNT, BY_RSA, BY_EC):
        assert refusal(text, account) == "token.invalid"


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_token_may_change(place: int, bit: int) -> None:
    whole = token()
    place %= len(whole)
    changed = whole[:place] + chr(ord(whole[place]) ^ 1 << bit) + whole[place + 1 :]
    try:
        peer = identity.verify(changed, ACCOUNT, NOW)
    except NotAuthenticatedError:
        return
    # The last character of base64 has bits that mean nothing.
    assert (peer.id, place) == ("user-42", len(whole) - 1)
