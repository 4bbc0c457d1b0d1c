"""Quotations are cut with evidence alone, in every language of the table; what is cut is said and found."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.channels.email import Email, languages
from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.reading import attribution, hidden, quote
from backbone.channel import Message
from backbone.events.data import bounded, words
from tests.unit.adapters.channels.kit_email import KEY, NOW, OF_CORPUS

SIDES = quote.Sides(
    answers=True, ours=frozenset({"support@shop.example", "shop.example"}), others=frozenset({"customer.example"})
)
FIRST = SIDES._replace(answers=False)
US = "Support <support@shop.example>"
APPLE = {
    "en": f"On 14 May 2024, at 9:30 AM, {US} wrote:",
    "de": f"Am 14.05.2024 um 09:30 schrieb {US}:",
    "fr": f"Le 14 mai 2024 à 09:30, {US} a écrit\u00a0:",
    "es": "El mar, 14 may 2024 a las 9:30, Support (<support@shop.example>) escribió:",
    "it": f"Il giorno 14 mag 2024, alle ore 09:30, {US} ha scritto:",
    "pt": f"Em 14 de mai. de 2024, à(s) 09:30, {US} escreveu:",
    "nl": f"Op 14 mei 2024, om 09:30 heeft {US} het volgende geschreven:",
    "sv": f"Den tis 14 maj 2024 kl 09:30 skrev {US}:",
    "no": f"tir. 14. mai 2024 kl. 09:30 skrev {US}:",
    "da": f"Den tirs. 14. maj 2024 kl. 09.30 skrev {US}:",
    "fi": "ti 14. toukok. 2024 klo 9.30 Support (support@shop.example) kirjoitti:",
    "pl": f"wt., 14 maj 2024 o 09:30 {US} napisał(a):",
    "cs": f"út 14. 5. 2024 v 9:30 odesílatel {US} napsal:",
    "sk": f"ut 14. 5. 2024 o 9:30 {US} napísal(a):",
    "hu": f"{US} ezt írta (időpont: 2024. máj. 14., K, 9:30):",
    "ro": f"În mar., 14 mai 2024 la 09:30, {US} a scris:",
    "bg": f"На вт, 14.05.2024 г. в 9:30 ч. {US} написа:",
    "hr": f"uto, 14. svi 2024. u 09:30 {US} napisao je:",
    "sl": f"V tor., 14. maj 2024 ob 09:30 je {US} napisal:",
    "et": f"{US} kirjutas kuupäeval T, 14. mai 2024 kell 09:30:",
    "lt": f"2024-05-14, an, 09:30 {US} rašė:",
    "lv": f"otrd., 2024. g. 14. maijs, plkst. 09:30, {US} rakstīja:",
    "ca": f"El dt., 14 de maig 2024 a les 9:30, {US} va escriure:",
    "ru": f"вт, 14 мая 2024 г. в 09:30, {US}:",
    "uk": f"вт, 14 трав. 2024 р. о 09:30 {US} пише:",
    "tr": f"{US}, 14 May 2024 Sal, 09:30 tarihinde şunu yazdı:",
    "el": f"Στις Τρί 14 Μαΐ 2024 στις 9:30 π.μ., ο χρήστης {US} έγραψε:",
    "zh": f"{US} 于2024年5月14日周二 09:30写道：",
    "zh-TW": f"{US} 於 2024年5月14日 週二 上午9:30寫道：",
    "ja": f"2024/05/14 9:30、{US}のメール:",
    "ko": f"2024년 5월 14일 (화) 오전 9:30, {US}님이 작성:",
    "vi": f"Vào Th 3, 14 thg 5, 2024 vào lúc 09:30 {US} đã viết:",
    "th": f"ในวันที่ อ. 14 พ.ค. 2024 เวลา 09:30 {US} เขียนว่า:",
    "ar": "في الثلاثاء، 14 مايو 2024 في 9:30 ص تمت كتابة ما يلي بواسطة \u202asupport@shop.example\u202c\u200f:",
    "he": "\u202bבתאריך יום ג׳, 14 במאי 2024 ב-9:30 מאת Support <\u202asupport@shop.example\u202c>:\u202c",
    "fa": f"در سه‌شنبه 14 مه 2024، 9:30، {US} نوشت:",
    "id": f"Pada tanggal Sel, 14 Mei 2024 pukul 09.30 {US} menulis:",
}
"""What Apple Mail or Gmail writes above a quotation."""

SENT_FROM = (
    *(
        "Sent from my iPhone",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "iPhoneから送信",
    ),
    *(
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Skickat från min iPhone",
        "Sendt fra min iPad",
        "发自我的iPhone",
    ),
    *(
        "Lähetetty iPhonesta",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "iPhone'umdan gönderildi",
        "나의 iPhone에서 보냄",
    ),
    *(
        "Στάλθηκε από το iPhone μου",
        "נשלח מה-iPhone שלי",
        "تم الإرسال من iPhone الخاص بي",
        "Get Outlook for Android",
    ),
)


def told(raw: str) -> Message:
    (event,) = mail_to_events(raw.encode(), OF_CORPUS, NOW)
    assert isinstance(event, Message)
    return event


def letter(body: str, *, answers: bool = True, subject: str = "Order 4711", kind: str = "text/plain") -> str:
    extra = f"In-Reply-To: <{KEY}@shop.example>\n" if answers else ""
    return (
        f"From: Anna <anna@customer.example>\nSubject: {subject}\n{extra}Content-Type: {kind}; charset=utf-8\n\n{body}"
    )


def outlook(language: str, sender: str = US) -> str:
    names = languages.HEADERS[language]
    return (
        f"{names.sender[0]}: {sender}\n{names.date[0]}: 14.05.2024 09:30\n"
        f"{names.to[0]}: Anna <anna@customer.example>\n{names.subject[0]}: Re: Order 4711"
    )


def test_the_table_has_every_language_that_is_promised() -> None:
    assert len(languages.HEADERS) >= 20
    assert set(languages.HEADERS) == set(APPLE)
    promised = "en de fr es it pt nl sv no da fi pl cs sk hu ro ru uk tr el zh ja ko vi th ar he"
    assert set(promised.split()) <= set(APPLE)


@pytest.mark.parametrize("language", languages.HEADERS)
def test_an_outlook_block_of_each_language_is_cut_from_an_answer_alone(language: str) -> None:
    text = f"My answer.\n\n{outlook(language)}\n\nDid it come?"
    assert quote.cut(text, SIDES) == ("My answer.", f"{outlook(language)}\n\nDid it come?")
    bold = "\n".join(f"*{line.replace(': ', ':* ', 1)}" for line in outlook(language).split("\n"))
    assert quote.cut(f"My answer.\n________________\n{bold}\nDid it come?", SIDES).shown == "My answer."
    # Of somebody else's it is the reason for the mail, and so it is in a first mail but of ours.
    for sides, sender in ((SIDES, "Bank <service@bank.example>"), (FIRST, "Bank <service@bank.example>")):
        text = f"My answer.\n\n{outlook(language, sender)}\n\nDid it come?"
        assert quote.cut(text, sides) == (text, "")


@pytest.mark.parametrize("language", APPLE)
def test_an_attribution_of_each_language_is_cut_where_something_is_quoted(language: str) -> None:
    line = APPLE[language]
    assert attribution.introduces(line)
    for below in ("> Did it come?\n> Tell us.", "\n> Did it come?\n>\n> > Yes?", "Did it come?"):
        assert quote.cut(f"My answer.\n\n{line}\n{below}", SIDES).shown == "My answer."
    broken = line.replace(" <", "\n<", 1)
    assert quote.cut(f"My answer.\n\n{broken}\n\n> Did it come?", SIDES).shown == "My answer."
    below = f"{line}\n> Did it come?\n\nYes, on Friday.\nAnna"
    assert quote.cut(f"Hello,\n\n{below}", SIDES).shown == "Hello,\n\nYes, on Friday.\nAnna"
    assert quote.cut(below, SIDES).shown == "Yes, on Friday.\nAnna"


@pytest.mark.parametrize("line", SENT_FROM)
def test_a_line_of_a_device_is_cut_where_it_stands_alone(line: str) -> None:
    assert quote.cut(f"Yes, please.\n\n{line}", FIRST) == ("Yes, please.", line)
    assert quote.cut(f"Yes, please.\n\n{line}\n\n{APPLE['en']}\n> Shall we?", SIDES).shown == "Yes, please."
    assert quote.cut(line, FIRST).shown == line


@pytest.mark.parametrize(
    "text",
    [
        'Hello,\n\nOn 3 May 2024 your colleague Tom wrote:\n"We will send a replacement."\n\nWhere is it?',
        "请修改：\n\n寄件人：王芳\n收件人：李强\n日期：5月20日\n地址：上海\n\n谢谢",
        "From: Berlin\nTo: Paris\nDate: 3 May\n\nPlease change my ticket.",
        "De: Madrid\nPara: Lima\nFecha: 3 mayo\n\nCambien mi billete.",
        "Von: Köln\nAn: Bonn\nDatum: 3. Mai\nBitte umbuchen.",
        "Please send:\n\n==========\n2 lamps\n1 jacket",
        "New message\n-----------\nName: Anna\nPhone: 0800 000000\nMessage: cancel it",
        "A: broken.\n--\nB: too small, and I have sent it back on Monday already, as you said.\n--\nC: never came.",
        "I think it was\nsent from my sister's address in Bonn.",
        "Is this your mail?\n\n-----\nWe sent 3 parcels to you on Monday. Did they come?",
        "I said to Tom at 9:30:\nplease come.",
    ],
)
@pytest.mark.parametrize("sides", [SIDES, FIRST], ids=["an answer", "a first mail"])
def test_words_that_look_like_a_quotation_or_a_signature_stay(text: str, sides: quote.Sides) -> None:
    assert quote.cut(text, sides) == (text, "")


@pytest.mark.parametrize(
    "text", ["my router says:\n\n> show version\n> error", f"see\n\n{APPLE['sv'].replace('shop', 'bank')}\n> no"]
)
def test_a_mail_that_answers_nothing_quotes_nothing(text: str) -> None:
    assert quote.cut(text, FIRST) == (text, "")


@pytest.mark.parametrize(
    "text",
    [
        "Yes.\n\n---- On Tue, 14 May 2024 09:30:00 +0200 Support <support@shop.example> wrote ---\n\nDid it?",
        "Yes.\n\n>>> Support <support@shop.example> 14.05.2024 09:30 >>>\nDid it?",
        "Yes.\n\n-----Ursprüngliche Nachricht-----\nVon: Support\nGesendet: Dienstag\n\nDid it?",
        "Yes.\n\n-------- Messaggio originale --------\nDid it?",
        "Yes.\n\nGesendet: Dienstag, 14. Mai 2024 um 09:30 Uhr\nVon: <support@shop.example>\nAn: a\nBetreff: b\nDid?",
    ],
)
def test_other_mail_programs_mark_what_they_quote_in_their_own_way(text: str) -> None:
    assert quote.cut(text, SIDES).shown == "Yes."


@pytest.mark.parametrize(
    "subject", ["Re: a", "AW: a", "回复：a", "SV: a", "Re[2]: a", "RE : a", "Ответ: a", "תגובה: a"]
)
def test_a_subject_says_that_a_mail_is_an_answer(subject: str) -> None:
    assert told(letter("Yes.\n\n> Did it come?", answers=False, subject=subject)).text == "Yes."


@pytest.mark.parametrize("subject", ["Order: a", "a", "Fwd: a", "转发：a", "", "Reply wanted: a"])
def test_a_subject_that_says_no_such_thing_makes_no_answer(subject: str) -> None:
    assert told(letter("Yes.\n\n> Did it come?", answers=False, subject=subject)).text == "Yes.\n\n> Did it come?"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>Says:</p><blockquote style='margin-left:40px'>Error 42</blockquote>", "Says:\n\n    Error 42"),
        ("Yes<blockquote type=cite>Did it?</blockquote>", "Yes"),
        ("Yes<blockquote type=cite>Did it?</blockquote><p>No!</p>", "Yes\n\nNo!"),
        (f"Yes<br>{APPLE['de'].replace('<', '&lt;')}<blockquote>Did it?</blockquote>", "Yes"),
        (
            "<p>Hi</p><div class=gmail_quote>At 9:30 Support wrote:<blockquote>Did it?</blockquote></div><p>Yes.</p>",
            "Hi\n\nYes.",
        ),
        (
            "<p>Yes</p><div class=yahoo_quoted><div>Support wrote:</div>Did <div>it?</div></div><p>Thanks</p>",
            "Yes\n\nThanks",
        ),
        ("<p>Yes</p><div id=divRplyFwdMsg>From: Support</div><div>Did it?</div><p>more</p>", "Yes"),
    ],
)
def test_html_says_where_a_quotation_ends(body: str, text: str) -> None:
    assert told(letter(body, kind="text/html")).text == text


def test_answers_between_the_lines_keep_all_of_them() -> None:
    text = "> colour?\nblue\n> size?\nL"
    assert quote.cut(f"{APPLE['en']}\n{text}", SIDES) == (f"{APPLE['en']}\n{text}", "")


@pytest.mark.parametrize("size", [10, 5000, 100_000])
def test_what_is_cut_is_counted_and_found_by_search(size: int) -> None:
    quoted = "\n".join(f"> line {number}" for number in range(size // 10))
    message = told(letter(f"Yes.\n\n{APPLE['en']}\n{quoted}"))
    assert message.text == "Yes."
    cut = f"{APPLE['en']}\n{quoted}"
    assert message.attributes["hidden"] == len(cut)
    data: dict[str, Any] = bounded(message.attributes)
    assert data == message.attributes
    assert "line 0" in words(data)
    if size < 20_000:
        assert f"line {size // 10 - 1}" in words(data)
        assert cut.replace("\n", "") == words({"a": data["quoted_text"]}).replace("\n", "")
    assert set(hidden.NAMES) <= set(Email.caps.data)
    assert "line 0" in message.html


def test_a_mail_of_which_nothing_is_cut_says_nothing_of_it() -> None:
    assert told(letter("Yes.\n\nAnna")).attributes == {}
