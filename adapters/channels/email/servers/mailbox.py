"""Reads a mailbox for as long as it is told to: page by page, each thread found, each place remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import structlog
from msgspec import Struct, structs

from adapters.channels.email import parse, thread
from adapters.channels.email.parse import Translated
from adapters.channels.email.reading.automatic import Fuse
from adapters.channels.email.reading.bounce import Lost
from adapters.channels.email.servers import imap, ungiven
from adapters.channels.email.servers.imap import Box, Folder, Listed, UngivenError
from adapters.channels.email.servers.imap_words import day_before
from adapters.channels.email.servers.reader import Reader
from adapters.channels.email.settings import Account
from backbone.channel import Event, Kit, Message, Page, Receipt
from backbone.ids import key_hash

PAGE_MAILS: Final = 20
PLACE_CHARS: Final = 12
PAGE_BYTES: Final = 35 * 1024 * 1024
"""A page ends behind the mail that passes it, so that a page of large mails fits into memory."""


ASK_S: Final = 240.0
"""Some servers take IDLE and never tell of anything; they are asked after so long."""

_log = structlog.get_logger("channels.email")


class Cursor(Struct, frozen=True):
    """How far a folder has been read: `<uidvalidity>:<uid>`, and `:<day>` while it is looked back; `@<place>` is a hash
    of host, user and folder, to which the numbers belong.

    Looking back, mails from before that day are passed over. Another `uid_validity` means that all numbers are new.
    """

    uid_validity: int
    uid: int
    day: str = ""
    place: str = ""

    def __str__(self) -> str:
        day, place = f":{self.day}" if self.day else "", f"@{self.place}" if self.place else ""
        return f"{self.uid_validity}:{self.uid}{day}{place}"

    def at(self, uid: int, *, looks_back: bool = True) -> Cursor:
        """The same folder, read up to `uid`."""
        return structs.replace(self, uid=uid, day=self.day if looks_back else "")


def place_of(acc: Account) -> str:
    """The folder that is read, as cursors name it."""
    return key_hash(f"{acc.imap_host.lower()} {acc.login} {acc.mailbox}")[:PLACE_CHARS]


def cursor_of(text: str, folder: Folder, now: float, look_back_days: int, place: str = "") -> Cursor:
    """Where to read on: what `text` says if it is of this folder and that counts as it did, else from some days ago.

    One without a place was written by an earlier version.
    """
    text, _, of = text.partition("@")
    validity, _, rest = text.partition(":")
    uid, _, day = rest.partition(":")
    if of in {"", place} and validity == str(folder.uid_validity) and uid.isdecimal():
        return Cursor(folder.uid_validity, int(uid), day, place)
    return Cursor(folder.uid_validity, 0, day_before(now, look_back_days), place)


async def read(acc: Account, cursor: str, kit: Kit, reader: Reader) -> AsyncIterator[Page]:
    """Pages, first of what is there, then of what comes."""
    async with imap.opened(acc, kit) as box:
        at = cursor_of(cursor, box.folder, kit.now(), acc.look_back_days, place_of(acc))
        hard = await ungiven.recalled(kit, box.folder.uid_validity)
        fuse = Fuse()
        # Before anything is looked for: what comes from here on is above it, and is read.
        top = await _top(box) if at.day else 0
        while True:
            uids = await box.since(at.uid, at.day)
            while uids:
                wanted = uids[: 1 if hard.is_alone(uids[0]) else PAGE_MAILS]
                events: list[Event]
                try:
                    if await ungiven.is_given_up(hard, uids, box):
                        events, last = [_passed_over(box, wanted[0], kit)], wanted[0]
                    else:
                        events, last = await _page(box, wanted, acc, kit, fuse, reader)
                except UngivenError:
                    await ungiven.failed(hard, wanted, kit)
                    raise
                uids = [uid for uid in uids if uid > last]
                at = at.at(last)
                yield Page(events=events, cursor=str(at), more=bool(uids))
            if at.day:
                at = at.at(max(at.uid, top), looks_back=False)
                yield Page(cursor=str(at))
            else:
                await box.wait(min(acc.idle_s, ASK_S), acc.poll_s)


def _passed_over(box: Box, uid: int, kit: Kit) -> Event:
    _log.error("a mail is passed over", uid=uid, folder=box.folder.uid_validity, tries=ungiven.MOST_TRIES)
    return parse.passed_over(kit.now(), f"uid:{box.folder.uid_validity}:{uid}")


async def _top(box: Box) -> int:
    """The last number that was there when the folder was opened: below it nothing is new."""
    return box.folder.uid_next - 1 if box.folder.uid_next else max(await box.since(0), default=0)


async def _page(  # noqa: PLR0917 - whose mails, and what reads them
    box: Box, uids: list[int], acc: Account, kit: Kit, fuse: Fuse, reader: Reader
) -> tuple[list[Event], int]:
    """Events of the first of these mails, as many as fit, and the last UID among them."""
    events: list[Event] = []
    size = 0
    last = uids[-1]
    for listed in await box.listed(uids):
        read = await _read(box, listed, acc, kit, reader)
        receipt = await _failure(read.lost, read.events[0].key, kit) if read.lost and read.events else None
        for event in [receipt] if receipt else read.events:
            if isinstance(event, Message):
                await _settle(event, read.answers, kit)
                event.automatic = fuse.is_blown(event.peer.id, listed.at or kit.now()) or event.automatic
            events.append(event)
        size += min(listed.size, acc.mail_most_bytes)
        if size >= PAGE_BYTES:
            last = listed.uid
            break
    return events, last


async def _read(box: Box, listed: Listed, acc: Account, kit: Kit, reader: Reader) -> Translated:
    """One mail. Nothing if it is gone."""
    now = min(listed.at, kit.now()) if listed.at else kit.now()
    is_large = listed.size > acc.mail_most_bytes
    raw = await (box.head(listed.uid) if is_large else box.mail(listed.uid))
    if raw is None:
        return Translated([], ())
    key = f"uid:{box.folder.uid_validity}:{listed.uid}"
    return await reader.read(raw, acc, now, key, size=listed.size if is_large else 0)


async def _failure(lost: Lost, key: str, kit: Kit) -> Receipt | None:
    """What became of the mail of ours that a bounce doesn't name, None where it isn't found: the last one in the thread
    to whom it failed, else the last one to them under that subject.
    """
    threads = [lost.thread, *[thread.recalled(await kit.recall(thread.place_of(each))) for each in lost.ids]]
    places = [thread.place_in(each) for each in dict.fromkeys(threads) if each]
    places += [thread.place_for(each, lost.subject) for each in lost.recipients if lost.subject]
    for place in places:
        message_id, _, recipient = (await kit.recall(place)).partition(" ")
        if message_id and (recipient in lost.recipients or not lost.recipients):
            return Receipt(key=key, ref=message_id, status="failed", code=lost.code, reason=lost.reason)
    return None


async def _settle(message: Message, answers: tuple[str, ...], kit: Kit) -> None:
    """Finds the thread of a message, and remembers it for those that answer it.

    A mail that is read a second time finds itself.
    """
    own = (message.ref,) if message.ref else ()
    for message_id in (*own, *answers) if answers else ():
        known = thread.recalled(await kit.recall(thread.place_of(message_id)))
        if known is not None:
            message.thread = known
            break
    for message_id in own:
        await kit.remember(thread.place_of(message_id), thread.remembered(message.thread), thread.LIFE_S)
