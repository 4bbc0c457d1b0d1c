"""Mails of the corpus: what comes of each."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from adapters.channels.email import Email, thread
from adapters.channels.email.parse import mail_to_events, translate
from adapters.channels.email.thread import key_of
from backbone.channel import Media, Message, Receipt, Signal
from backbone.events.data import NAMES
from tests.unit.adapters.channels.kit_email import CORPUS, NOW, OF_CORPUS, corpus, mail

INDEX = corpus()
SENT_AT = 1_715_650_200_000
"""14 May 2024, 9:30 in Shanghai: the date of most mails."""

MESSAGES = {name: wanted for name, wanted in INDEX.items() if not {"bounce", "ignored"} & wanted.keys()}


def message_of(name: str) -> Message:
    events = mail_to_events(mail(name), OF_CORPUS, NOW)
    assert len(events) == 1
    assert isinstance(events[0], Message)
    return events[0]


def described(media: Media) -> dict[str, Any]:
    content = {"name": media.name, "mime": media.mime, "size": media.size}
    hashed = hashlib.sha256(media.content).hexdigest()
    return {**content, "sha256": hashed, **({"cid": media.cid} if media.cid else {})}


def test_every_mail_has_an_expectation_and_every_expectation_a_mail() -> None:
    assert {path.stem for path in CORPUS.glob("*.eml")} == INDEX.keys()
    assert len(INDEX) >= 160


def test_no_mail_of_the_corpus_is_larger_than_a_megabyte() -> None:
    assert max(path.stat().st_size for path in CORPUS.iterdir()) < 1024 * 1024


@pytest.mark.parametrize("name", MESSAGES)
def test_sender_subject_and_text_are_those_that_a_person_would_read(name: str) -> None:
    wanted, message = MESSAGES[name], message_of(name)
    assert (message.peer.id, message.peer.name) == (wanted["peer"], wanted["name"])
    assert message.subject == wanted["subject"]
    if wanted["text"] is not None:
        assert message.text == wanted["text"]
    assert message.kind == "email"
    assert message.automatic is wanted["automatic"]
    assert message.at == (NOW * 1000 if wanted.get("at_now") else wanted.get("at", SENT_AT))


def test_each_name_of_a_mails_data_is_declared_and_so_has_words() -> None:
    told = {key for name in MESSAGES for key in message_of(name).attributes}
    assert {"dmarc", "cc", "reply_to", "hidden"} <= told <= {*NAMES, *Email.caps.data}


@pytest.mark.parametrize("name", MESSAGES)
def test_every_file_is_there_with_its_name_type_and_bytes(name: str) -> None:
    assert [described(each) for each in message_of(name).media] == MESSAGES[name]["media"]


@pytest.mark.parametrize("name", [name for name in MESSAGES if {"html_has", "html_lacks"} & MESSAGES[name].keys()])
def test_html_holds_what_may_stay_and_nothing_else(name: str) -> None:
    html = message_of(name).html
    assert [piece for piece in MESSAGES[name].get("html_has", []) if piece not in html] == []
    assert [piece for piece in MESSAGES[name].get("html_lacks", []) if piece in html] == []


@pytest.mark.parametrize("name", MESSAGES)
def test_thread_and_key_come_from_ids_alone(name: str) -> None:
    wanted = MESSAGES[name]
    translated = translate(mail(name), OF_CORPUS, NOW)
    message = message_of(name)
    assert message.key.startswith(f"{wanted['key']}:")
    assert message.thread == (key_of(message.ref or message.key) if wanted["thread"] == "new" else wanted["thread"])
    if "answers" in wanted:
        assert list(translated.answers) == wanted["answers"]
    if wanted["thread"] != "new":
        assert translated.answers == ()
    for field in ("ref", "reply_to"):
        if field in wanted:
            assert getattr(message, field) == wanted[field]


@pytest.mark.parametrize("name", [name for name in MESSAGES if {"verified", "attributes"} & MESSAGES[name].keys()])
def test_a_sender_is_proven_by_our_own_server_alone(name: str) -> None:
    wanted, message = MESSAGES[name], message_of(name)
    if "verified" in wanted:
        assert message.peer.verified == (("email",) if wanted["verified"] else ())
    assert message.peer.alias == {"email": message.peer.id}
    if "attributes" in wanted:
        assert message.attributes == wanted["attributes"]
    assert wanted.get("context", {}).items() <= message.context.items()
    assert not any(message.context.get(each) for each in wanted.get("context_lacks", []))


@pytest.mark.parametrize("name", [name for name, wanted in INDEX.items() if "bounce" in wanted])
def test_a_bounce_is_the_end_of_the_message_that_it_returns(name: str) -> None:
    wanted = INDEX[name]
    (receipt,) = mail_to_events(mail(name), OF_CORPUS, NOW)
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.ref) == ("failed", thread.message_id(wanted["bounce"], OF_CORPUS))
    assert (receipt.code, receipt.reason) == (wanted["code"], wanted["reason"])


@pytest.mark.parametrize("name", [name for name, wanted in INDEX.items() if "ignored" in wanted])
def test_what_is_of_no_use_is_ignored_with_its_reason(name: str) -> None:
    (signal,) = mail_to_events(mail(name), OF_CORPUS, NOW)
    assert isinstance(signal, Signal)
    assert (signal.name, signal.data["why"]) == ("ignored", INDEX[name]["ignored"])


def test_bounces_of_five_servers_and_both_kinds_of_delay_are_in_the_corpus() -> None:
    bounces = {name.split("-")[1] for name, wanted in INDEX.items() if "bounce" in wanted}
    assert bounces >= {"postfix", "exim", "exchange", "gmail", "qq", "netease"}
    assert {name for name, wanted in INDEX.items() if wanted.get("ignored") == "delayed"} == {
        "delayed-postfix",
        "delayed-exim",
    }


@pytest.mark.parametrize("name", INDEX)
def test_a_mail_read_twice_says_the_same(name: str) -> None:
    assert mail_to_events(mail(name), OF_CORPUS, NOW) == mail_to_events(mail(name), OF_CORPUS, NOW)


@pytest.mark.parametrize("name", INDEX)
def test_newlines_alone_change_no_word(name: str) -> None:
    raw = mail(name)
    (as_sent,) = mail_to_events(raw, OF_CORPUS, NOW)
    (as_stored,) = mail_to_events(raw.replace(b"\r\n", b"\n"), OF_CORPUS, NOW)
    assert type(as_sent) is type(as_stored)
    if isinstance(as_sent, Message) and isinstance(as_stored, Message):
        assert (as_stored.text, as_stored.html, as_stored.peer) == (as_sent.text, as_sent.html, as_sent.peer)
        assert [each.name for each in as_stored.media] == [each.name for each in as_sent.media]


@pytest.mark.parametrize("name", INDEX)
def test_a_mail_cut_anywhere_is_still_a_mail(name: str) -> None:
    raw = mail(name)
    for end in range(0, len(raw), max(1, len(raw) // 25)):
        assert len(mail_to_events(raw[:end], OF_CORPUS, NOW)) == 1
