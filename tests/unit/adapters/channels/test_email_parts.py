"""The pure pieces that mails are read with: charsets, headers, parts, HTML, text, quotations."""

from __future__ import annotations

import html.parser
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from adapters.channels.email import charset, headers, mime
from adapters.channels.email.headers import Address
from adapters.channels.email.reading import html as safe_html
from adapters.channels.email.reading import plain, quote, trust
from adapters.channels.email.reading.automatic import Fuse
from adapters.channels.email.reading.body import file_name
from adapters.channels.email.reading.formats import tnef
from adapters.channels.email.reading.formats.flowed import unflow
from adapters.channels.email.servers.codes import fault_of_login, fault_of_reply, fault_of_token
from backbone.channel import Pause, Retry
from tests.unit.adapters.channels.kit_email import CORPUS, OF_CORPUS

# --- charsets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("GB2312", "gb18030"),
        ("gbk", "gb18030"),
        ("cp936", "gb18030"),
        ("ms936", "gb18030"),
        ("ISO-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ('"utf-8"', "utf-8"),
        ("UTF8", "utf-8"),
        ("Big5", "big5hkscs"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-8859-15", "iso8859-15"),
        ("windows-1251", "cp1251"),
        ("koi8-u", "koi8-u"),
        ("", ""),
        ("x-unknown", ""),
        ("no\0such", ""),
    ],
)
def test_a_label_means_what_its_users_send(label: str, codec: str) -> None:
    assert charset.codec_of(label) == codec


@pytest.mark.parametrize("label", ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "rot13", "hex", "zip"])
def test_what_is_no_charset_of_mails_is_none(label: str) -> None:
    assert charset.codec_of(label) == ""
    assert charset.decode(b"\\x41 plain", label) == "\\x41 plain"


def test_western_letters_between_ascii_are_not_taken_for_chinese() -> None:
    assert charset.decode("Müller grüßt Frau Möß aus Köln".encode("cp1252")) == "Müller grüßt Frau Möß aus Köln"
    assert charset.decode("naïve café à côté".encode("cp1252"), "iso-8859-1") == "naïve café à côté"


def test_two_chinese_characters_of_gbk_that_look_like_utf8_by_chance_stay_chinese() -> None:
    # Known from the notepad of Windows: the bytes of 联通 are valid UTF-8.
    assert charset.decode("联通".encode("gbk"), "gbk") == "联通"


def test_text_has_no_nul_no_lone_surrogates_and_one_kind_of_newline() -> None:
    assert charset.decode(b"a\0b\r\nc\rd\x07e") == "ab\nc\nde"
    assert charset.decode("\ud83d".encode("utf-16-le", "surrogatepass") + b"\0\0", "utf-16-le").isprintable()


@given(
    text=st.text(
        alphabet=st.characters(codec="gb18030", exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1, max_size=3
    )
)
def test_every_character_of_gb18030_is_read_under_each_of_its_labels(text: str) -> None:
    for label in ("gb18030", "gbk", "gb2312"):
        assert charset.decode(text.encode("gb18030"), label) in {
            text,
            text.encode("gb18030").decode("utf-8", "replace"),
        }


@given(
    raw=st.binary(),
    label=st.one_of(st.sampled_from(["gb2312", "big5", "utf-16", "iso-2022-jp", "hz"]), st.text(max_size=20)),
)
def test_any_bytes_under_any_label_are_a_text(raw: bytes, label: str) -> None:
    charset.decode(raw, label).encode()


# --- headers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        # RFC 2047, section 8.
        (b"=?ISO-8859-1?Q?a?=", "a"),
        (b"=?ISO-8859-1?Q?a?= b", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"),
        (b"=?ISO-8859-1?Q?a_b?=", "a b"),
        (b"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
        # RFC 2231, section 5: with a language.
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        (b"=?utf-8?b?5L2g5aW9?=", "你好"),
        (b"=?utf-8?b?5L2g5aW?=", "你�"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?broken", "=?broken"),
        (b"", ""),
    ],
)
def test_encoded_words_of_rfc2047(raw: bytes, wanted: str) -> None:
    assert headers.words(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "value", "parameters"),
    [
        # RFC 2231, sections 3 to 4.1.
        (
            b'message/external-body; access-type=URL; URL*0="ftp://";\r\n URL*1="cs.utk.edu/pub/moore/x.tar"',
            "message/external-body",
            {"access-type": "URL", "url": "ftp://cs.utk.edu/pub/moore/x.tar"},
        ),
        (
            b"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            "application/x-stuff",
            {"title": "This is ***fun***"},
        ),
        (
            (
                b"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
                b' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"'
            ),
            "application/x-stuff",
            {"title": "This is even more ***fun*** isn't it!"},
        ),
        (b'text/plain; name="a;b\\"c.txt"; CHARSET = "utf-8"', "text/plain", {"name": 'a;b"c.txt', "charset": "utf-8"}),
        (b"text/plain; name=unquoted name.txt", "text/plain", {"name": "unquoted name.txt"}),
        (b'text/plain; name="never closed', "text/plain", {"name": "never closed"}),
        (b"text/plain; name*9999999999999999999*=x; name*=''; =x; ;;", "text/plain", {"name": ""}),
        (b"", "", {}),
    ],
)
def test_parameters_of_rfc2231(raw: bytes, value: str, parameters: dict[str, str]) -> None:
    assert headers.parameters(raw) == (value, parameters)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        # RFC 5322, appendix A.
        (b"John Doe <jdoe@machine.example>", [("John Doe", "jdoe@machine.example")]),
        (b'"Joe Q. Public" <john.q.public@example.com>', [("Joe Q. Public", "john.q.public@example.com")]),
        (
            b"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
            [("Mary Smith", "mary@x.test"), ("", "jdoe@example.org"), ("Who?", "one@y.test")],
        ),
        (
            b'<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
            [("", "boss@nil.test"), ('Giant; "Big" Box', "sysservices@example.net")],
        ),
        (b"A Group:Ed Jones <joe@where.test>,john@one.test;", [("Ed Jones", "joe@where.test"), ("", "john@one.test")]),
        (
            b"Weber, Anna <anna@c.example>, Ben <ben@c.example>",
            [("Weber, Anna", "anna@c.example"), ("Ben", "ben@c.example")],
        ),
        (b"Friends, anna@c.example", [("", "anna@c.example")]),
        (b"'anna@c.example'", [("", "anna@c.example")]),
        ("“anna@c.example”".encode(), [("", "anna@c.example")]),
        (b"o'neil@c.example", [("", "o'neil@c.example")]),
        (b'<"taro..yamada."@docomo.example>', [("", "taro..yamada.@docomo.example")]),
        (b'"taro..yamada."@docomo.example', [("", "taro..yamada.@docomo.example")]),
        (b'"a b"@c.example', [("", '"a b"@c.example')]),
        (b'"a<b@evil.example>" <anna@c.example>', [("a<b@evil.example>", "anna@c.example")]),
        (b"Undisclosed recipients:;", []),
        (b"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", []),
        (b"alice@example.com <evil@attacker.example>", [("alice@example.com", "evil@attacker.example")]),
        (b'"support@bank.example" <evil@attacker.example>', [("support@bank.example", "evil@attacker.example")]),
        (b"<a@b.example", [("", "a@b.example")]),
        (b"MiXeD@ExAmPle.COM", [("", "mixed@example.com", "MiXeD@example.com")]),
        (b"no address, at all", []),
        (b"@", []),
        (b"", []),
    ],
)
def test_addresses_as_people_and_programs_write_them(raw: bytes, wanted: list[tuple[str, ...]]) -> None:
    assert headers.addresses(raw) == [Address(*each) for each in wanted]


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC)),
        (b"Thu, 13 Feb 1969 23:32 -0330", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"21 Nov 97 09:55:06 GMT", datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC)),
        (b"Tue, 14 May 2024 09:30:00 +0800 (CST)", datetime(2024, 5, 14, 1, 30, tzinfo=UTC)),
        (b"Tue, 14 May 2024 09:30:00 EDT", datetime(2024, 5, 14, 13, 30, tzinfo=UTC)),
        (b" 2-Jan-2024 09:30:00 +0000", datetime(2024, 1, 2, 9, 30, tzinfo=UTC)),
        (b"Tue, 99 May 2024 09:30:00 +0800", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"Tue, 14 Foo 2024 09:30:00 +0800", datetime(1970, 1, 1, tzinfo=UTC)),
        (b"", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_and_what_stands_in_their_place(raw: bytes, wanted: datetime) -> None:
    assert headers.timestamp_ms(raw) == int(wanted.timestamp() * 1000)


@given(raw=st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_a_header(raw: bytes) -> None:
    headers.words(raw).encode()
    headers.parameters(raw)
    headers.addresses(raw)
    headers.ids(raw)
    headers.own_id(raw)
    assert headers.timestamp_ms(raw) >= 0


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\x.doc", "x.doc"),
        ("in\u202efdp.exe", "infdp.exe"),
        ("a\r\nb\0.txt", "ab.txt"),
        ('a<b>:"c|?*.txt', "abc.txt"),
        ("  .hidden. ", "hidden"),
        ("..", ""),
        ("", ""),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("y" * 300, "y" * 150),
    ],
)
def test_names_of_files_have_no_folders_and_no_tricks(given_name: str, name: str) -> None:
    assert file_name(given_name) == name


# --- parts ------------------------------------------------------------------------------------


@given(raw=st.binary(max_size=2000))
@settings(max_examples=200)
def test_any_bytes_are_a_tree_of_parts(raw: bytes) -> None:
    for part in mime.read(raw).walk():
        part.content()
        part.text()


def test_parts_keep_their_bytes_to_the_last() -> None:
    body = bytes(range(256)) * 3
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + body
        + b"\r\n--b\r\n\r\n\r\n\r\n--b--\r\nepilogue"
    )
    first, second = mime.read(raw).children
    assert first.body == body
    assert second.body == b"\r\n"


def test_tnef_that_is_cut_or_strange_gives_what_comes_before() -> None:
    whole = mime.read((CORPUS / "winmail-dat.eml").read_bytes()).content()
    assert tnef.unpack(whole).text == "Outlook 里的文字\n第二行"
    for end in range(len(whole)):
        tnef.unpack(whole[:end])
    assert tnef.unpack(b"") == tnef.unpack(b"PK\x03\x04") == ("", "", b"", [])


@given(raw=st.binary(max_size=400))
def test_any_bytes_are_a_winmail_dat(raw: bytes) -> None:
    tnef.unpack(b"\x78\x9f\x3e\x22" + raw)


# --- text -------------------------------------------------------------------------------------


def test_flowed_text_of_rfc3676() -> None:
    # Section 4.2 and 5.1: by depth of quotation, the signature apart.
    text = ">> a \n>> b\n> c \n> d\ne \nf\n\n-- \nname"
    assert unflow(text, delete_space=False) == ">> a b\n> c d\ne f\n\n-- \nname".replace(">> ", "> > ")
    assert unflow("你 \n好", delete_space=True) == "你好"
    assert unflow(" >not a quote\n From x", delete_space=False) == ">not a quote\nFrom x"


@given(text=st.text(alphabet=st.sampled_from("ab \n>-"), max_size=200))
def test_flowing_loses_no_letter(text: str) -> None:
    def letters(of: str) -> list[str]:
        return [character for character in of if character in "ab"]

    assert letters(unflow(text, delete_space=False)) == letters(text)


ANSWER = quote.Sides(answers=True, ours=frozenset({"shop.example"}))


@given(text=st.text(alphabet=st.sampled_from("写道：:>- \nOn2024a@.wrote发件人From"), max_size=300))
@settings(max_examples=400, deadline=None)
def test_what_is_shown_stands_in_what_was_written_in_that_order(text: str) -> None:
    written = iter(text)
    shown = quote.cut(text, ANSWER).shown
    assert all(character in written for character in shown if not character.isspace())


@given(text=st.text(min_size=1, max_size=200).filter(lambda text: text.strip()))
@settings(max_examples=300, deadline=None)
def test_something_is_shown_wherever_something_was_written(text: str) -> None:
    shown = quote.cut(charset.clean(text), ANSWER).shown
    assert shown.strip() or not charset.clean(text).replace(">", "").strip()


# --- HTML -------------------------------------------------------------------------------------


class Judge(html.parser.HTMLParser):
    """Another parser's opinion of what stands in safe HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        values = dict(attrs)
        source = values.get("src") or "cid:"
        if tag not in safe_html._TAGS:
            self.wrong.append(tag)
        if any(name.startswith("on") or name in {"id", "name", "class", "srcset", "background"} for name in values):
            self.wrong.append(str(attrs))
        if not source.startswith(("cid:", "data:image/")):
            self.wrong.append(source)
        if not (values.get("href") or "http:").strip().lower().startswith(("http:", "https:", "mailto:", "tel:")):
            self.wrong.append(str(values["href"]))
        if "url" in (values.get("style") or "") or "\\" in (values.get("style") or ""):
            self.wrong.append(str(values["style"]))


PIECES: list[str] = [each["html"] for each in json.loads((CORPUS / "xss.json").read_text(encoding="utf-8"))]


@given(
    pieces=st.lists(st.tuples(st.sampled_from(PIECES), st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=6)
)
@settings(max_examples=400, deadline=None)
def test_harmful_pieces_cut_and_joined_anyhow_stay_harmless(pieces: list[tuple[str, int, int]]) -> None:
    source = "".join(piece[begin : len(piece) - end] for piece, begin, end in pieces)
    judge = Judge()
    judge.feed(safe_html.clean(source))
    judge.close()
    assert judge.wrong == []


@given(text=st.text(max_size=200))
def test_text_as_html_and_back_is_the_text(text: str) -> None:
    lines = [" ".join(line.split()) for line in charset.clean(text).replace("\xa0", " ").split("\n")]
    back = plain.text_of(safe_html.clean(safe_html.from_text("\n".join(lines))))
    assert back.replace("\n", "").replace(" ", "") == "".join("".join(lines).split()).replace(plain.QUOTE, "")


def test_a_source_of_a_picture_in_the_mail_itself_stays() -> None:
    pixel = "data:image/png;base64," + "iVBORw0KGgo" * 2000
    assert f'src="{pixel}"' in safe_html.clean(f'<img src="{pixel}" width="3">')


def test_styles_of_known_properties_stay() -> None:
    cleaned = safe_html.clean(
        "<p style=\"color:RGB(1, 2, 3); FONT-FAMILY: 'Micro Soft', serif; margin:0 -1px; x:y; background:red\">a</p>"
    )
    assert cleaned == "<p style=\"color:RGB(1, 2, 3);font-family:'Micro Soft', serif;margin:0 -1px\">a</p>"


def test_addresses_keep_their_ampersands() -> None:
    assert 'href="https://x.example/?a=1&amp;para=2&amp;copy=3"' in safe_html.clean(
        '<a href="https://x.example/?a=1&para=2&amp;copy=3">x</a>'
    )


# --- trust, loops, codes ------------------------------------------------------------------------


def test_a_result_of_dmarc_is_read_with_comments_and_capitals() -> None:
    part = mime.read(
        b"Authentication-Results: MX.shop.example (v1) 1;\r\n\tspf=pass smtp.mailfrom=a@b.example;\r\n"
        b"\tDMARC=Pass (p=NONE) header.from=B.example\r\n\r\n"
    )
    assert trust.dmarc(part, OF_CORPUS, "a@b.example") == "pass"
    assert trust.dmarc(part, structs.replace(OF_CORPUS, authserv_id=""), "a@b.example") == ""
    assert trust.dmarc(part, structs.replace(OF_CORPUS, authserv_id="mx.other.example"), "a@b.example") == ""
    assert trust.dmarc(part, OF_CORPUS, "a@notb.example") == ""


HOP = (
    b"Received: from AM0PR01MB5810.eurprd01.prod.outlook.com (2603:10a6::1) by DB7.eurprd01.prod.outlook.com with HTTPS"
    b"; Tue, 14 May 2024 01:30:00 +0000\r\n"
)
CAME_IN = (
    b"Received: from mail.b.example (192.0.2.1) by AM6EUR05FT048.mail.protection.outlook.com (10.233.241.1) with"
    b" Microsoft SMTP Server; Tue, 14 May 2024 01:29:59 +0000\r\n"
)
RESULTS = (
    b"Authentication-Results: spf=%s (sender IP is 192.0.2.1)\r\n smtp.mailfrom=b.example; dkim=none (message not signe"
    b"d)\r\n header.d=none;dmarc=%s action=none\r\n header.from=b.example;compauth=pass reason=100\r\n"
)


@pytest.mark.parametrize(
    ("head", "result"),
    [
        (HOP + RESULTS % (b"pass", b"pass") + CAME_IN, "pass"),
        (RESULTS % (b"fail", b"fail") + HOP + CAME_IN, "fail"),
        (HOP + RESULTS % (b"none", b"none") + CAME_IN + RESULTS % (b"pass", b"pass"), "none"),
        (HOP + CAME_IN + RESULTS % (b"pass", b"pass"), ""),
        (HOP + b"Authentication-Results: mx.b.example; dmarc=pass header.from=b.example\r\n" + CAME_IN, ""),
    ],
    ids=["its own", "failed", "forged below its own", "forged alone", "of another server"],
)
def test_results_of_microsoft_365_that_name_no_server_are_told_from_forged_ones(head: bytes, result: str) -> None:
    part = mime.read(head + b"From: a@b.example\r\n\r\nhi\r\n")
    microsoft = structs.replace(OF_CORPUS, imap_host="outlook.office365.com", authserv_id="")
    assert trust.dmarc(part, microsoft, "a@b.example") == result
    by_name = structs.replace(OF_CORPUS, authserv_id="microsoft365")
    assert trust.dmarc(part, by_name, "a@b.example") == result
    elsewhere = structs.replace(OF_CORPUS, authserv_id="")
    # That a sender failed is believed of whoever says it: nobody gains by writing it of themselves.
    assert trust.dmarc(part, elsewhere, "a@b.example") == ("fail" if result == "fail" else "")


def test_the_fuse_blows_at_the_eleventh_mail_in_ten_minutes_and_holds_an_hour() -> None:
    fuse = Fuse()
    assert [fuse.is_blown("a@b.example", at * 59.0) for at in range(11)] == [False] * 10 + [True]
    assert not fuse.is_blown("c@d.example", 600)
    assert fuse.is_blown("a@b.example", 590 + 3599)
    assert not fuse.is_blown("a@b.example", 590 + 3601)
    slow = Fuse()
    assert not any(slow.is_blown("a@b.example", at * 61.0) for at in range(100))


def test_the_fuse_forgets_the_oldest_of_many_addresses() -> None:
    fuse = Fuse()
    for number in range(3 * Fuse.MOST_ADDRESSES):
        fuse.is_blown(f"{number}@b.example", 0)
    assert len(fuse._seen) == Fuse.MOST_ADDRESSES


def test_replies_that_are_well_are_no_fault() -> None:
    assert {fault_of_reply(code, "ok") for code in (200, 220, 221, 235, 250, 251, 252, 354)} == {None}
    assert fault_of_token(200, b"") is None


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("[AUTHENTICATIONFAILED] Authentication failed.", Pause),
        ("LOGIN failed", Pause),
        ("[ALERT] Application-specific password required", Pause),
        ("Login fail. Account is abnormal, service is not open, password is incorrect", Pause),
        ("[UNAVAILABLE] Temporary authentication failure", Retry),
        ("[LIMIT] over", Retry),
        ("[INUSE] locked", Retry),
        ("[ALERT] Too many simultaneous connections. (Failure)", Retry),
        ("System busy, try again later", Retry),
    ],
)
def test_a_refused_login_is_the_password_s_fault_unless_the_server_says_otherwise(said: str, kind: type[Any]) -> None:
    assert isinstance(fault_of_login(said), kind)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Pause), (401, Pause), (403, Pause), (429, Retry), (500, Retry), (502, Retry), (503, Retry)],
)
def test_an_answer_of_the_token_server_means(status: int, kind: type[Any]) -> None:
    assert isinstance(fault_of_token(status, b'{"error":"x"}'), kind)
