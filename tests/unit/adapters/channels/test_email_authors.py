"""Who wrote a mail that somebody carries for them, and which mails a program wrote."""

from __future__ import annotations

import pytest
from msgspec import structs

from adapters.channels.email.parse import mail_to_events
from adapters.channels.email.settings import Account
from backbone.channel import Message
from tests.unit.adapters.channels.kit_email import NOW, OF_CORPUS

LIST = "care@lists.example"
COPIED = "Cc: Anna <anna@c.example>\r\n"
ORIGINAL = "X-Original-From: Anna Weber <anna@c.example>\r\n"
PASSED = "Authentication-Results: mx.shop.example; dmarc=pass header.from=forms.example\r\n"


def message_of(head: str, acc: Account = OF_CORPUS) -> Message:
    (message,) = mail_to_events(f"{head}\r\nhi\r\n".encode(), acc, NOW)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    "head",
    [
        f"From: 'Anna Weber' via Care <{LIST}>\r\nReply-To: Anna Weber <anna@c.example>\r\n",
        f"From: 'Anna Weber' via Care <{LIST}>\r\nX-Original-Sender: anna@c.example\r\nMailing-list: list {LIST}\r\n",
        f"From: Anna via Care <{LIST}>\r\nReply-To: {LIST}\r\nList-Post: <mailto:{LIST}>\r\n{COPIED}",
        f"From: Anna Weber (via care Mailing List) <{LIST}>\r\nList-Id: <care.lists.example>\r\n{ORIGINAL}",
        f'From: "Anna Weber via Care" <{LIST}>\r\nX-BeenThere: {LIST}\r\nX-MailFrom: anna@c.example\r\n',
        'From: "Anna Weber (via Example Forms)" <no-reply@forms.example>\r\nReply-To: anna@c.example\r\n',
        'From: "Anna Weber (über Formulare)" <formular@forms.example>\r\nReply-To: anna@c.example\r\n',
        "From: Forms <noreply@forms.example>\r\nReply-To: Anna Weber <anna@c.example>\r\n",
        "From: Forms <do_not_reply+17@forms.example>\r\nReply-To: Anna Weber <anna@c.example>\r\n",
        "From: Formulaire <ne-pas-repondre@forms.example>\r\nReply-To: Anna Weber <anna@c.example>\r\n",
        "From: 'Anna Weber' via Help <help@shop.example>\r\nX-Original-Sender: anna@c.example\r\n",
    ],
)
def test_the_author_stands_for_whoever_carries_the_mail_and_is_proven_by_nobody(head: str) -> None:
    message = message_of(PASSED + head)
    assert message.peer.id == "anna@c.example"
    assert message.peer.name in {"Anna", "Anna Weber"}
    assert message.peer.verified == ()
    assert message.context.get("dmarc", "") != "pass"


@pytest.mark.parametrize(
    "head",
    [
        "From: Anna Weber <anna@c.example>\r\nReply-To: thief@evil.example\r\n",
        "From: Anna Weber <anna@c.example>\r\nX-Original-From: thief@evil.example\r\n",
        f"From: Anna Weber <anna@c.example>\r\nX-Original-Sender: thief@evil.example\r\nList-Post: <mailto:{LIST}>\r\n",
        "From: Anna Weber <anna@c.example>\r\nSender: lists@elsewhere.example\r\n",
    ],
)
def test_who_writes_in_their_own_name_is_the_author(head: str) -> None:
    assert message_of(head).peer.id == "anna@c.example"


def test_headers_of_a_list_that_is_none_name_no_author() -> None:
    message = message_of("From: News <no-reply@vendor.example>\r\nX-Original-Sender: anna@c.example\r\n")
    assert message.peer.id == "no-reply@vendor.example"


@pytest.mark.parametrize(("aliases", "automatic"), [((LIST,), False), ((), True)])
def test_a_list_that_is_an_address_of_ours_is_no_sign_of_a_program(
    aliases: tuple[str, ...], *, automatic: bool
) -> None:
    acc = structs.replace(OF_CORPUS, aliases=aliases)
    head = (
        f"From: 'Anna Weber' via Care <{LIST}>\r\nTo: {LIST}\r\nCc: ben@c.example\r\n"
        f"X-Original-Sender: anna@c.example\r\nPrecedence: list\r\n"
        f"List-ID: <care.lists.example>\r\nList-Unsubscribe: <mailto:care+off@lists.example>\r\n"
    )
    message = message_of(head, acc)
    assert message.automatic is automatic
    # The list itself would bring the answer back.
    assert LIST not in message.context["cc"].split()
    assert message_of(head.replace("Precedence: list", "Precedence: bulk"), acc).automatic


@pytest.mark.parametrize(
    "subject",
    [
        "Out of Office AutoReply: Order",
        "Out of office",
        "Absence du bureau : Order",
        "Risposta automatica: Order",
        "Automatisch antwoord: Order",
        "Autosvar: Order",
        "Resposta automática: Order",
        "自動返信：注文",
        "자동 회신: 주문",
        "Автоответ: заказ",
        "Abwesenheitsnotiz: Order",
        "Odpowiedź automatyczna: Order",
    ],
)
def test_subjects_of_programs_that_answer_for_somebody_who_is_away(subject: str) -> None:
    assert message_of(f"From: anna@c.example\r\nSubject: {subject}\r\n").automatic


@pytest.mark.parametrize(
    "subject", ["Out of office chairs", "Abwesend war ich lange", "Automatic replying is what I need"]
)
def test_subjects_that_only_begin_like_one_are_peoples(subject: str) -> None:
    assert not message_of(f"From: anna@c.example\r\nSubject: {subject}\r\n").automatic


@pytest.mark.parametrize("feedback", ["::1.eu-west-1.AbCd=:AmazonSES", "1234:campaign:esp"])
def test_who_carries_a_mail_says_nothing_of_who_wrote_it(feedback: str) -> None:
    head = f"From: anna@c.example\r\nFeedback-ID: {feedback}\r\n"
    assert not message_of(head).automatic
    assert message_of(f"{head}List-Unsubscribe: <https://x.example>\r\n").automatic
