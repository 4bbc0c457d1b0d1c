"""Nothing of a mail vanishes: every byte of every leaf is in the text, in the HTML or in a file."""

from __future__ import annotations

import base64
import binascii
import html
import quopri
import random
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.reading.formats import embedded, enriched, rtf, smime, tnef
from backbone.channel import Message
from tests.unit.adapters.channels.kit_email import NOW, OF_CORPUS

HEAD = b"From: Anna <anna@customer.example>\r\nSubject: Order\r\n"
TYPES = (
    *("text/plain", "text/html", "text/csv", "text/markdown", "text/enriched", "text/richtext", "text/calendar"),
    *(
        "text/rtf",
        "application/pdf",
        "application/octet-stream",
        "image/png",
        "message/delivery-status",
        "nonsense",
        "",
    ),
    *("application/pkcs7-mime", "application/ms-tnef", "application/json", "text/x-unheard-of", "audio/amr"),
)
KINDS = ("mixed", "alternative", "related", "signed", "report", "unheard-of")
PLACES = ("", "inline", "attachment", "nonsense")
ENCODINGS = ("", "7bit", "base64", "quoted-printable", "8BIT", '"base64"', "x-uuencode", "unheard-of")


def read(raw: bytes) -> Message:
    (event,) = mail_to_events(raw, OF_CORPUS, NOW)
    assert isinstance(event, Message)
    return event


def kept(message: Message, word: bytes) -> bool:
    shown = html.unescape(message.html).encode()
    return word in message.text.encode() or word in shown or any(word in each.content for each in message.media)


@st.composite
def leaves(draw: Any) -> tuple[bytes, list[bytes]]:
    """A leaf and the words in it."""
    words = [b"word%dword" % draw(st.integers(0, 10**12)) for _ in range(draw(st.integers(1, 3)))]
    content = b"\r\n".join(words)
    mime, encoding = draw(st.sampled_from(TYPES)), draw(st.sampled_from(ENCODINGS))
    if mime == "text/html":
        content = b"<p>" + b"</p><p>".join(words) + b"</p>"
    elif mime == "text/rtf":
        content = b"{\\rtf1 " + b"\\par ".join(words) + b"}"
    head = f"Content-Type: {mime}" if mime else "X-Nothing: x"
    if draw(st.booleans()):
        head += "; name=a.bin"
    if place := draw(st.sampled_from(PLACES)):
        head += f"\r\nContent-Disposition: {place}" + ("; filename=b.bin" if draw(st.booleans()) else "")
    head += f"\r\nContent-Transfer-Encoding: {encoding}" if encoding else ""
    if "base64" in encoding:
        content = base64.encodebytes(content)
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content)
    elif encoding == "x-uuencode":
        lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
        content = b"begin 644 a\n" + b"".join(lines) + b"`\nend\n"
    return head.encode() + b"\r\n\r\n" + content, words


@st.composite
def trees(draw: Any, depth: int = 0) -> tuple[bytes, list[bytes]]:
    """A part, of parts or alone, and all words in it."""
    if depth == 3 or draw(st.integers(0, 2)) == 0:
        return draw(leaves())  # type: ignore[no-any-return]
    mark = b"mark%d-%d" % (depth, draw(st.integers(0, 9)))
    inner = [draw(trees(depth + 1)) for _ in range(draw(st.integers(1, 4)))]
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part, _ in inner)
    head = f"Content-Type: multipart/{draw(st.sampled_from(KINDS))}; boundary={mark.decode()}\r\n\r\n".encode()
    return head + body + b"--" + mark + b"--", [word for _, words in inner for word in words]


@given(tree=trees())
@settings(max_examples=150, deadline=None)
def test_every_byte_of_a_leaf_is_in_the_text_the_html_or_a_file(tree: tuple[bytes, list[bytes]]) -> None:
    part, words = tree
    message = read(HEAD + part)
    assert [word for word in words if not kept(message, word)] == []


@given(content=st.binary(min_size=1, max_size=3000), encoding=st.sampled_from(["base64", "8bit", "quoted-printable"]))
@settings(max_examples=60, deadline=None)
def test_every_byte_of_a_file_is_kept(content: bytes, encoding: str) -> None:
    coded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, lambda raw: raw)(
        content
    )
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=mark\r\n\r\n--mark\r\n\r\nhi\r\n--mark\r\n"
    raw += f"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    message = read(raw + coded + b"\r\n--mark--\r\n")
    wanted = quopri.decodestring(coded) if encoding == "quoted-printable" else content
    assert [each.content for each in message.media if each.name == "a.pdf"] == [wanted]


# --- S/MIME -----------------------------------------------------------------------------------


def signed(content: bytes) -> bytes:
    """An opaque signature, as Outlook writes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Anna")])
    since = datetime(2024, 1, 1, tzinfo=UTC)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + timedelta(days=9)).sign(
        key, hashes.SHA256()
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def der(tag: int, content: bytes) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 0x80 else bytes([0x84]) + size.to_bytes(4, "big")
    return bytes([tag]) + length + content


def indefinite(tag: int, content: bytes) -> bytes:
    return bytes([tag, 0x80]) + content + b"\0\0"


INNER = (
    b"Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain\r\n\r\nsigned words\r\n"
    b'--in\r\nContent-Type: application/pdf; name="invoice.pdf"\r\n\r\nPDF\r\n--in--\r\n'
)
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


def test_an_opaque_signature_is_opened_without_a_key_and_kept() -> None:
    packed = signed(INNER)
    raw = HEAD + b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
    raw += b"Content-Transfer-Encoding: base64\r\n\r\n"
    message = read(raw + base64.encodebytes(packed))
    assert message.text == "signed words"
    assert [(each.name, each.content) for each in message.media] == [("smime.p7m", packed), ("invoice.pdf", b"PDF")]
    twice = read(raw + base64.encodebytes(signed(b"Content-Type: application/pkcs7-mime\r\n\r\n" + packed)))
    assert twice.text == "signed words"


def test_octets_in_pieces_of_unknown_length_are_put_together() -> None:
    pieces = b"".join(der(0x04, INNER[at : at + 50]) for at in range(0, len(INNER), 50))
    content = indefinite(0x30, DATA + indefinite(0xA0, indefinite(0x24, pieces)))
    packed = indefinite(
        0x30, SIGNED_DATA + indefinite(0xA0, indefinite(0x30, der(2, b"\x01") + der(0x31, b"") + content))
    )
    assert smime.opened(packed) == INNER


def test_what_is_packed_by_zlib_is_unpacked_and_what_is_encrypted_is_not() -> None:
    kind = bytes.fromhex("060b2a864886f70d0109100109")
    algorithm = der(0x30, bytes.fromhex("060b2a864886f70d0109100308"))
    content = der(0x30, DATA + der(0xA0, der(0x04, zlib.compress(INNER))))
    assert smime.opened(der(0x30, kind + der(0xA0, der(0x30, der(2, b"\0") + algorithm + content)))) == INNER
    sealed = der(0x30, bytes.fromhex("06092a864886f70d010703") + der(0xA0, der(0x30, der(2, b"\0"))))
    assert smime.opened(sealed) == b""
    assert "sealed with S/MIME" in read(HEAD + b"Content-Type: application/pkcs7-mime\r\n\r\n" + sealed).text


def test_a_signed_file_of_another_kind_is_a_file_beside_its_signature() -> None:
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthe invoice\r\n--b\r\n"
    part = b"Content-Type: application/octet-stream; name=fattura.xml.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    message = read(head + part + base64.encodebytes(signed(b"<?xml version='1.0'?><Fattura/>")) + b"--b--\r\n")
    assert [each.name for each in message.media] == ["fattura.xml.p7m", "fattura.xml"]
    assert message.media[1].content == b"<?xml version='1.0'?><Fattura/>"


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_a_signature(raw: bytes) -> None:
    for begin in (b"", b"\x30\x80" + SIGNED_DATA + b"\xa0\x80\x30\x80"):
        smime.opened(begin + raw)


# --- winmail.dat, RTF, enriched ---------------------------------------------------------------


def winmail(tag: int, kind: int, value: bytes) -> bytes:
    properties = struct.pack("<IHHII", 1, kind, tag, 1, len(value)) + value + b"\0" * (-len(value) % 4)
    many = struct.pack("<IHHIII", 2, 0x101F, 0x8, 1, 4, 0) + properties[4:]
    code = struct.pack("<BIII", 1, 0x00069007, 8, 936) + b"\0\0\0\0" + b"\0\0"
    return b"\x78\x9f\x3e\x22\x01\x00" + code + struct.pack("<BII", 1, 0x00069003, len(many)) + many + b"\0\0"


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [
        (0x1000, 0x1F, "订单坏了".encode("utf-16-le")),
        (0x1000, 0x1E, "订单坏了".encode("gbk")),
        (0x1013, 0x0102, "<p>订单坏了</p>".encode("gbk")),
        (0x1013, 0x001E, "<p>订单坏了</p>".encode("gbk")),
        (
            0x1009,
            0x0102,
            struct.pack("<II4sI", 0, 70, b"MELA", 0)
            + b"{\\rtf1\\ansi\\ansicpg936 \\'b6\\'a9\\'b5\\'a5\\'bb\\'b5\\'c1\\'cb}",
        ),
    ],
    ids=["text", "text of 8 bits", "HTML", "HTML as text", "RTF"],
)
def test_words_in_winmail_dat_are_read_in_whichever_form_they_are(tag: int, kind: int, value: bytes) -> None:
    raw = HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    message = read(raw + base64.encodebytes(winmail(tag, kind, value)))
    assert (message.text, [each.name for each in message.media]) == ("订单坏了", ["winmail.dat"])


def test_compressed_rtf_of_the_standard_is_unpacked() -> None:
    # MS-OXRTFCP, 4.1.1 and 4.2.1.
    hello = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232 0af32068656c090020627705b06c647d0a800fa0".replace(
            " ", ""
        )
    )
    assert rtf.unpacked(hello) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.text_of(rtf.unpacked(hello)) == "hello world"
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert rtf.unpacked(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_rtf(raw: bytes) -> None:
    rtf.text_of(b"{\\rtf1 " + raw)
    assert len(rtf.unpacked(struct.pack("<II4sI", 0, 100, b"LZFu", 0) + raw)) < 400
    tnef.unpack(winmail(0x1009, 0x0102, raw))


def test_texts_with_commands_are_read_without_them() -> None:
    assert (
        enriched.text_of("<bold>Where</bold> is\n<<it>?\n\n\nAnna<color><param>red</param>!</color>")
        == "Where is <it>?\n\nAnna!"
    )
    assert enriched.rich_text_of("<bold>a</bold>\nb<nl>c <lt>d") == "a b\nc <d"
    assert (
        enriched.words_of_calendar("SUMMARY;LANGUAGE=en:Vis\n it\nCOMMENT:no\\, Friday\\nplease\nX:y")
        == "Visit\nno, Friday\nplease"
    )


# --- HTML -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "image/svg+xml", "image/png;charset=x"])
def test_a_file_within_html_is_a_file_whatever_its_size_and_no_word_behind_it_is_lost(kind: str) -> None:
    content = random.Random(1).randbytes(1_600_000)
    source = f'<p>See:</p><img src="data:{kind};base64,{base64.b64encode(content).decode()}"><p>My order is 4711</p>'
    message = read(HEAD + b"Content-Type: text/html\r\n\r\n" + source.encode())
    assert message.text == "See:\n\nMy order is 4711"
    assert [each.content for each in message.media] == [content]
    assert ("cid:" + message.media[0].cid in message.html) is bool(message.media[0].cid)
    assert "My order is 4711" in message.html


def test_a_small_picture_stays_in_its_place() -> None:
    source = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    assert embedded.taken_out(source, 1) == (source, [])


def test_a_page_called_text_and_a_text_called_html_are_read_as_what_they_are() -> None:
    assert read(HEAD + b"Content-Type: text/plain\r\n\r\n<!DOCTYPE html><html><p>one<p>two</html>").text == "one\n\ntwo"
    assert read(HEAD + b"Content-Type: text/html\r\n\r\none\r\ntwo\r\n").text == "one\ntwo"
    assert read(HEAD + b"Content-Type: text/plain\r\n\r\nwhat does <html> mean?").text == "what does <html> mean?"


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/html", "text/markdown", "application/octet-stream", "nonsense", "text/x-log"]
)
@pytest.mark.parametrize("place", ["", "inline; filename=a.txt", "inline"])
def test_the_root_of_a_mail_is_read_whatever_it_is_called(kind: str, place: str) -> None:
    raw = HEAD + f"Content-Type: {kind}\r\n".encode() + (f"Content-Disposition: {place}\r\n".encode() if place else b"")
    message = read(raw + b"\r\nWhere is order 4711?")
    is_file = kind == "application/octet-stream"
    assert message.text == ("" if is_file and "filename" in place else "Where is order 4711?")
    assert len(message.media) == is_file
