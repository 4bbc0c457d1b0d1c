"""LINE: what is sent to the Messaging API and fetched from it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from msgspec import Struct

from adapters.channels.line import content, examining, faults, outgoing, protocol, settings
from adapters.channels.line.calls import call, read
from backbone.channel import (
    Caps,
    Check,
    Duplicate,
    FaultError,
    Kit,
    Media,
    Out,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Token,
)

MOST_IN_BYTES: Final = 200 * outgoing.MB
TYPING_S: Final = 5
REMEMBERED_S: Final = 86_400
PUSHED: Final = "push"
"""In place of a token: a try went by a push."""

NO_LINK: Final = "LINE fetches files by their address, and this server has none: an operator sets its public one."
LOST: Final = Rejected("LINE may have delivered it: its answer was lost.")
GONE: Final = Rejected("The file isn't at its address any more.")
FAILED: Final = Rejected("LINE couldn't prepare the video or voice message.")

S = TypeVar("S", bound=Struct)


class _Sent(Struct):
    id: str = ""


class _Taken(Struct, rename="camel"):
    sent_messages: list[_Sent] = []


class _Token(Struct):
    access_token: str
    expires_in: int


class _Profile(Struct, rename="camel"):
    display_name: str = ""
    group_name: str = ""


class _Status(Struct):
    status: str = ""


class Line:
    """The channel `line`: one official account an inbox."""

    name: ClassVar[str] = "line"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", *outgoing.TYPES}),
        text=(5000, "utf16"),
        media_types=outgoing.TYPES,
        media_bytes=outgoing.MEDIA_BYTES,
        idempotent=True,
        quotes=True,
        token_as=("bearer", ""),
        # LINE waits two seconds.
        ack_seconds=2,
        timeout_s=30,
        data=content.DATA,
    )

    verify = staticmethod(protocol.verify)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Replies for free while the customer's last message is young, else pushes."""
        if out.media and not out.media.link:
            raise FaultError(Rejected(NO_LINK))
        said = outgoing.message(out, acc.preview)
        try:
            return await self._said(said, out, acc, kit)
        except FaultError as error:
            if error.fault != faults.QUOTE_WRONG:
                raise
        return await self._said(outgoing.without_quote(said), out, acc, kit)

    async def _said(self, said: dict[str, Any], out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """By the way that an earlier try took, if one did: LINE knows no message that came by both. The customer may
        have written meanwhile, which brings another token.
        """
        kept = f"by:{out.key}"
        by = await kit.recall(kept)
        if by != PUSHED:
            if sent := await self._replied(by, kept, said, out, acc, kit):
                return sent
            await kit.remember(kept, PUSHED, REMEMBERED_S)
        headers = {"X-Line-Retry-Key": str(uuid.UUID(out.key))}
        try:
            return await self._post("push", {"to": out.peer.id, "messages": [said]}, acc, kit, headers)
        except FaultError as error:
            if not isinstance(error.fault, faults.MAY_BE_TAKEN):
                # Refused: the next try may be a reply, which costs nothing.
                await kit.remember(kept, "", REMEMBERED_S)
            raise

    async def _replied(  # noqa: PLR0917 - what is sent, and all that it is sent by
        self, by: str, kept: str, said: dict[str, Any], out: Out, acc: settings.Account, kit: Kit
    ) -> Sent | None:
        """None where it must be pushed. `by`: the token of an earlier try that nobody knows the end of, and until when
        it was good; empty for none.

        A token is good for one call, so that who used it is kept. The way is kept last before the call: where it isn't,
        there was no call.
        """
        token, until = out.context.get("reply_token", ""), out.context.get("reply_until", "")
        if by:
            token, _, until = by.rpartition(" ")
        is_young = kit.now() < _seconds(until)
        if not by:
            if not token or not is_young or await kit.recall(f"reply:{token}") not in {"", out.key}:
                return None
            await kit.remember(f"reply:{token}", out.key, REMEMBERED_S)
            await kit.remember(kept, f"{token} {until}", REMEMBERED_S)
        try:
            return await self._post("reply", {"replyToken": token, "messages": [said]}, acc, kit)
        except FaultError as error:
            if error.fault == faults.REPLY_OVER and by:
                raise FaultError(Duplicate() if is_young else LOST, error.answer) from None
            if not isinstance(error.fault, faults.MAY_BE_TAKEN):
                await kit.remember(kept, "", REMEMBERED_S)
                await kit.remember(f"reply:{token}", "", REMEMBERED_S)
            if error.fault != faults.REPLY_OVER:
                raise
        return None

    async def _post(
        self, how: str, body: dict[str, Any], acc: settings.Account, kit: Kit, headers: dict[str, str] | None = None
    ) -> Sent:
        answer = await call(kit, acc, f"{acc.api}/v2/bot/message/{how}", json=body, headers=headers)
        taken = read(answer, _Taken).sent_messages
        return Sent(taken[0].id if taken else "")

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """A stateless token, good for 15 minutes; any number of them may be there at once."""
        del name, previous
        form = {"grant_type": "client_credentials", "client_id": acc.channel_id, "client_secret": acc.secret}
        if not acc.channel_id:
            raise FaultError(Pause("The account has neither a channel access token nor a channel ID."))
        got = read(await kit.call(f"{acc.api}/oauth2/v3/token", form=form, token=""), _Token)
        return Token(value=got.access_token, life_s=max(1, got.expires_in))

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file; of video and sound once LINE has prepared them."""
        if media.ref.startswith(("https://", "http://")):
            return await self._elsewhere(media, kit)
        url = f"{acc.data_api}/v2/bot/message/{media.ref}/content"
        if media.kind in {"video", "audio"}:
            status = read(await call(kit, acc, f"{url}/transcoding", method="GET"), _Status).status
            if status != "succeeded":
                raise FaultError(FAILED if status == "failed" else Retry(), status)
        answer = await call(kit, acc, url, method="GET", most_bytes=MOST_IN_BYTES)
        if answer.status == 202:
            raise FaultError(Retry(), "LINE prepares the file")
        return answer.body, _type(answer.headers.get("content-type", "")) or media.mime, media.name

    async def _elsewhere(self, media: Media, kit: Kit) -> tuple[bytes, str, str]:
        """A file that an app sent in the customer's name, from its own server; the account's token stays here."""
        try:
            answer = await kit.call(media.ref, method="GET", token="", most_bytes=MOST_IN_BYTES)
        except FaultError as error:
            if isinstance(error.fault, Pause | Rejected):
                raise FaultError(GONE, error.answer) from None
            raise
        return answer.body, _type(answer.headers.get("content-type", "")) or media.mime, media.name

    async def typing(self, peer: Peer, acc: settings.Account, kit: Kit, *, is_typing: bool) -> None:
        """Shows dots for 5 s in a chat with one person; a message ends them, nothing else does."""
        if is_typing and peer.id.startswith("U"):
            body = {"chatId": peer.id, "loadingSeconds": TYPING_S}
            await call(kit, acc, f"{acc.api}/v2/bot/chat/loading/start", json=body)

    async def mark_read(self, ref: str, peer: Peer, acc: settings.Account, kit: Kit) -> None:
        """Shows this message and those before it as read, where the account's chat is on."""
        del peer
        if token := protocol.ref_of(ref).read:
            await call(kit, acc, f"{acc.api}/v2/bot/chat/markAsRead", json={"markAsReadToken": token})

    async def profile(self, peer: Peer, acc: settings.Account, kit: Kit) -> Peer:
        """The peer with their name, or the group's; a room has none."""
        path = {"U": f"profile/{peer.id}", "C": f"group/{peer.id}/summary"}.get(peer.id[:1])
        if not path:
            return peer
        found = read(await call(kit, acc, f"{acc.api}/v2/bot/{path}", method="GET"), _Profile)
        return msgspec.structs.replace(peer, name=found.display_name or found.group_name)

    async def author(self, peer: Peer, author: str, acc: settings.Account, kit: Kit) -> str:
        """The name of a member of a group or room; they needn't follow the account."""
        of = "group" if peer.id.startswith("C") else "room"
        url = f"{acc.api}/v2/bot/{of}/{peer.id}/member/{author}"
        return read(await call(kit, acc, url, method="GET"), _Profile).display_name

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Is the token good, do callbacks arrive, and are messages left this month?"""
        return await examining.checks(acc, kit)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _type(header: str) -> str:
    return header.partition(";")[0].strip()
