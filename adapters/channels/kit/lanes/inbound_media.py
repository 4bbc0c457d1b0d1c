"""Fetches a provider's files for a message that came with places kept for them, and fills these in."""

from __future__ import annotations

import contextlib
from typing import Any, Final, NamedTuple, TypeGuard

import structlog
from msgspec import structs

from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import events as ev
from backbone.accounts.accounts import Account
from backbone.acks import WrongSequenceError
from backbone.channel import Fault, FaultError, Media, MediaGone, Pause, Rejected, Retry, TokenExpired, Unknown
from backbone.clock import utc_ms
from backbone.decide import naming
from backbone.errors import TrunklineError, UnavailableError, UnknownOutcomeError
from backbone.ids import derived_event_id
from backbone.nats import subjects
from backbone.outside.http import TooLongError

LOOK_AHEAD: Final = 20_000
MIB: Final = 1024 * 1024
REASON_CHARACTERS: Final = 160
TRIES: Final = 8

_log = structlog.get_logger("channels.media")


class TryAgainError(Exception):
    """The provider can't give the file now."""


class AccountIllError(Exception):
    """The provider refuses the account; the reason in words."""


Holder = ev.MessageAdded | ev.MessageEdited
"""What may have places for files: a message, or a customer's change of one."""


def has_places(event: ev.Event | ev.Envelope) -> TypeGuard[Holder]:
    """Whether an event has places kept for files of a provider."""
    return isinstance(event, Holder) and any(a.ref and not a.file for a in event.attachments)


async def settle_media(  # noqa: PLR0917 - where, whose, by whom and what
    room: Room, account: Account, kits: Kits, known: Conversation, event: Holder, seq: int, *, is_last: bool
) -> None:
    """Stores the files of the event at `seq` and publishes `message.edited` with them; one that can't be had keeps
    its place, and says why. What was withdrawn meanwhile, or got other files, isn't fetched.

    The same again stores nothing twice. Raises TryAgainError where another try may succeed and this isn't the last,
    AccountIllError where that takes somebody who repairs the account.
    """
    subject = subjects.chat(known.head.tenant, known.head.channel, known.head.conv)
    if await _standing(room, subject, event, seq) is None:
        return
    filled = [await _filled(room, account, kits, each, is_last=is_last) for each in event.attachments]
    for _ in range(TRIES):
        standing = await _standing(room, subject, event, seq)
        if standing is None:
            return
        edited = ev.MessageEdited(
            id=_edited_id(event),
            tenant=known.head.tenant,
            channel=known.head.channel,
            conv=known.head.conv,
            at=utc_ms(),
            by=ev.Actor("provider", room.channel.name),
            target=_message_of(event),
            text=standing.text,
            attachments=filled,
        )
        with contextlib.suppress(WrongSequenceError):
            await room.log.publish(subject, edited, standing.seq)
            return
    raise TryAgainError("the conversation moves too fast")


class _Standing(NamedTuple):
    """A message as it is at `seq`, the last of its conversation."""

    text: str
    seq: int


async def _standing(room: Room, subject: str, event: Holder, seq: int) -> _Standing | None:
    """The message of `event` with the customer's corrections; None where its files are there or wanted no more."""
    last = await room.log.last(subject)
    text, message, edited_id = event.text, _message_of(event), _edited_id(event)
    for _, later in naming(message, await room.log.replay_all(subject, seq, LOOK_AHEAD)):
        if not isinstance(later, ev.MessageEdited | ev.MessageRecalled) or later.target != message:
            continue
        if isinstance(later, ev.MessageRecalled) or later.id == edited_id:
            return None
        if later.by.kind != "provider" and later.attachments:
            return None
        text = later.text
    return _Standing(text, last.seq if last else seq)


def _message_of(event: Holder) -> str:
    return event.target if isinstance(event, ev.MessageEdited) else event.id


def _edited_id(event: Holder) -> str:
    return derived_event_id(event.id, "media")


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
    return structs.replace(saved, cid=place.cid, fingerprint=place.fingerprint)


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
