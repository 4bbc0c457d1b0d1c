"""Fetches a provider's files for a message that came with places kept for them, and fills these in."""

from __future__ import annotations

from typing import Any, Final, TypeGuard

import structlog
from msgspec import structs

from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import events as ev
from backbone.accounts.accounts import Account
from backbone.channel import Fault, FaultError, Media, MediaGone, Pause, Rejected, Retry, TokenExpired, Unknown
from backbone.clock import utc_ms
from backbone.errors import TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.ids import derived_event_id
from backbone.nats import subjects
from backbone.outside.http import TooLongError

MIB: Final = 1024 * 1024
REASON_CHARACTERS: Final = 160

_log = structlog.get_logger("channels.media")


class TryAgainError(Exception):
    """The provider can't give the file now."""


class AccountIllError(Exception):
    """The provider refuses the account; the reason in words."""


def has_places(event: ev.Event | ev.Envelope) -> TypeGuard[ev.MessageAdded]:
    """Whether an event is a message with places kept for files of a provider."""
    return isinstance(event, ev.MessageAdded) and any(a.ref and not a.file for a in event.attachments)


async def settle_media(  # noqa: PLR0917 - where, whose, by whom and what
    room: Room, account: Account, kits: Kits, known: Conversation, event: ev.MessageAdded, seq: int, *, is_last: bool
) -> None:
    """Stores the files of the message at `seq` and publishes `message.edited` with them; one that can't be had keeps
    its place, and says why.

    The same again stores nothing twice. Raises TryAgainError where another try may succeed and this isn't the last,
    AccountIllError where that takes somebody who repairs the account.
    """
    edited_id = derived_event_id(event.id, "media")
    subject = subjects.chat(known.head.tenant, known.head.channel, known.head.conv)
    if await _is_stored(room, subject, edited_id, seq):
        return
    filled = [await _filled(room, account, kits, each, is_last=is_last) for each in event.attachments]
    edited = ev.MessageEdited(
        id=edited_id,
        tenant=known.head.tenant,
        channel=known.head.channel,
        conv=known.head.conv,
        at=utc_ms(),
        by=ev.Actor("provider", room.channel.name),
        target=event.id,
        text=event.text,
        attachments=filled,
    )
    await room.log.publish(subject, edited)


async def _is_stored(room: Room, subject: str, edited_id: str, seq: int) -> bool:
    """Whether the edit is there; it comes behind its message."""
    wanted = edited_id.encode()
    return any(wanted in each.raw for each in await room.log.replay_all(subject, seq, 20_000))


async def _filled(room: Room, account: Account, kits: Kits, place: ev.Attachment, *, is_last: bool) -> ev.Attachment:
    if place.file or not place.ref:
        return place
    channel: Any = room.channel
    media = Media(kind=place.mime.split("/", 1)[0], ref=place.ref, mime=place.mime, name=place.name, size=place.bytes)
    try:
        content, _, name = await channel.get_media(media, account.settings, kits.of(account))
        saved = await room.files.save(account.tenant, f"channel:{account.id}", content, name or place.name)
    except TooLongError as error:
        return _lost(place, f"It has more than {error.most_bytes // MIB} MiB.")
    except FaultError as error:
        if isinstance(error.fault, Pause):
            raise AccountIllError(error.fault.reason) from error
        if isinstance(error.fault, Retry | TokenExpired | Unknown) and not is_last:
            raise TryAgainError(str(error)) from error
        _log.info("media.refused", tenant=account.tenant, inbox=account.id, error=str(error))
        return _lost(place, _in_words(error.fault))
    except (UnavailableError, UnknownOutcomeError):
        raise
    except TrunklineError as refused:
        return _lost(place, refused.message)
    return structs.replace(saved, cid=place.cid)


def _in_words(fault: Fault) -> str:
    """Why there is no file, for an agent."""
    if isinstance(fault, Rejected):
        return fault.reason
    if isinstance(fault, MediaGone):
        return "The platform no longer has it."
    return "The platform didn't give it."


def _lost(place: ev.Attachment, reason: str) -> ev.Attachment:
    _log.warning("media.lost", name=place.name, reason=reason)
    return structs.replace(place, ref="", name=f"{place.name} ({reason[:REASON_CHARACTERS]})")
