"""A mail as it came to what it means for a conversation: pure."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

from adapters.channels.email import headers, mime, recipients, thread
from adapters.channels.email.headers import Address
from adapters.channels.email.mime import Part
from adapters.channels.email.reading import author, body, bounce, hidden, html, plain, quote, trust
from adapters.channels.email.reading.author import Author
from adapters.channels.email.reading.automatic import is_automatic
from adapters.channels.email.reading.bounce import Bounce, Lost
from adapters.channels.email.settings import Account
from backbone.channel import Event, Media, Message, Peer, Receipt, Signal
from backbone.channel.leaves import without_empty
from backbone.events import Data
from backbone.ids import key_hash

UNKNOWN: Final = "unknown"
"""The peer where a mail names no sender at all."""

UNREAD: Final = (
    "This mail couldn't be read within its time. It is attached as it came.\n这封邮件没能在限定时间内读完，原件见附件。"
)
"""In both languages of the desk: it is stored as the message's text."""

UNGIVEN: Final = (
    "A mail that can't be read: the mail server doesn't give it. It is still in the mailbox.\n"
    "有一封邮件无法读取：邮件服务器没有给出它，原件仍在邮箱里。"
)
MOST_ID_CHARS: Final = 300
MOST_SUBJECT_CHARS: Final = 500
MOST_ATTRIBUTE_CHARS: Final = 500


class Translated(NamedTuple):
    """What a mail is, and the Message-IDs by which its thread may be found, the likeliest first: none where a plus
    address of ours names it. `lost`: it tells of a mail of ours that must be looked for; where it
    isn't found, the event is the message of a server.
    """

    events: list[Event]
    answers: tuple[str, ...]
    lost: Lost | None = None


def mail_to_events(raw: bytes, acc: Account, now: float) -> list[Event]:
    """What a mail is: a message, what became of one of ours, or of no use. `now`: Unix seconds of its arrival."""
    return translate(raw, acc, now).events


def translate(raw: bytes, acc: Account, now: float) -> Translated:
    """The same, with what else is needed to find its thread.

    `Message.thread` is the one that a plus address of ours names, else the one that the mail would begin.
    """
    mail = _mail(raw, acc)
    fate = bounce.read(mail.part, acc, mail.sender.address, mail.subject)
    if isinstance(fate, Bounce) and fate.fate != "copy":
        return Translated([_told(mail, fate, acc)], ())
    if mail.author and acc.is_own(mail.author.carrier.address) and thread.sent_key(mail.own_id, acc):
        return Translated([Signal(key=mail.key, name="ignored", data={"why": "our own mail came back"})], ())
    named = thread.of_address(mail.part, acc)
    message = _message(mail, acc, now)
    message.thread = named or thread.key_of(mail.own_id or mail.key)
    if isinstance(fate, Lost):
        message.context = {}
        message.thread = fate.thread or message.thread
        return Translated([message], () if fate.thread else fate.ids, fate)
    if fate:
        # A server writes to the desk alone: what is said next answers the customer as before.
        message.context = {}
        return Translated([message], (thread.message_id(fate.key, acc),))
    return Translated([message], () if named else tuple(thread.answered(mail.part)))


def translate_head(head: bytes, size: int, acc: Account, now: float) -> Translated:
    """The same of a mail whose headers alone were read, since all of it is `size` bytes."""
    text = f"This mail has {size / 1024 / 1024:.0f} MB, more than can be read here. It is still in the mailbox."
    translated = translate(head.rstrip(b"\r\n") + b"\r\n\r\n", acc, now)
    for event in translated.events:
        if isinstance(event, Message):
            event.text, event.html, event.media = text, "", []
    return translated


def head_of(raw: bytes, most_bytes: int) -> bytes:
    """The headers of a mail, as far as they have so many bytes."""
    ends = [at for at in (raw.find(b"\r\n\r\n", 0, most_bytes), raw.find(b"\n\n", 0, most_bytes)) if at >= 0]
    return raw[: min(ends, default=most_bytes)]


def kept_whole(head: Translated | None, raw: bytes, now: float, key: str) -> Translated:
    """A mail that couldn't be read within its bounds: a message that says so, the mail as it came its file.

    `head` is what its headers say, where at least they could be read; `key` where they couldn't. Nothing answers it by
    itself.
    """
    mail = Media(kind="file", mime="message/rfc822", name="mail.eml", size=len(raw), content=raw)
    for event in head.events if head else []:
        if isinstance(event, Message):
            event.text, event.html, event.media, event.automatic = UNREAD, "", [mail], True
            return Translated([event], head.answers if head else ())
    told = Message(
        key=key, peer=Peer(UNKNOWN), kind="email", text=UNREAD, at=int(now * 1000), media=[mail], automatic=True
    )
    return Translated([told], ())


def passed_over(now: float, key: str) -> Message:
    """What stands for a mail that the server doesn't give. Nothing answers it by itself."""
    return Message(key=key, peer=Peer(UNKNOWN), kind="email", text=UNGIVEN, at=int(now * 1000), automatic=True)


class _Mail(NamedTuple):
    """A mail and what is asked of it more than once."""

    part: Part
    key: str
    own_id: str
    author: Author | None
    sender: Address
    subject: str
    dmarc: str


def _mail(raw: bytes, acc: Account) -> _Mail:
    part = mime.read(raw)
    wrote = author.of(part, acc)
    sender = wrote.who if wrote else Address("", UNKNOWN)
    subject = headers.words(part.first("subject"))[:MOST_SUBJECT_CHARS]
    return _Mail(
        part=part,
        key=_key(part, sender, subject),
        own_id=headers.own_id(part.first("message-id")),
        author=wrote,
        sender=sender,
        subject=subject,
        # Of the From, whoever is behind it: where that is forged, so is what it says of somebody else.
        dmarc=trust.dmarc(part, acc, wrote.carrier.address if wrote else ""),
    )


def _told(mail: _Mail, fate: Bounce, acc: Account) -> Event:
    """What a server says of a mail of ours; only a failure is final."""
    if fate.fate == "failed":
        reason = fate.reason or mail.subject
        ref = thread.message_id(fate.key, acc)
        return Receipt(key=mail.key, ref=ref, status="failed", code=fate.code, reason=reason)
    return Signal(key=mail.key, name="ignored", data={"why": fate.fate, "ref": fate.key, "reason": fate.reason})


def _message(mail: _Mail, acc: Account, now: float) -> Message:
    found = body.read(mail.part)
    cut = quote.cut(found.text, _sides(mail, acc), mail.subject)
    shown = cut.shown
    whole = plain.without_marks(found.text).strip()
    automatic = is_automatic(mail.part, acc, mail.author, mail.subject)
    is_cut = not found.html and shown.strip() != whole
    return Message(
        key=mail.key,
        ref=mail.own_id,
        peer=_peer(mail),
        kind="email",
        subject=mail.subject,
        text=shown,
        html=html.from_text(whole) if is_cut else found.html,
        media=found.media,
        at=min(headers.timestamp_ms(mail.part.first("date")) or int(now * 1000), int(now * 1000)),
        reply_to=next(iter(thread.answered(mail.part)), ""),
        automatic=automatic,
        context=_context(mail) | _whom(mail, acc, is_automatic=automatic),
        attributes=_attributes(mail, acc) | (hidden.said(cut.hidden) if whole != shown.strip() else {}),
    )


def _sides(mail: _Mail, acc: Account) -> quote.Sides:
    """Whose words the mail may quote, and whether it is an answer at all."""
    own = {acc.address, *acc.aliases}
    ours = frozenset(part.lower() for each in own for part in (each, each.rpartition("@")[2]))
    near = {mail.sender.address, mail.sender.address.rpartition("@")[2], *(each.address for each in _listed(mail, acc))}
    is_answer = bool(thread.of_address(mail.part, acc) or thread.answered(mail.part) or quote.answers(mail.subject))
    return quote.Sides(is_answer, ours, frozenset(near))


def _key(part: Part, sender: Address, subject: str) -> str:
    """The same for every copy of a mail: one with its Message-ID, date, author and subject. Scanners and shops use an
    id again. One without an id is told by all that makes it what it is.
    """
    own_id = headers.own_id(part.first("message-id"))
    if own_id:
        return f"mid:{key_hash(chr(10).join((own_id, str(_at(part)), sender.address, subject)))}"
    said = [*(part.first(name) for name in ("date", "from", "subject")), part.body]
    return f"sum:{hashlib.sha256(b'|'.join(said)).hexdigest()}"


def _at(part: Part) -> int:
    return headers.timestamp_ms(part.first("date"))


def _peer(mail: _Mail) -> Peer:
    address = mail.sender.address
    if address == UNKNOWN:
        return Peer(UNKNOWN)
    # One who stands behind a form of ours, or among several, was proven by nobody.
    is_proven = mail.dmarc == "pass" and _is_alone(mail)
    return Peer(address, mail.sender.name, {"email": address}, ("email",) if is_proven else ())


def _is_alone(mail: _Mail) -> bool:
    return [each.address for each in headers.addresses(mail.part.first("from"))] == [mail.sender.address]


def _wished(mail: _Mail, acc: Account) -> list[Address]:
    """Where a mail wants its answers instead of at its sender's, nowhere else if empty. A forged one gets no say, nor
    does a list that would have them itself.
    """
    wished = [each for each in headers.addresses(mail.part.first("reply-to")) if _is_theirs(mail, acc, each.address)]
    return [] if mail.dmarc == "fail" or mail.sender.address in {each.address for each in wished} else wished


def _is_theirs(mail: _Mail, acc: Account, address: str) -> bool:
    """Whether an address is the customer's side's: not ours, nor a list's that brought the mail."""
    is_list = mail.author is not None and mail.author.lists.covers(address)
    return len(address) <= recipients.MOST_ADDRESS_CHARS and not is_list and not acc.is_own(address)


def _context(mail: _Mail) -> dict[str, str]:
    references = thread.named(mail.part.first("references")) or thread.named(mail.part.first("in-reply-to"))[:1]
    # One that is longer was written to do harm, and is stored with each message.
    references = [each for each in references if len(each) <= MOST_ID_CHARS]
    context = {
        "message_id": mail.own_id,
        "references": " ".join(thread.chain(references, [mail.own_id] if mail.own_id else [])),
        "subject": mail.subject,
    }
    # What an earlier mail was called holds no longer, where this one is called nothing.
    return {name: value for name, value in context.items() if value or name == "subject"}


def _whom(mail: _Mail, acc: Account, *, is_automatic: bool) -> dict[str, str]:
    """Whom an answer goes to. A program takes nobody in."""
    wished = _wished(mail, acc)
    dmarc = mail.dmarc if mail.dmarc != "pass" or _is_alone(mail) else "none"
    if is_automatic and not (mail.author and mail.author.is_carried):
        to = wished[0].address if wished else ""
        return {"to": to, "reply_to": "", "dmarc": dmarc} if to and dmarc == "pass" else {}
    listed = [] if is_automatic else _listed(mail, acc)
    return recipients.context(mail.sender, wished, listed, acc, dmarc)


def _listed(mail: _Mail, acc: Account) -> list[Address]:
    found = [each for name in ("to", "cc") for each in headers.addresses(mail.part.first(name))]
    return [each for each in found if _is_theirs(mail, acc, each.address)]


def _attributes(mail: _Mail, acc: Account) -> Data:
    others = dict.fromkeys(each.address for each in _listed(mail, acc))
    told = {
        "dmarc": "fail" if mail.dmarc == "fail" else "",
        "cc": ", ".join(others)[:MOST_ATTRIBUTE_CHARS],
        "reply_to": ", ".join(each.address for each in _wished(mail, acc))[:MOST_ATTRIBUTE_CHARS],
    }
    return without_empty(told)
