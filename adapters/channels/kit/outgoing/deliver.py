"""Hands one message of ours to its provider, part by part, and writes what became of each into the log.

The event `delivery.updated` is the record: a part that has one is never sent again. Where a provider would take
the same part twice, a try leaves a mark before the call (`send.<event>.<part>`), so that whoever finds it without a
record knows that it may have been sent.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

import prometheus_client
import structlog
from msgspec import structs

from adapters.channels.kit import state, windows
from adapters.channels.kit.account_kit import AccountKit
from adapters.channels.kit.outgoing import parts, verdict
from adapters.channels.kit.outgoing.outcomes import Outcomes, Try
from adapters.channels.kit.outgoing.parts import Part
from adapters.channels.kit.outgoing.rates import Rates
from adapters.channels.kit.outgoing.unsent import Unsent
from adapters.channels.kit.outgoing.verdict import FOR_EVER, Again, Ask, Attempt, Follow, GiveUp, Park, Settle, Taken
from adapters.channels.kit.shared import Room
from adapters.channels.kit.state import Conversation
from backbone import events as ev
from backbone import failpoints
from backbone.accounts import stores
from backbone.accounts.accounts import Account, Accounts
from backbone.accounts.stores import Trying
from backbone.channel import (
    FaultError,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Said,
    Sent,
    Unknown,
    Window,
    windows_of,
)
from backbone.clock import utc_ms
from backbone.decide import parse_tolerant
from backbone.ids import derived_event_id
from backbone.nats import subjects
from backbone.nats.buckets import KeyExistsError

LINK_LIFE_S: Final = 7 * 86_400
QUOTED_MOST_CHARS: Final = 10_000
"""Of what a message answers."""

WINDOW_CODES: Final = {
    "time": "channel.window_time",
    "count": "channel.window_count",
    "never": "channel.window_never",
    "platform": "channel.window_platform",
}

_log = structlog.get_logger("channels.deliver")
_outcomes = prometheus_client.Counter(
    "trunkline_channel_sends_total", "Calls that send, by what became of them.", ["channel", "inbox", "outcome"]
)


class Wait(NamedTuple):
    """The message must wait: until when (UTC ms, FOR_EVER: until something happens), for what, after how many tries."""

    until: int
    why: str
    tries: int = 0


class GaveUpError(Exception):
    """Nobody took it for too long: a dead letter, with what the provider said last."""


class Deliverer:
    """Sends messages of one channel."""

    def __init__(self, room: Room, accounts: Accounts) -> None:
        self._channel = room.channel
        self._accounts = accounts
        self._settings = room.settings
        self._files = room.files
        self._signer = room.signer
        self._bucket = stores.channels(room.link)
        self._link = room.link
        self._log = room.log
        self._rates: dict[str, Rates] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self.outcomes = Outcomes(room)
        self.unsent = Unsent(room.channel.name)
        self._said: dict[str, Sent] = {}
        """What a provider took and the log doesn't know yet."""

    async def deliver(
        self, account: Account, kit: AccountKit, known: Conversation, event: ev.MessageAdded, tried: int = 0
    ) -> Wait | None:
        """Sends what isn't sent of a message; None once nothing more is to be done. `tried`: of the first part.

        Raises GaveUpError after `give_up_s`, and TrunklineError where the log can't be written.
        """
        self.unsent.begin(event.id, event.at)
        try:
            return await self._deliver(account, kit, known, event, tried)
        finally:
            self.unsent.end(event.id)

    async def _deliver(
        self, account: Account, kit: AccountKit, known: Conversation, event: ev.MessageAdded, tried: int
    ) -> Wait | None:
        if event.id in known.texts:
            # It was changed before it went out.
            event = structs.replace(event, text=known.texts[event.id])
        planned = parts.plan(self._channel.caps, event, lambda file: self._address(known.head.tenant, file))
        if isinstance(planned, Rejected) or known.blocked:
            reason = planned.reason if isinstance(planned, Rejected) else known.blocked
            await self.outcomes.record(
                Try(account, known, event, Part("text"), 0, 1), "failed", code="channel.rejected", text=reason
            )
            return None
        for number, part in enumerate(planned):
            if state.part_is_settled(known, event.id, number):
                continue
            if wait := await self._part(Try(account, known, event, part, number, len(planned), tried), kit):
                return wait
            tried = 0
            if state.is_settled(known, event.id):
                break
        return None

    async def _part(self, one: Try, kit: AccountKit) -> Wait | None:
        """Sends a part, again where that makes sense; None once it has an outcome."""
        tries = 0
        is_doubtful = False
        while True:
            if wait := await self._must_wait(one, one.tried + tries):
                return wait
            if not await self._mark(one, tries):
                return await self._after_silence(one, kit)
            try:
                sent = await self._send(one, kit, is_resend=tries > 0 or one.event.id in one.known.inherited)
            except FaultError as error:
                self._count(one, type(error.fault).__name__.lower())
                attempt = Attempt(tries, one.tried, is_doubtful, self._left_s(one), utc_ms())
                is_doubtful = is_doubtful or isinstance(error.fault, Unknown)
                judged = verdict.after(error, attempt, self._channel.caps, self._settings.park_after_s)
                if isinstance(judged, Taken):
                    sent = Sent(judged.id)
                elif isinstance(judged, Follow):
                    await self._unmark(one)
                    await self.outcomes.followed(one, judged.to)
                    tries += 1
                    continue
                elif isinstance(judged, Again):
                    if not await self._again(one, kit, judged):
                        return await self._after_silence(one, kit if judged.forgets_uploads else None)
                    tries += 1
                    continue
                else:
                    return await self._ended(one, kit, judged)
            await self._took(one, sent)
            return None

    async def _again(self, one: Try, kit: AccountKit, judged: Again) -> bool:
        """Waits for another call; False if somebody else has begun one meanwhile."""
        await self._unmark(one)
        if judged.forgets_uploads:
            for file in one.part.files:
                await kit.forget_upload(await self._media(one.known.head.tenant, file), one.part.kind)
        if judged.account_s:
            await self._accounts.hold(one.account, judged.account_s)
        if judged.delay_s:
            await asyncio.sleep(judged.delay_s)
        return await self._mark(one, 0)

    async def _ended(self, one: Try, kit: AccountKit, judged: Settle | Park | Ask | GiveUp) -> Wait | None:
        """No further call now: the part has its outcome, or its message waits. Raises GaveUpError."""
        match judged:
            case Settle(state=outcome, code=code, text=text):
                await self.outcomes.record(one, outcome, code=code, text=text)
                return None
            case Ask():
                return await self._after_silence(one, kit)
            case GiveUp(text=text):
                await self._unmark(one)
                await self.outcomes.record(one, "failed", code="channel.gave_up", text=text)
                raise GaveUpError(text)
            case Park():
                await self._unmark(one)
                if judged.code:
                    await self.outcomes.record(one, "failed", code=judged.code, text=judged.text, is_final=False)
                if judged.shuts_window:
                    windows.shut(one.known.window, utc_ms())
                if judged.account_s:
                    await self._accounts.hold(one.account, judged.account_s)
                return Wait(judged.until, judged.why, judged.tries)

    async def _must_wait(self, one: Try, tries: int) -> Wait | None:
        account, known = one.account, one.known
        if account.ill:
            await self.outcomes.record(one, "failed", code="channel.paused", text=account.ill, is_final=False)
            return Wait(FOR_EVER, "pause")
        now_ms = utc_ms()
        room = windows.room(self._windows_of(account), known.window, now_ms)
        if not room.is_open and not (room.template and one.event.parts):
            await self.outcomes.record(one, "failed", code=WINDOW_CODES[room.reason], is_final=False)
            return Wait(FOR_EVER, "window")
        park_ms = round(self._settings.park_after_s * 1000)
        if account.health.until > now_ms:
            if account.health.until - now_ms > park_ms:
                return Wait(account.health.until, "retry", tries)
            await asyncio.sleep((account.health.until - now_ms) / 1000)
        rates = self._rates_of(account)
        expected_ms = round(rates.expected_s(one.part.kind) * 1000)
        if expected_ms > park_ms or rates.waiting > self._settings.concurrency // 4:
            return Wait(now_ms + max(expected_ms, 1000), "rate", tries)
        await rates.turn(state.peer_of(known), one.part.kind)
        return None

    async def _mark(self, one: Try, tries: int) -> bool:
        """Leaves the mark of a try; False if there is one that isn't ours, and what became of it isn't known."""
        if self._channel.caps.idempotent or tries:
            return True
        try:
            await self._bucket.create(self._send_key(one), Trying(attempt=1, at=utc_ms()), stores.SEND_LIFE_S)
        except KeyExistsError:
            return False
        if failpoints.ARMED:
            failpoints.reach("channel.before_call")
        return True

    async def _send(self, one: Try, kit: AccountKit, *, is_resend: bool) -> Sent:
        known, event = one.known, one.event
        key = self._said_key(one)
        if already := self._said.get(key):
            return already
        media = [await self._media(known.head.tenant, file) for file in one.part.files]
        out = Out(
            event=event.id,
            key=out_key(event.id, one.number, known.refused.get(event.id, 0)),
            conv=known.head.conv,
            peer=Peer(known.head.contact.id if known.visited else state.peer_of(known), known.head.contact.name),
            kind=one.part.kind,
            text=one.part.text,
            # What the customer calls it by now is the channel's to know, where it says so at all.
            subject=event.subject or ("" if "subject" in known.context else known.subject),
            media=media[0] if media else None,
            also=media[1:],
            part=one.number,
            parts=one.parts,
            thread=known.thread,
            context=known.context,
            reply_to=known.provider_ids.get(event.reply_to, ""),
            answer_to=event.answer_to,
            cc=event.cc if event.cc is not None else known.cc,
            refs=known.refs,
            author=event.by.name,
            template=event.parts[0] if event.parts else {},
            automatic=event.by.kind != "agent",
            is_resend=is_resend,
            answered=await self._answered(one),
        )
        account = one.account
        async with self._slots.setdefault(account.id, asyncio.Semaphore(self._channel.caps.parallel)):
            if account.ill:
                # It turned out while this one waited for its place.
                raise FaultError(Pause(account.ill))
            if self._channel.caps.echoes:
                await self.outcomes.point(one, out.key)
            try:
                sent = await self._channel.send(out, account.settings, kit)
            except FaultError as error:
                if isinstance(error.fault, Pause):
                    # Before its place is free, or whoever waits for that would try, too.
                    await self._accounts.pause(account, error.fault.reason)
                raise
        if failpoints.ARMED:
            failpoints.reach("channel.called")
        self._count(one, sent.state)
        self._said[key] = sent
        return sent

    async def _answered(self, one: Try) -> Said | None:
        """The customer's last message before this one; the same at every try, whatever came since."""
        if not getattr(one.account.settings, "quotes", False) or one.event.by.kind != "agent":
            return None
        before = one.known.places.get(one.event.id, one.known.seq + 1)
        seq = next((seq for seq, _ in reversed(one.known.heard) if seq < before), 0)
        head = one.known.head
        kept = await self._log.at(subjects.chat(head.tenant, head.channel, head.conv), seq) if seq else None
        said = parse_tolerant(kept.raw) if kept else None
        if not isinstance(said, ev.MessageAdded) or not said.text:
            return None
        at = said.provider.at if said.provider and said.provider.at else said.at
        return Said(text=said.text[:QUOTED_MOST_CHARS], author=said.by.name, at=at)

    async def _took(self, one: Try, sent: Sent) -> None:
        if sent.id and (self.outcomes.has_receipts() or self._channel.caps.quotes):
            await self.outcomes.point(one, sent.id)
        self._accounts.pulses.beat(one.account.tenant, one.account.id, "out")
        code = "channel.partly" if sent.note else ""
        await self.outcomes.record(one, sent.state, provider=sent.id, code=code, text=sent.note)
        self._said.pop(self._said_key(one), None)
        if failpoints.ARMED:
            failpoints.reach("channel.recorded")
        if sent.id and self.outcomes.has_receipts():
            await self.outcomes.late_receipt(one, sent.id)

    def _left_s(self, one: Try) -> float:
        """Seconds until a message is given up."""
        again = one.known.again.get(one.event.id)
        since = max(one.event.at, again.at) if again else one.event.at
        return self._settings.give_up_s - (utc_ms() - since) / 1000

    async def _after_silence(self, one: Try, kit: AccountKit | None) -> Wait | None:
        """A try ended without an answer: an echo or a status may tell, else whoever wrote it is asked."""
        if await self.outcomes.is_told(one):
            return None
        if self._settings.unknown == "resend" and kit is not None:
            try:
                await self._took(one, await self._send(one, kit, is_resend=True))
            except FaultError as error:
                _log.warning("send.resend_failed", event=one.event.id, error=str(error))
            else:
                return None
        await self.outcomes.record(one, "unknown", code="channel.unknown")
        return None

    async def _media(self, tenant: str, file: ev.Attachment) -> OutMedia:
        content, link = await self._files.content(tenant, file.file), self._address(tenant, file)
        return OutMedia(
            file=file.file,
            name=file.name,
            mime=file.mime,
            size=len(content),
            content=content,
            link=link,
            preview=f"{link}/preview" if link and file.mime.startswith("image/") else "",
        )

    def _address(self, tenant: str, file: ev.Attachment) -> str:
        """Where the customer may fetch a file for a week; empty where customers reach no node."""
        if not self._settings.public_url:
            return ""
        signed = self._signer.file_link(tenant, file.file, file.name, file.mime, LINK_LIFE_S)
        return f"{self._settings.public_url.rstrip('/')}/files/{signed}"

    async def _unmark(self, one: Try) -> None:
        """The provider said no: the part wasn't taken."""
        if not self._channel.caps.idempotent:
            await self._bucket.delete(self._send_key(one), marker_s=60)

    def _windows_of(self, account: Account) -> list[Window]:
        return windows_of(self._channel.caps.windows, lambda name: getattr(account.settings, name, False))

    def _rates_of(self, account: Account) -> Rates:
        found = self._rates.get(account.id)
        if found is None:
            found = self._rates[account.id] = Rates(self._link, account.tenant, account.id, self._channel.caps.rates)
        return found

    def _send_key(self, one: Try) -> str:
        refused = one.known.refused.get(one.event.id, 0)
        return stores.send_key(one.account.tenant, one.event.id, one.number, refused)

    def _said_key(self, one: Try) -> str:
        return f"{one.event.id}.{one.number}.{one.known.refused.get(one.event.id, 0)}"

    def _count(self, one: Try, outcome: str) -> None:
        _outcomes.labels(self._channel.name, one.account.id, outcome).inc()


def out_key(event_id: str, part: int, refused: int = 0) -> str:
    """The key of a part: 32 hex digits, the same at every try.

    What the platform took and refused later (`refused`: so often) goes out under another: the former is used up.
    """
    return derived_event_id(event_id, f"part.{part}.{refused}" if refused else f"part.{part}").replace("-", "")
