"""What somebody wrote in a mail, without the mails that they answer, and without their signature: pure.

Patterns of ours run first, for what mail-parser-reply doesn't know; it runs over what they leave. Where in doubt
nothing is cut: what a customer wrote must not be lost, while a quotation too much is only long.
"""

from __future__ import annotations

import re
from typing import Final

from mailparser_reply.parser import EmailMessage  # type: ignore[import-untyped]

from adapters.channels.email.reading.plain import QUOTE

MOST_PARSED_CHARS: Final = 20_000
MOST_PARSED_LINE: Final = 1000
"""Longer texts aren't given to mail-parser-reply, whose patterns take a time that grows with their square."""

_DATE: Final = re.compile(r"\d{1,4}[年./-]\s?\d{1,2}|\d{1,2}:\d{2}|\d{1,2}月|\b(?:19|20)\d{2}\b")
_WROTE: Final = re.compile(
    r".*(?:\bwrote|\bschrieb(?:\s.{1,80})?|a écrit|escribió|ha scritto|\bschreef.{0,80}|escreveu|napisał(?:\(a\))?|"
    r"写道|寫道|写到|님이 작성)\s?[:：]\s*"
)
_OPENER: Final = re.compile(r"(?:On|At|Am|Le|El|Il|Op|Den|Em|Dnia|W dniu)\b|在|于|於|\d{4}[年./-]")
_JAPANESE: Final = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日.{0,120}<[^<>@]+@[^<>]+>(?:のメール)?[:：]?\s*")
_MAILBOX: Final = re.compile(r"(?<![^\s<>@])[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+")
_SENDER: Final = re.compile(r".{0,80}<[^\s<>@]+@[^\s<>@]+>.{0,40}")
_LINE: Final = r"[-_—=*\s]{2,}"
_SEPARATOR: Final = re.compile(
    rf"{_LINE}(?:原始邮件|原邮件|回复的原邮件|原始郵件|原始信息|回复邮件|Original Message|Original|"
    r"Original Appointment|Replied Message|Reply Message|Ursprüngliche Nachricht|Message d'origine|"
    rf"Mensaje original|元のメッセージ){_LINE}",
    re.IGNORECASE,
)
_FORWARD: Final = re.compile(
    rf"{_LINE}(?:(?:Original )?Forwarded message|转发邮件信息|转发的邮件|转发邮件|转发的原邮件|转发的原始邮件|"
    rf"轉寄郵件|轉寄的郵件|Weitergeleitete Nachricht|Message transféré|転送メッセージ){_LINE}.*"
    r"|Begin forwarded message[:：]|以下是转发的邮件[:：]|开始转发的邮件[:：]|下面是被转发的邮件[:：]",
    re.IGNORECASE,
)
_FORWARDED: Final = re.compile(r"\s*(?:fwd?|转发|轉寄|轉發|wg|tr|rv)\s*[:：]", re.IGNORECASE)
_FIELD: Final = re.compile(
    r"[*\s]*(?:From|Sent|Date|To|Cc|Subject|发件人|寄件者|寄件人|发送时间|发送日期|日期|时间|寄件日期|收件人|收件者|主题|主旨|"
    r"抄送|副本|Von|Gesendet|An|Betreff|De|Envoyé|À|Objet|差出人|送信日時|宛先|件名)[*\s]*[:：]",
    re.IGNORECASE,
)
_FROM: Final = re.compile(r"[*\s]*(?:From|发件人|寄件者|寄件人|Von|De|差出人)[*\s]*[:：].*\S", re.IGNORECASE)
_RULE: Final = re.compile(r"[-_—=]{8,}")
_FROM_PHONE: Final = (
    r"(?:发自|來自|来自|寄自)(?:我的)? ?.{0,30}(?:iPhone|iPad|Mac|Android|Outlook|Foxmail).{0,30}",
    r"(?:发自|來自|来自|寄自)(?:我的)? ?.{0,30}(?:手机|平板|手機|邮箱|郵箱).{0,30}",
    r"(?:发自|来自)我的.{0,10}(?:华为|小米|荣耀|vivo|OPPO).{0,30}",
    r"从我的.{1,40}发送|從我的.{1,40}傳送|从 ?Windows 版邮件发送.{0,10}|由网易邮箱大师.{0,4}发送",
    r"获取 ?(?:适用于 .{0,20}的 ?)?Outlook.{0,60}",
    r"Sent from (?:my|Mail for|Outlook|Yahoo).{0,60}|Get Outlook for .{0,60}|Sent with .{0,40}(?:Mail|Proton).{0,40}",
    r"Von meinem .{1,40} gesendet|Envoyé de mon .{1,40}",
)
_DEVICE: Final = re.compile("|".join(_FROM_PHONE), re.IGNORECASE)
_PGP: Final = ("-----BEGIN PGP SIGNED MESSAGE-----\n", "-----BEGIN PGP SIGNATURE-----")
_ASKS: Final = re.compile(r"[?？]")
MOST_INTRODUCTION_CHARS: Final = 400
MOST_SIGNATURE_LINES: Final = 10
MOST_SIGNATURE_CHARS: Final = 500


def cut(text: str, subject: str = "") -> str:
    """The text that was written for this mail."""
    lines = _unarmoured(text).split("\n")
    is_forward = bool(_FORWARDED.match(subject))
    end, begins = _head(lines, is_forward=is_forward)
    above = _unmarked(lines[:end])
    if end < len(lines) and _is_interleaved(lines[begins:]):
        return _joined(_without_signature(_unmarked(lines)))
    if not any(map(_is_words, above)):
        answer = [line for line in lines[begins:] if _is_words(line)] if _is_quoted(lines[begins:]) else []
        return _joined(_without_signature(answer) if answer else _unmarked(lines))
    kept = _without_signature(_without_tail(above))
    shown = _joined(kept)
    return shown if is_forward or _forwards(lines) else _parsed(shown) or shown


def _unarmoured(text: str) -> str:
    """The text within an OpenPGP cleartext signature (RFC 9580, 7)."""
    begin = text.find(_PGP[0])
    end = text.find(_PGP[1], begin)
    if begin < 0 or end < 0:
        return text
    _, _, signed = text[begin + len(_PGP[0]) : end].partition("\n\n")
    return text[:begin] + re.sub(r"(?m)^- ", "", signed)


def _head(lines: list[str], *, is_forward: bool) -> tuple[int, int]:
    """Where the quoted mail's introduction begins, and the quoted mail itself; both the end if nothing is quoted."""
    for index, line in enumerate(lines):
        if _FORWARD.fullmatch(line.strip()):
            break
        if line == QUOTE:
            following = next((each.strip() for each in lines[index + 1 : index + 6] if each.strip("> ")), "")
            if _FORWARD.fullmatch(following.lstrip("> ")):
                break
            return index, index + 1
        if _SEPARATOR.fullmatch(line) and not is_forward:
            return index, index + 1
        if length := _wrote(lines, index):
            return index, index + length
        if not is_forward and (length := _fields(lines, index)):
            return _before_rule(lines, index), index + length
    return len(lines), len(lines)


def _wrote(lines: list[str], index: int) -> int:
    """How many lines from here are an introduction such as `On ... wrote:`, 0 if none is. It may be broken twice."""
    first = lines[index].strip()
    if _introduces(first):
        return 1
    if not _OPENER.match(first) and not _SENDER.fullmatch(first):
        return 0
    some = [first]
    for line in lines[index + 1 : index + 3]:
        some.append(line.strip())
        if not some[-1] or line.startswith(">") or sum(map(len, some)) > MOST_INTRODUCTION_CHARS:
            return 0
        if _introduces(" ".join(some)):
            # Where the lines below are one by themselves, the first is a line of the answer, or names the sender.
            ends = (" ".join(some[since:]) for since in range(1, len(some)))
            is_less = any(_OPENER.match(end) and _introduces(end) for end in ends)
            return 0 if is_less and not _SENDER.fullmatch(first) else len(some)
    return 0


def _introduces(line: str) -> bool:
    if len(line) > MOST_INTRODUCTION_CHARS:
        return False
    is_written = _WROTE.fullmatch(line) and (_DATE.search(line) or _MAILBOX.search(line))
    return bool(is_written or _JAPANESE.fullmatch(line))


def _fields(lines: list[str], index: int) -> int:
    """How many lines from here are the headers of a quoted mail, as Outlook and Foxmail write them; 0 if too few."""
    if not _FROM.fullmatch(lines[index]):
        return 0
    found = length = 1
    for line in lines[index + 1 : index + 12]:
        if _FIELD.match(line):
            found += 1
        elif line.strip() and found >= 3:
            break
        length += 1
    return length if found >= 3 else 0


def _before_rule(lines: list[str], index: int) -> int:
    """The line drawn above those headers, if there is one."""
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and _RULE.fullmatch(lines[above].strip()) else index


def _forwards(lines: list[str]) -> bool:
    return any(_FORWARD.fullmatch(line.strip()) for line in lines)


def _is_words(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(">") and line != QUOTE


def _is_quoted(lines: list[str]) -> bool:
    return any(line.startswith(">") for line in lines)


def _is_interleaved(lines: list[str]) -> bool:
    """Whether answers stand between the quoted lines."""
    quoted = [index for index, line in enumerate(lines) if line.startswith(">")]
    return bool(quoted) and any(map(_is_words, lines[quoted[0] : quoted[-1]]))


def _unmarked(lines: list[str]) -> list[str]:
    return [line for line in lines if line != QUOTE]


def _without_tail(lines: list[str]) -> list[str]:
    """Without quoted lines and emptiness at the end."""
    end = len(lines)
    while end and not _is_words(lines[end - 1]):
        end -= 1
    return lines[:end]


def _without_signature(lines: list[str]) -> list[str]:
    """Without what follows `-- ` or a line drawn above a few short ones, and without `Sent from my ...`."""
    for index, line in enumerate(lines):
        is_mark = line.rstrip() == "--" or (_RULE.fullmatch(line.strip()) and _is_signature(lines[index + 1 :]))
        if index and is_mark and any(map(_is_words, lines[:index])):
            lines = lines[:index]
            break
    lines = _without_tail(lines)
    while len(lines) > 1 and _DEVICE.fullmatch(lines[-1].strip()):
        lines = _without_tail(lines[:-1])
    return lines


def _is_signature(lines: list[str]) -> bool:
    if len(lines) > 3 * MOST_SIGNATURE_LINES:
        return False
    said = [line for line in lines if line.strip()]
    return 0 < len(said) <= MOST_SIGNATURE_LINES and all(len(line) < 60 and not _ASKS.search(line) for line in said)


def _parsed(text: str) -> str:
    """What mail-parser-reply leaves. It is asked how far the text goes, so that spaces and bullets stay as they are."""
    if len(text) > MOST_PARSED_CHARS or max(map(len, text.split("\n")), default=0) > MOST_PARSED_LINE:
        return text
    message = EmailMessage(text=_tight(text), languages=["en", "zh"], keep_hyphen_lists=True).read()
    if not message.replies:
        return text
    reply = message.replies[0]
    kept = text[: _reach(text, reply.content)] if not reply.headers else text
    signature = reply.signatures or ""
    # A closing phrase may begin a sentence that asks something: then it is none.
    if signature and len(signature) <= MOST_SIGNATURE_CHARS and _is_signature(signature.split("\n")):
        body = reply.content.removesuffix(signature)
        kept = kept[: _reach(kept, body)] if body.strip() and body != reply.content else kept
    return kept.rstrip()


def _tight(text: str) -> str:
    """Without the further ones of several empty lines: mail-parser-reply tries each of them with all that follow."""
    lines = text.split("\n")
    return "\n".join(line for line, before in zip(lines, ["", *lines], strict=False) if line.strip() or before.strip())


def _reach(text: str, beginning: str) -> int:
    """The position in `text` up to which it is `beginning`, spaces aside; all of it where it isn't."""
    position = 0
    for character in beginning:
        if character.isspace():
            continue
        while position < len(text) and text[position].isspace():
            position += 1
        if position == len(text) or text[position] != character:
            return len(text)
        position += 1
    return position


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")
