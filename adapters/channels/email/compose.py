"""A mail of ours as bytes: but for its date the same at every try, since all in it comes from what is sent. Pure."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from adapters.channels.email import headers, mailboxes, recipients, thread
from adapters.channels.email.reading import html
from adapters.channels.email.reading.automatic import LOOP_HEADER
from adapters.channels.email.settings import Account
from backbone.channel import FaultError, Out, OutMedia, Rejected, Said
from backbone.domains import ascii_domain

MOST_LINE_CHARS: Final = 76
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS: Final = re.compile(r"(?:[^\s<>\"(),:;@\[\]\\]{1,64}|\"(?:[^\"\\]|\\.){1,64}\")@[^\s<>\"(),:;@\[\]\\]{1,253}")
_ATOMS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~. -]*")
_ID: Final = re.compile(r"<[!-;=?-~]{1,990}>")
"""A Message-ID that any server takes: one beyond ASCII would make the whole mail need SMTPUTF8, so it is left out."""

_MIME: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)


class Mail(NamedTuple):
    """A mail and its envelope. `sender` is empty where nothing may come back; `copies` go to those in Cc; `needs_utf8`:
    SMTPUTF8 (RFC 6531).
    """

    message_id: str
    sender: str
    recipient: str
    copies: tuple[str, ...]
    content: bytes
    needs_utf8: bool
    subject: str = ""


def compose(out: Out, acc: Account, now: float) -> Mail:
    """The mail. Raises FaultError(Rejected) where a header would hold a line break, or there is nobody to write to."""
    to, *others = recipients.of(out, acc)
    recipient = _address(recipients.as_written(to, out.context))
    copies = tuple(filter(None, (_copy(recipients.as_written(each, out.context)) for each in others)))
    own_id = thread.message_id(out.key, acc)
    subject = _subject(out, acc)
    name = out.peer.name if to == out.peer.id else ""
    fields = {
        "Date": datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "From": _mailbox(acc.name, _address(acc.address)),
        "To": _mailbox(name, recipient),
        **({"Cc": ",\r\n ".join(copies)} if copies else {}),
        "Message-ID": own_id,
        "Subject": _words(subject),
        **_answering(out, acc),
        **_automatic(out, acc),
        "MIME-Version": "1.0",
    }
    head = "".join(f"{field}: {_line(field, value)}\r\n" for field, value in fields.items())
    content = head.encode() + _body(out)
    # The names in headers are encoded words: what is left beyond ASCII are addresses.
    sender = "" if out.automatic else _address(acc.address)
    return Mail(own_id, sender, recipient, copies, content, not head.isascii(), subject)


def _answering(out: Out, acc: Account) -> dict[str, str]:
    fields = {}
    reply_to = thread.plus_address(acc, out.thread)
    if reply_to != acc.address:
        fields["Reply-To"] = _mailbox(acc.name, _address(reply_to))
    last = out.context.get("message_id", "")
    known = [*headers.ids(out.context.get("references", "").encode()), last, *out.refs]
    known = [each for each in known if _ID.fullmatch(each)]
    answered = next((each for each in (out.reply_to, last, *known[-1:]) if each), "")
    if _CONTROL.search(answered):
        raise FaultError(Rejected("In-Reply-To would hold a line break."))
    if not answered.isascii():
        # No other server takes it: the nearest that can be named keeps the thread together.
        answered = next(iter(known[-1:]), "")
    if _ID.fullmatch(answered):
        fields["In-Reply-To"] = answered
        fields["References"] = "\r\n ".join(thread.chain(known, [answered]))
    return fields


def _automatic(out: Out, acc: Account) -> dict[str, str]:
    """By RFC 3834, and what Exchange understands."""
    if not out.automatic:
        return {}
    return {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All", LOOP_HEADER: acc.address}


def _subject(out: Out, acc: Account) -> str:
    """What its author called it; else an answer to the subject of the customer's last mail, also to none."""
    if out.subject or not {"message_id", "subject"} & out.context.keys():
        return out.subject or acc.subject
    answered = out.context.get("subject", "")
    return answered if thread.is_answer(answered) else f"Re: {answered}".strip()


def _line(name: str, value: str) -> str:
    """The value of a header. Line breaks of ours are followed by a space; any other would begin a header."""
    if _CONTROL.search(value.replace("\r\n ", " ")):
        raise FaultError(Rejected(f"{name} would hold a line break."))
    return value


def _address(given: str) -> str:
    """An address fit for an envelope, its domain in ASCII."""
    local, _, domain = given.strip(" ").rpartition("@")
    address = mailboxes.quoted(f"{local}@{ascii_domain(domain)}")
    if not _ADDRESS.fullmatch(address) or _CONTROL.search(address):
        raise FaultError(Rejected("There is no mail address to write to."))
    return address


def _copy(given: str) -> str:
    """The same of somebody in Cc; empty where there is none, or one that not every server can write to."""
    try:
        address = _address(given)
    except FaultError:
        return ""
    return address if address.isascii() else ""


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if _CONTROL.search(name):
        raise FaultError(Rejected("A name would hold a line break."))
    if not name.isascii():
        return f"{_words(name)} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def _words(text: str) -> str:
    """A text of a header: plain, or encoded words (RFC 2047) of which none cuts a character."""
    if _CONTROL.search(text):
        raise FaultError(Rejected("The subject would hold a line break."))
    if text.isascii() and len(text) <= MOST_LINE_CHARS - 10 and "=?" not in text:
        return text
    words: list[str] = []
    piece = b""
    for character in text.encode(errors="replace").decode():
        coded = character.encode()
        if len(piece) + len(coded) > 42:
            words.append(piece.decode())
            piece = b""
        piece += coded
    words.append(piece.decode())
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each.encode()).decode()}?=" for each in words)


def _body(out: Out) -> bytes:
    text = out.text
    files = [each for each in (out.media, *out.also) if each is not None]
    held = [each for each in files if each.content or not each.link]
    # A file too large for a mail goes as its link.
    links = [f"{each.name}: {each.link}" for each in files if each not in held]
    text = "\n\n".join(filter(None, (text, *links)))
    rich = html.clean(out.html) if out.html else ""
    rich = rich + html.from_text("\n".join(links)) if rich else html.from_text(text)
    if out.answered is not None:
        head, quoted = _quoted(out.answered)
        text += f"\n\n{head}\n" + "\n".join(f"> {line}" for line in quoted)
        rich += f'{html.from_text(head)}<blockquote type="cite">{html.from_text(chr(10).join(quoted))}</blockquote>'
    page = f'<html><head><meta charset="utf-8"></head><body>{rich}</body></html>'
    both = _multipart("alternative", out.key, [_text("plain", text), _text("html", page)])
    return _multipart("mixed", out.key, [both, *map(_file, held)]) if held else both


def _quoted(said: Said) -> tuple[str, list[str]]:
    """The line above a quotation, in no language, and its lines."""
    at = datetime.fromtimestamp(said.at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    author = " ".join(_CONTROL.sub(" ", said.author).split())
    return f"{at}, {author}:" if author else f"{at}:", said.text.replace("\r\n", "\n").split("\n")


def _multipart(kind: str, key: str, parts: list[bytes]) -> bytes:
    # Underscores never occur in base64, so the boundary can't occur in a part.
    boundary = f"_{kind}_{key}_"
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'
    pieces = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return head.encode() + pieces + f"--{boundary}--\r\n".encode()


def _text(kind: str, text: str) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + _lines(text.replace("\r\n", "\n").replace("\n", "\r\n").encode(errors="replace"))


def _file(media: OutMedia) -> bytes:
    if _CONTROL.search(media.name):
        raise FaultError(Rejected("The name of a file would hold a line break."))
    mime = media.mime if _MIME.fullmatch(media.mime) else "application/octet-stream"
    name = media.name.replace("\\", "_").replace('"', "'")
    # Old programs read the words, all others RFC 2231; a plain name is the same in both.
    plain = name if _ATOMS.fullmatch(name) and len(name) <= 60 else ""
    head = [
        f"Content-Type: {mime}" + (f';\r\n name="{plain}"' if plain else f';\r\n name="{_words(name)}"'),
        "Content-Disposition: attachment" + (f';\r\n filename="{plain}"' if plain else _pieces(name)),
        "Content-Transfer-Encoding: base64",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + _lines(media.content)


def _pieces(name: str) -> str:
    """A file's name by RFC 2231, in pieces that fit into a line."""
    coded = quote(name.encode(errors="replace"), safe="")
    pieces = re.findall(r"(?:%..|[^%]){1,55}", coded)
    pieces[0] = "utf-8''" + pieces[0]
    return "".join(f";\r\n filename*{index}*={piece}" for index, piece in enumerate(pieces))


def _lines(raw: bytes) -> bytes:
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")
