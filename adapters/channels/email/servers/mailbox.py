"""Reads a mailbox for as long as it is told to: page by page, each thread found, each place remembered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from msgspec import Struct

from adapters.channels.email import thread
from adapters.channels.email.parse import Translated
from adapters.channels.email.reading.automatic import Fuse
from adapters.channels.email.reading.bounce import Lost
from adapters.channels.email.servers import imap
from adapters.channels.email.servers.imap import Box, Folder, Listed
from adapters.channels.email.servers.imap_words import day_before
from adapters.channels.email.servers.reader import Reader
from adapters.channels.email.settings import Account
from backbone.channel import Event, Kit, Message, Page, Receipt

PAGE_MAILS: Final = 20
PAGE_BYTES: Final = 35 * 1024 * 1024
"""A page ends behind the mail that passes it, so that a page of large mails fits into memory."""


class Cursor(Struct, frozen=True):
    """How far a folder has been read: `<uidvalidity>:<uid>`, and `:<day>` while it is looked back.

    Looking back, mails from before that day are passed over. Another `uid_validity` means that all numbers are new.
    """

    uid_validity: int
    uid: int
    day: str = ""

    def __str__(self) -> str:
        return f"{self.uid_validity}:{self.uid}" + (f":{self.day}" if self.day else "")


def cursor_of(text: str, folder: Folder, now: float, look_back_days: int) -> Cursor:
    """Where to read on: what `text` says if the folder counts as it did, else from some days ago."""
    validity, _, rest = text.partition(":")
    uid, _, day = rest.partition(":")
    if validity == str(folder.uid_validity) and uid.isdecimal():
        return Cursor(folder.uid_validity, int(uid), day)
    return Cursor(folder.uid_validity, 0, day_before(now, look_back_days))


async def read(acc: Account, cursor: str, kit: Kit, reader: Reader) -> AsyncIterator[Page]:
    """Pages, first of what is there, then of what comes."""
    async with imap.opened(acc, kit) as box:
        at = cursor_of(cursor, box.folder, kit.now(), acc.look_back_days)
        fuse = Fuse()
        # Before anything is looked for: what comes from here on is above it, and is read.
        top = await _top(box) if at.day else 0
        while True:
            uids = await box.since(at.uid, at.day)
            while uids:
                events, last = await _page(box, uids[:PAGE_MAILS], acc, kit, fuse, reader)
                uids = [uid for uid in uids if uid > last]
                at = Cursor(at.uid_validity, last, at.day)
                yield Page(events=events, cursor=str(at), more=bool(uids))
            if at.day:
                at = Cursor(at.uid_validity, max(at.uid, top))
                yield Page(cursor=str(at))
            else:
                await box.wait(acc.idle_s, acc.poll_s)


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
