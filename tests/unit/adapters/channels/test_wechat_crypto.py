"""The envelope of WeChat and WeCom: the published vectors, and whatever else may come."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels import wechat_crypto as crypto
from backbone.channel import MalformedError
from tests.simulators.wechat import crypto as theirs

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
OTHER = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OWNER = "wx5823bf96d3bd56c7"
SEALED = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="


def test_published_vector_of_the_address_check() -> None:
    signed = "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    assert crypto.sign("AAAAA", "1714037059", "486452656") == signed
    assert crypto.is_signed(signed, "AAAAA", "1714037059", "486452656")


def test_published_vector_of_the_message_signature() -> None:
    signed = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    assert crypto.is_signed(signed, "QDG6eK", "1409659589", "263014780", SEALED)


def test_published_vector_of_the_decryption() -> None:
    assert crypto.open_sealed(SEALED, [KEY], {OWNER}) == b"1616140317555161061"


def test_empty_token_signs_nothing() -> None:
    assert not crypto.is_signed(crypto.sign("", "1", "2"), "", "1", "2")


@pytest.mark.parametrize("given_signature", ["", "é", "\ud800", "0" * 40])
def test_another_signature_is_refused(given_signature: str) -> None:
    assert not crypto.is_signed(given_signature, "QDG6eK", "1", "2")


@pytest.mark.parametrize("size", range(65))
def test_every_length_of_padding_is_cut(size: int) -> None:
    message = b"x" * size
    assert crypto.open_sealed(theirs.seal(message, KEY, OWNER), [KEY], {OWNER}) == message


def test_length_counts_bytes_and_the_owner_may_be_empty() -> None:
    message = "你好👨‍👩‍👧".encode()
    assert crypto.open_sealed(theirs.seal(message, KEY, ""), [KEY], {OWNER, ""}) == message


def test_previous_key_opens_what_the_new_one_does_not() -> None:
    assert crypto.open_sealed(theirs.seal(b"late", KEY, OWNER), [OTHER, KEY], {OWNER}) == b"late"


def test_another_accounts_message_is_refused() -> None:
    with pytest.raises(crypto.SealError):
        crypto.open_sealed(theirs.seal(b"m", KEY, "wx_of_another"), [KEY], {OWNER})


def test_no_key_opens_nothing() -> None:
    with pytest.raises(crypto.SealError):
        crypto.open_sealed(SEALED, ["", ""], {OWNER})


@given(st.binary(max_size=200), st.sampled_from([KEY, OTHER, "short"]))
def test_any_ciphertext_opens_or_is_refused(raw: bytes, key: str) -> None:
    for sealed in (base64.b64encode(raw).decode(), raw.decode("latin-1"), raw.decode(errors="surrogateescape")):
        with pytest.raises(crypto.SealError):
            crypto.open_sealed(sealed, [key], {OWNER})


def test_fields_of_xml_are_texts_by_their_paths() -> None:
    body = "<xml><A><![CDATA[a]]]]><![CDATA[>b\u2028]]></A><N> 1 </N><S><X>deep</X><X>2nd</X></S><E/><A>b</A></xml>"
    assert crypto.fields(body.encode()) == {
        "A": "a]]>b\u2028",
        "N": " 1 ",
        "S.X": "deep",
        "S.X.1": "2nd",
        "E": "",
        "A.1": "b",
    }


def test_fields_of_json_keep_all_digits_of_a_number() -> None:
    body = b' {"MsgId": 24000000000000000001, "X": 23.134521, "S": {"a": 1}, "B": true, "N": null}'
    assert crypto.fields(body) == {"MsgId": "24000000000000000001", "X": "23.134521", "S.a": "1"}


def test_control_characters_that_keyboards_send_do_not_lose_a_message() -> None:
    assert crypto.fields(b"<xml><Content>a\x08b\x1fc\n</Content></xml>") == {"Content": "abc\n"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml><A>",
        b"<xml>a\0b</xml>",
        b'{"A": "a\\u0000b"}',
        b'{"A": "\\ud800"}',
        b'{"A"',
        b'{"A": ' + b"[" * 100_000,
        b"<!DOCTYPE x><xml/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        b'<?xml version="1.0" encoding="nonsense"?>\xff<xml/>',
    ],
)
def test_what_is_neither_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        crypto.fields(body)


def test_deep_xml_is_read_without_recursion() -> None:
    assert crypto.fields(b"<xml>" + b"<a>" * 30_000 + b"</a>" * 30_000 + b"</xml>") == {}


@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: b"<xml><A>" + t.encode() + b"</A></xml>"))
)
def test_any_bytes_are_fields_or_malformed(body: bytes) -> None:
    try:
        found = crypto.fields(body)
    except MalformedError:
        return
    assert {type(part) for pair in found.items() for part in pair} <= {str}
