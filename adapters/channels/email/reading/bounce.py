"""Mails by which a server says what became of one of ours: RFC 3464, and those of servers that write as they like.

Pure. The mail it is about is found by its Message-ID, wherever the server put that; where nothing names it, `Lost` says
by what else it may be found.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

from adapters.channels.email import charset, headers, thread
from adapters.channels.email.mime import Part, opened
from adapters.channels.email.reading.plain import text_of
from adapters.channels.email.settings import Account

Fate = Literal["failed", "delayed", "other", "copy"]

_FATES: Final[tuple[Fate, ...]] = ("other", "delayed", "failed")
_RETURNED: Final = frozenset({"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global"})
MOST_REASON_CHARS: Final = 500
MOST_RECIPIENTS: Final = 5
_LOOK_CHARS: Final = 200_000
_SENDER: Final = re.compile(
    r"(?:mailer[-._]?daemon|postmaster|mail[-._]?daemon|mdaemon|microsoftexchange[0-9a-f]*|mail[-._]delivery[a-z._-]{0,40}|"
    r"mail[-._]system|double-bounce)@.*"
)
_FAILED: Final = re.compile(
    r"undeliver|deliver\w{0,20} (?:status|fail)|returned mail|failure notice|returning message to sender|mail delivery|"
    r"non.?delivery|delivery has failed|退信|无法投递|投递失败|未送达|無法傳遞|傳送失敗|发送失败|未能送达",
    re.IGNORECASE,
)
_DELAYED: Final = re.compile(
    r"delay|warning: (?:message|could not send)|still (?:being )?retr|will be retried|not yet been delivered|"
    r"延迟|延遲|仍在重试",
    re.IGNORECASE,
)
_QUOTED_ID: Final = re.compile(r"^[> \t]{0,40}Message-ID:\s{0,40}(<[^<>\s]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_SAID: Final = re.compile(r"\b([45])\d\d[ -]#?((?:[245]\.\d{1,3}\.\d{1,3})?)[^\n]{0,300}")
_SUBJECT: Final = re.compile(r"^[> \t]{0,40}Subject:\s{0,40}([^\n]{1,900})", re.IGNORECASE | re.MULTILINE)
_PLUS: Final = re.compile(r"[^\s<>\"'():;,]{1,64}\+[a-z2-7]{26}\.[a-z2-7]{10}@[^\s<>\"'():;,]{1,253}", re.IGNORECASE)
_OURS: Final = ("reply-to", "from", "sender", "return-path")
_NOT_OF_DELIVERY: Final = frozenset({"message/disposition-notification", "message/feedback-report"})
_STATUS: Final = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")


class Bounce(NamedTuple):
    """What a server says. `key` is that of the part we sent; `code` an enhanced status (RFC 3463) or a reply's code.

    `copy`: somebody in Cc didn't get theirs; whoever was answered did.
    """

    fate: Fate
    key: str
    code: str
    reason: str


class Lost(NamedTuple):
    """A failure of a mail that nothing names: the thread by a plus address of ours, the ids that it answered, and whom
    it was for and what it was called, each empty where unknown.
    """

    thread: str
    ids: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str
    code: str
    reason: str


def read(part: Part, acc: Account, sender: str, subject: str) -> Bounce | Lost | None:
    """What the mail says of one of ours, None if it is no such mail or not about one of ours."""
    report = next((each for each in part.walk() if each.mime == "message/delivery-status"), None)
    if report is None and any(each.mime in _NOT_OF_DELIVERY for each in part.walk()):
        # That it was read, or is thought to be spam: it arrived.
        return None
    # A person may send such a report on as well.
    looks_so = part.mime == "multipart/report" or _looks_so(part, sender, subject)
    if not looks_so and not _SENDER.fullmatch(sender):
        return None
    text = _text(part)
    key = _about(part, report, text, acc)
    said = _SAID.search(text)
    if not looks_so and not (key and said):
        # In whatever language: what a server names one of ours and a reply's code in is no letter.
        return None
    if not key:
        return _lost(part, report, text, acc)
    if report is not None:
        told = _reported(report, key)
        return told._replace(fate="copy") if told.fate == "failed" and _is_of_copy(part, report, key, acc) else told
    is_delayed = _DELAYED.search(subject) or (not looks_so and said is not None and said[1] == "4")
    return Bounce("delayed" if is_delayed else "failed", key, *_told(said, subject))


def _told(said: re.Match[str] | None, subject: str) -> tuple[str, str]:
    """Code and reason by the words of a server."""
    status = _STATUS.search(said[0]) if said else None
    code = status[0] if status else said[0][:3] if said else ""
    return code, _line(said[0] if said else subject)


def _lost(part: Part, report: Part | None, text: str, acc: Account) -> Lost | None:
    """What else tells which mail it was, where it failed for good; None where nothing does."""
    told = _reported(report, "") if report is not None else None
    said = _SAID.search(text)
    if told.fate != "failed" if told else not said or said[1] == "4":
        return None
    heads = [opened(each) for each in part.walk() if each.mime in _RETURNED]
    plus = (thread.of_plus(each, acc) for each in _PLUS.findall(text))
    named = [*(thread.of_address(head, acc, _OURS) for head in heads), thread.of_address(part, acc), *plus]
    ids = tuple(each for head in heads for each in thread.answered(head))
    subjects = [headers.words(head.first("subject")) for head in heads]
    subjects += [each.strip() for each in _SUBJECT.findall(text)]
    code, reason = (told.code, told.reason) if told else _told(said, "")
    lost = Lost(
        thread=next(filter(None, named), ""),
        ids=ids,
        recipients=tuple(dict.fromkeys(_failed_of(part, report, heads)))[:MOST_RECIPIENTS],
        subject=next(filter(None, subjects), ""),
        code=code,
        reason=reason,
    )
    return lost if lost.thread or lost.ids or (lost.recipients and lost.subject) else None


def _failed_of(part: Part, report: Part | None, heads: list[Part]) -> list[str]:
    """Addresses that didn't get it: by the report, else as old servers say it, else whom it was for."""
    values = [part.first("x-failed-recipients"), *(head.first("to") for head in heads)]
    if report is not None:
        blocks = [each for each in _recipients(report) if _weight(each) == _FATES.index("failed")]
        fields = ("original-recipient", "final-recipient")
        values = [each.get(name, "").partition(";")[2].encode() for each in blocks for name in fields] or values
    return [each.address for value in values for each in headers.addresses(value)]


def _looks_so(part: Part, sender: str, subject: str) -> bool:
    from_server = bool(_SENDER.fullmatch(sender)) or charset.decode(part.first("return-path")[:10]).strip() == "<>"
    return bool(part.first("x-failed-recipients")) or (
        from_server and bool(_FAILED.search(subject) or _DELAYED.search(subject))
    )


def _reported(report: Part, key: str) -> Bounce:
    """By the fields for each recipient; where several stand, a failure is what counts."""
    worst = max(_recipients(report), key=_weight, default={})
    status = _STATUS.search(worst.get("status", "") + " " + worst.get("diagnostic-code", ""))
    code = status[0] if status else ""
    reason = (
        worst.get("diagnostic-code", "").partition(";")[2]
        or worst.get("diagnostic-code", "")
        or worst.get("status", "")
    )
    return Bounce(_FATES[_weight(worst)], key, code, _line(reason))


def _recipients(report: Part) -> list[dict[str, str]]:
    blocks = [_block(block) for block in re.split(r"\n\s*\n", charset.decode(report.content()[:_LOOK_CHARS]))]
    return [each for each in blocks if "action" in each or "status" in each]


def _is_of_copy(part: Part, report: Part, key: str, acc: Account) -> bool:
    """Whether all who didn't get the mail stood in its Cc, by what was returned of it."""
    failed = {
        address.address
        for each in _recipients(report)
        if _weight(each) == _FATES.index("failed")
        for address in headers.addresses(each.get("final-recipient", "").partition(";")[2].encode())
    }
    for each in part.walk():
        head = opened(each) if each.mime in _RETURNED else None
        if head and thread.sent_key(headers.own_id(head.first("message-id")), acc) == key:
            return bool(failed) and failed <= {copy.address for copy in headers.addresses(head.first("cc"))}
    return False


def _weight(recipient: dict[str, str]) -> int:
    action = recipient.get("action", "").split(" ", 1)[0].lower()
    if action == "failed" or (not action and recipient.get("status", "").startswith("5")):
        return 2
    return 1 if action == "delayed" or (not action and recipient.get("status", "").startswith("4")) else 0


def _block(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", text).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _about(part: Part, report: Part | None, text: str, acc: Account) -> str:
    """The key of ours among the Message-IDs that the mail names: in what it returns, its headers, its words."""
    returned = (each for each in part.walk() if each.mime in _RETURNED)
    found = [headers.own_id(opened(each).first("message-id")) for each in returned]
    if report is not None:
        found += _QUOTED_ID.findall(
            charset.decode(report.content()[:_LOOK_CHARS]).replace("Original-Message-ID", "Message-ID")
        )
    found += thread.answered(part)
    found += _QUOTED_ID.findall(text)
    return next(filter(None, (thread.sent_key(each, acc) for each in found)), "")


def _text(part: Part) -> str:
    texts = [each for each in part.walk() if each.mime in {"text/plain", "text/html"}]
    shown = (text_of(each.text()) if each.mime == "text/html" else each.text() for each in texts[:5])
    return "\n".join(shown)[:_LOOK_CHARS]


def _line(text: str) -> str:
    return " ".join(text.split())[:MOST_REASON_CHARS]
