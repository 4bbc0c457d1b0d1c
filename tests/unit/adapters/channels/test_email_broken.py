"""Headers, values and encodings as gateways and scripts break them: what can be read is read, and nothing is lost."""

from __future__ import annotations

import base64
import random

import pytest

from adapters.channels.email import headers, mime, uuencode
from adapters.channels.email.parse import mail_to_events
from backbone.channel import Message
from tests.unit.adapters.channels.kit_email import NOW, OF_CORPUS

HEAD = b"From: Anna <anna@customer.example>\r\nSubject: Order\r\n"
WORDS = "Größe L, bitte."


def read(raw: bytes) -> Message:
    (event,) = mail_to_events(raw, OF_CORPUS, NOW)
    assert isinstance(event, Message)
    return event


@pytest.mark.parametrize(
    "written",
    [
        b"base64",
        b'"base64"',
        b"BASE64;",
        b"base64 (by gateway)",
        b"(x) base64",
        b"'base64'",
        b"base-64",
        b"x-base64",
        b" base64\t",
    ],
)
def test_an_encoding_is_known_whatever_is_written_around_it(written: bytes) -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + written
    assert read(raw + b"\r\n\r\n" + base64.encodebytes(WORDS.encode())).text == WORDS


@pytest.mark.parametrize(
    "written",
    [
        b"text/html; charset=iso-8859-1",
        b"text/html charset=iso-8859-1",
        b"text/html, charset=iso-8859-1",
        b'text/html; charset="iso-8859-1" (Western)',
        b"text/html; charset=iso-8859-1 (Western)",
        b"text/html; charset=iso-8859-1 format=flowed",
        b"\"text/html\"; charset='iso-8859-1'",
        b"(a; comment) text/html; charset (x) = iso-8859-1",
        b"text/html;;charset=iso-8859-1;",
        b"HTML; charset=ISO-8859-1",
        b"application/xhtml+xml; charset=iso-8859-1",
    ],
)
def test_a_type_and_its_charset_are_known_without_semicolons_and_with_comments(written: bytes) -> None:
    part = mime.read(HEAD + b"Content-Type: " + written + b"\r\n\r\n<p>" + WORDS.encode("latin-1") + b"</p>")
    assert (part.mime, part.parameters["charset"].lower()) == ("text/html", "iso-8859-1")
    assert part.text() == f"<p>{WORDS}</p>"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b'application/pdf name="a (1).pdf"', "a (1).pdf"),
        (b"application/pdf; name=a (1).pdf", "a (1).pdf"),
        (b'application/pdf; name="a;b.pdf" charset=utf-8', "a;b.pdf"),
        (b'application/pdf; charset=utf-8 name="x=y.pdf"', "x=y.pdf"),
    ],
)
def test_names_of_files_keep_brackets_and_signs(written: bytes, name: str) -> None:
    assert headers.parameters(written)[1]["name"] == name


@pytest.mark.parametrize(
    "above",
    [
        b"",
        b"X-Scan Result: clean\r\n",
        b"gateway says hello\r\n",
        b"\xd5\xd5: x\r\n",
        b"X-Scan Result: clean\r\n folded too\r\nno header\r\n",
        b"From somebody Mon Jan 1\r\n",
        b": no name\r\n",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"\n"])
def test_a_bad_line_among_headers_hides_none_below_it(above: bytes, mark: bytes) -> None:
    raw = (
        mark
        + b"Received: by x; Tue, 14 May 2024 09:30:00 +0800\r\n"
        + above
        + HEAD
        + b"Content-Type: text/html\r\n\r\n<p>hi</p>"
    )
    message = read(raw)
    assert (message.peer.id, message.subject, message.text) == ("anna@customer.example", "Order", "hi")
    message = read(mark.strip() + above + HEAD + b"Content-Type: text/html\r\n\r\n<p>hi</p>")
    assert (message.peer.id, message.subject, message.text) == ("anna@customer.example", "Order", "hi")


def test_a_text_without_an_empty_line_above_it_stays_a_text() -> None:
    assert read(HEAD + b"Hello,\r\nwhere is it: the lamp?\r\n\r\nAnna").text == "Hello,\nwhere is it: the lamp?\n\nAnna"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100, 1033])
def test_base64_in_pieces_with_padding_of_their_own_is_read_to_the_last_byte(size: int) -> None:
    content = random.Random(size).randbytes(size * 3)
    pieces = b"\r\n".join(base64.b64encode(content[at : at + size]) for at in range(0, len(content), size))
    assert headers.base64(pieces) == content
    assert (
        headers.base64(pieces + b"\r\n_______________\r\nThe list's own words\r\n")
        in {
            content,
            # Without padding nothing says where it ends.
            headers.base64(pieces + b"ThelistsownwordsThe"),
        }
        or size % 3 == 0
    )


def test_an_encoded_word_with_a_question_mark_inside_is_read_and_two_stay_two() -> None:
    assert headers.words(b"=?UTF-8?Q?Gr=C3=B6=C3=9Fe_L? Wann?=") == "Größe L? Wann"
    assert headers.words(b"=?utf-8?q?a?= x? =?utf-8?q?b?=") == "a x? b"
    assert headers.words(b"=?utf-8?q?a??= =?utf-8?q?b=3D?=") == "a?b="
    assert headers.words(b"=?utf-8?b?YQ===?=") == "a"


@pytest.mark.parametrize(
    "codec", ["euc-kr", "koi8-r", "big5", "shift_jis", "gbk", "windows-1251", "iso-8859-1", "utf-8"]
)
def test_raw_headers_are_in_the_charset_of_the_text(codec: str) -> None:
    words = {
        "euc-kr": "김민수",
        "koi8-r": "Где заказ",
        "big5": "請問",
        "shift_jis": "商品",
        "gbk": "李雷",
        "windows-1251": "Анна",
    }
    name = words.get(codec, "Jürgen")
    text = {"iso-8859-1": "Größe"}.get(codec, name)
    raw = (
        b"From: " + name.encode(codec) + b" <a@b.example>\r\nSubject: " + name.encode(codec) + b"\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset="
        + codec.encode()
        + b"\r\n\r\n"
        + text.encode(codec)
        + b'\r\n--b\r\nContent-Type: application/pdf; name="'
        + name.encode(codec)
        + b'.pdf"\r\n\r\nx\r\n--b--\r\n'
    )
    message = read(raw)
    assert (message.peer.name, message.subject, message.text) == (name, name, text)
    assert [each.name for each in message.media] == [f"{name}.pdf"]


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_multipart_that_is_encoded_as_a_whole_is_read_part_by_part(encoding: str) -> None:
    inner = b"--=_b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--=_b\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n"
    coded = base64.encodebytes(inner) if encoding == "base64" else inner.replace(b"=", b"=3D")
    head = HEAD + b'Content-Type: multipart/mixed; boundary="=_b"\r\nContent-Transfer-Encoding: '
    message = read(head + encoding.encode() + b"\r\n\r\n" + coded)
    assert (message.text, [each.name for each in message.media]) == ("hi", ["a.png"])


def test_parts_beyond_the_bound_are_kept_in_the_last_one() -> None:
    many = b"".join(b"--b\r\n\r\npart %d\r\n" % number for number in range(mime.MOST_PARTS + 50))
    message = read(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + many + b"--b--\r\n")
    assert "part 0\n" in message.text
    assert f"part {mime.MOST_PARTS + 49}" in message.text


def test_a_file_in_uuencode_is_told_from_words_that_begin_like_one() -> None:
    text = "the log\n\nbegin 644 log.txt\n%:&5L;&\\\n`\nend\nbye"
    assert uuencode.within(text) == ("the log\n\nbye", [("log.txt", b"hello")])
    for words in (
        "begin 644 days ago\nand then it is what it was before\nend",
        "begin 644 x\n%:&5L;&\\\n",
        "we begin 10 times",
    ):
        assert uuencode.within(words) == (words, [])
    assert uuencode.within("begin-base64 644 a b.txt\naGVsbG8=\n====\n")[1] == [("a b.txt", b"hello")]


@pytest.mark.parametrize(
    "words", ["Die Größe passt nicht, bitte.", "I am out of the office until Monday.\r\n\r\nAnna", "请问何时发货？"]
)
def test_words_that_were_never_encoded_are_read_under_the_label_of_base64(words: str) -> None:
    raw = (
        HEAD + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + words.encode()
    )
    assert read(raw).text == words.replace("\r\n", "\n")


def test_a_bad_line_above_the_headers_of_a_part_hides_none_below_it() -> None:
    head = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nno header\r\n"
    part = b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nUERG\r\n--b--\r\n"
    message = read(head + part)
    assert (message.text, [(each.name, each.content) for each in message.media]) == ("hi", [("a.pdf", b"PDF")])
