"""A label that the bytes refute isn't believed, and a text without one is read by what it looks like."""

from __future__ import annotations

import pytest
from webencodings.labels import LABELS

from adapters.channels.email import charset

TEXTS = {
    "gb18030": "请问我的订单什么时候发货？已经等了一个星期，谢谢。",
    "big5hkscs": "請問我的訂單什麼時候出貨？已經等了一個星期，謝謝。",
    "cp932": "商品がまだ届きません。確認をお願いします。",
    "euc_jp": "商品がまだ届きません。確認をお願いします。",
    "cp949": "상품이 아직 도착하지 않았습니다. 확인 부탁드립니다.",
    "cp1251": "Здравствуйте, мой заказ до сих пор не пришёл. Проверьте, пожалуйста.",
    "koi8-r": "Здравствуйте, мой заказ до сих пор не пришел. Проверьте, пожалуйста.",
    "cp1253": "Καλημέρα, η παραγγελία μου δεν έχει έρθει ακόμα. Ευχαριστώ πολύ.",
    "cp1255": "שלום, ההזמנה שלי עדיין לא הגיעה. אנא בדקו, תודה רבה.",
    "cp1256": "مرحبا، طلبي لم يصل حتى الآن. يرجى التحقق من ذلك، شكرا.",
    "cp874": "สวัสดีค่ะ สินค้ายังไม่มาถึง กรุณาตรวจสอบด้วย ขอบคุณค่ะ",
    "cp1252": "Die Größe passt nicht, bitte Rückgabe für 20 €. Schöne Grüße aus Köln",
}
"""What customers write, by the charset in which old programs send it."""

FALSE = ("", "us-ascii", "iso-8859-1", "windows-1252", "utf-8", "x-unknown", "iso-2022-jp", "7bit", "utf-16")
JIS = "商品がまだ届きません。①番と髙橋様、ﾊﾝｶｸ。"


@pytest.mark.parametrize("label", FALSE)
@pytest.mark.parametrize("codec", TEXTS)
def test_a_text_under_a_false_label_or_none_is_read_as_it_was_written(codec: str, label: str) -> None:
    assert charset.decode(TEXTS[codec].encode(codec), label) == TEXTS[codec]


@pytest.mark.parametrize("label", ["gb2312", "big5", "shift_jis", "euc-jp", "euc-kr", "koi8-r", "windows-1251"])
@pytest.mark.parametrize("codec", TEXTS)
def test_a_text_under_the_label_of_another_script_is_read_as_it_was_written(codec: str, label: str) -> None:
    assert charset.decode(TEXTS[codec].encode(codec), label) == TEXTS[codec]


@pytest.mark.parametrize("codec", TEXTS)
def test_a_label_that_is_right_is_believed_also_of_a_few_letters(codec: str) -> None:
    label = {"cp1252": "iso-8859-1", "cp932": "shift_jis", "big5hkscs": "big5", "cp949": "euc-kr"}.get(codec, codec)
    words = TEXTS[codec].split()
    for end in range(1, len(words) + 1):
        text = " ".join(words[:end])
        assert charset.decode(text.encode(codec), label) == text
    for character in "".join(words):
        assert charset.decode(character.encode(codec), label) == character


@pytest.mark.parametrize(
    "text",
    [
        "Müller",
        "naïve café",
        "À LA CARTE: ÉTÉ, ÇA ET LÀ",
        "20 € für „Größe“",
        "£5 – §3",
        "Ångström på Åland",
        "Ñandú ¿qué?",
        "Álvaro",
        "Ástæða og Ísland",
        "Álvaro Ángel Íñigo",
        "Þór",
        "Übergröße",
    ],
)
def test_western_words_are_never_taken_for_those_of_asia(text: str) -> None:
    for label in ("", "iso-8859-1", "us-ascii", "utf-8"):
        assert charset.decode(text.encode("cp1252"), label) == text


@pytest.mark.parametrize(
    "label",
    [
        "",
        "iso-2022-jp",
        "ISO-2022-JP-MS",
        "cp50220",
        "cp50221",
        "CP50222",
        "csISO2022JP",
        "iso-2022-jp (JIS)",
        "us-ascii",
        "utf-8",
    ],
)
def test_iso_2022_jp_is_read_by_its_escapes_whatever_it_is_called(label: str) -> None:
    kanji = "".join(_pair(each) for each in "商品がまだ届きません。①番と髙橋様、").encode("latin-1")
    kana = bytes(each & 0x7F for each in "ﾊﾝｶｸ".encode("cp932"))
    raw = b"\x1b$B" + kanji + b"\x1b(I" + kana + b"\x1b$B" + _pair("。").encode("latin-1") + b"\x1b(B\r\nplain"
    assert charset.decode(raw, label) == JIS + "\nplain"


def _pair(character: str) -> str:
    """A pair of 7 bits by the formula of JIS, from that of Shift_JIS."""
    first, second = character.encode("cp932")
    row = (first - (0x81 if first < 0xA0 else 0xC1)) * 2 + 0x21
    if second >= 0x9F:
        return chr(row + 1) + chr(second - 0x7E)
    return chr(row) + chr(second - (0x20 if second > 0x7F else 0x1F))


@pytest.mark.parametrize("label", sorted(LABELS))
def test_every_label_of_the_whatwg_table_that_names_a_text_is_known(label: str) -> None:
    meant = LABELS[label]
    if meant in {"replacement", "x-user-defined"} and label not in {"hz-gb-2312", "iso-2022-kr", "csiso2022kr"}:
        assert charset.codec_of(label) == ""
    else:
        assert charset.codec_of(label)
        assert charset.codec_of(f'"{label.upper()}" (as a gateway says)') == charset.codec_of(label)


def test_utf_7_and_utf_16_are_read_where_they_are_named() -> None:
    assert charset.decode(b"Die Gr+APYA3w-e passt nicht", "utf-7") == "Die Größe passt nicht"
    assert charset.decode(b"1 +- 1", "utf-7") == "1 + 1"
    for name in ("utf-16", "utf-16le", "utf-16be"):
        assert charset.decode("订单 4711".encode(name), name) == "订单 4711"
    assert charset.decode("订单".encode("utf-16")) == "订单"


def test_one_broken_character_of_a_long_text_in_utf_8_spoils_no_other() -> None:
    raw = "请问我的订单什么时候发货？".encode()
    assert charset.decode(raw[:-1], "utf-8").startswith("请问我的订单什么时候发货")
    assert charset.decode(b"\xff" + raw, "utf-8").endswith("请问我的订单什么时候发货？")
