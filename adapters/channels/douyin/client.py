"""抖音: what is sent to Douyin and fetched from it."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

import msgspec
from msgspec import Struct, structs

from adapters.channels.douyin import authorisation, faults, protocol, settings
from adapters.channels.douyin.authorisation import Authorisation
from backbone.channel import (
    Answer,
    Caps,
    Check,
    FaultError,
    Kit,
    Media,
    Out,
    OutMedia,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Signal,
    Token,
    Upload,
    Window,
    WindowClosed,
)

MB: Final = 1024 * 1024
MOST_MEDIA_BYTES: Final = 30 * MB
REPLY_S: Final = 24 * 3600
ENTER_S: Final = 30
KEPT_S: Final = 60 * 86_400

S = TypeVar("S", bound=Struct)


class _Access(Struct):
    access_token: str
    expires_in: int
    refresh_token: str = ""
    refresh_expires_in: int = 0
    open_id: str = ""


class _Refresh(Struct):
    refresh_token: str
    expires_in: int


class _Client(Struct):
    access_token: str
    expires_in: int


class _Sent(Struct):
    msg_id: str = ""


class _Image(Struct):
    image_id: str


class _Resource(Struct):
    url: str


class Douyin:
    """The channel `douyin`: direct messages of an enterprise account."""

    name: ClassVar[str] = "douyin"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image"}),
        text=(1000, "chars"),
        media_bytes={"image": 10 * MB},
        media_types={"image": protocol.IMAGES},
        windows=(
            Window(by="message", count=6, seconds=REPLY_S),
            Window(by="enter", count=3, seconds=ENTER_S),
        ),
        # Ours come back under an id that only the answer tells: one that was lost isn't settled by it.
        echoes=False,
        receipts=frozenset({"read"}),
        recalls=True,
        token_as=("header", "access-token"),
        body_bytes=256 * 1024,
        media_life_s=86_400,
        phrases=faults.PHRASES,
        data=protocol.DATA,
    )

    verify = staticmethod(protocol.verify)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    # --- what goes out ---------------------------------------------------------------------

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Answers the customer's newest message, or their coming in."""
        content = await self._content(out, kit)
        msg_id, conversation, scene = await _answered(out, kit)
        try:
            return await self._post(protocol.outgoing(out.peer.id, content, msg_id, conversation, scene), acc, kit)
        except FaultError as error:
            if error.fault != faults.MISMATCH or not out.reply_to or out.reply_to == msg_id:
                raise
        return await self._post(protocol.outgoing(out.peer.id, content, out.reply_to, conversation), acc, kit)

    async def _content(self, out: Out, kit: Kit) -> dict[str, Any]:
        if out.media is None:
            return protocol.text(out.text)
        return protocol.image(await kit.upload(out.media, out.kind))

    async def _post(self, body: dict[str, Any], acc: settings.Account, kit: Kit) -> Sent:
        answer = await _call(kit, f"{acc.api}/im/send/msg/", json=body, query={"open_id": acc.open_id})
        return Sent(_read(answer, _Sent).msg_id)

    async def welcome(self, signal: Signal, acc: settings.Account, kit: Kit) -> None:
        """Greets who opened the chat, and keeps for 30 s by which id they may be written to."""
        code, conversation = signal.data.get("code", ""), signal.data.get("conversation_id", "")
        if not code or signal.peer is None:
            return
        await kit.remember(_entered_key(signal.peer), f"{code} {conversation}", ENTER_S)
        if not acc.welcome:
            return
        body = protocol.outgoing(signal.peer.id, protocol.text(acc.welcome), code, conversation, protocol.ENTER)
        try:
            await self._post(body, acc, kit)
        except FaultError as error:
            # Too late, or said before: then there is nothing to do.
            if not isinstance(error.fault, Rejected | WindowClosed):
                raise

    async def recall(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Withdraws a message."""
        body = {"msg_id": ref, "conversation_id": out.context.get("conversation_id", ""), "conversation_type": 1}
        await _call(kit, f"{acc.api}/im/recall/msg/", json=body, query={"open_id": acc.open_id})

    # --- files -----------------------------------------------------------------------------

    async def put_media(self, media: OutMedia, kind: str, acc: settings.Account, kit: Kit) -> str:
        """Uploads a picture, with the app's own token."""
        form = {"image": Upload(f"{kind}.{media.mime.partition('/')[2]}", media.mime, media.content)}
        answer = await _call(kit, f"{acc.api}/tool/imagex/client_upload/", form=form, token="client")  # noqa: S106 - its name
        return _read(answer, _Image).image_id

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes and type of a customer's file: by the message's ids, or at an address that came with it."""
        how, _, where = media.ref.partition(" ")
        if how == "message":
            message_id, _, conversation = where.partition(" ")
            query = {"open_id": acc.open_id, "conversation_id": conversation, "message_id": message_id}
            answer = await _call(kit, f"{acc.api}/api/im/message/resources/", method="GET", query=query)
            # The address comes escaped twice at times.
            where = _read(answer, _Resource).url.replace("\\u0026", "&")
        if not where.startswith("https://") and not where.startswith(f"{acc.api}/"):
            raise FaultError(Rejected("Douyin names an address that isn't one of a file."))
        try:
            answer = await _call(
                kit,
                where,
                method="GET",
                headers={"OpenID": acc.open_id} if how == "message" else {},
                token="access" if how == "message" else "",
                most_bytes=MOST_MEDIA_BYTES,
            )
        except FaultError as error:
            if isinstance(error.fault, Pause):
                # A file's address is good for some time: an old one says nothing of the account.
                raise FaultError(Rejected("Douyin no longer has the file at its address."), error.answer) from None
            raise
        if not faults.is_file(answer.headers):
            raise FaultError(Retry(), "no file")
        return answer.body, answer.headers.get("content-type", "").partition(";")[0].strip() or media.mime, media.name

    # --- the account -----------------------------------------------------------------------

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """`access`: the operator's, by a new code or by refreshing; `client`: the app's own."""
        try:
            return await (self._client(acc, kit) if name == "client" else self._access(acc, kit, previous))
        except FaultError as error:
            if isinstance(error.fault, Rejected):
                raise FaultError(Pause(error.fault.reason), error.answer) from None
            raise

    async def _client(self, acc: settings.Account, kit: Kit) -> Token:
        wanted = {
            "grant_type": "client_credential",
            "client_key": acc.client_key,
            "client_secret": acc.client_secret,
        }
        got = _read(await _call(kit, f"{acc.api}/oauth/client_token/", json=wanted, token=""), _Client)
        return Token(value=got.access_token, life_s=max(1, got.expires_in))

    async def _access(self, acc: settings.Account, kit: Kit, previous: Token | None) -> Token:
        got, known = await self._granted(acc, kit, authorisation.read(previous))
        until = known.refresh_until if known else round(kit.now()) + authorisation.REFRESH_LIFE_S
        held = Authorisation(
            refresh=got.refresh_token or (known.refresh if known else ""),
            refresh_until=round(kit.now()) + got.refresh_expires_in if got.refresh_expires_in else until,
            renewals=known.renewals if known else 0,
            code=known.code if known else authorisation.mark(acc.code),
        )
        life_s: float = max(1, got.expires_in)
        if held.is_renewed_at(kit.now()):
            # Last of all: the old one ends with it, and nothing may come between its answer and its being kept.
            renewed = await self._renewed(acc, kit, held)
            life_s = life_s if renewed else min(life_s, authorisation.AGAIN_S)
            held = renewed or held
        for name, value in held.told(got.open_id).items():
            await kit.remember(name, value, KEPT_S)
        return Token(value=got.access_token, life_s=life_s, more=held.kept())

    async def _granted(
        self, acc: settings.Account, kit: Kit, known: Authorisation | None
    ) -> tuple[_Access, Authorisation | None]:
        """An access token by a new code, else by refreshing; then with the authorisation that it continues."""
        code = authorisation.mark(acc.code)
        if known and (known.code == code or await kit.recall("refused_code") == code):
            return await self._refreshed(acc, kit, known), known
        try:
            return await self._begun(acc, kit), None
        except FaultError as error:
            if known is None or not isinstance(error.fault, Pause | Rejected):
                raise
        # The authorisation before is good meanwhile; the examination tells of the code.
        await kit.remember("refused_code", code, KEPT_S)
        return await self._refreshed(acc, kit, known), known

    async def _begun(self, acc: settings.Account, kit: Kit) -> _Access:
        form = {
            "client_key": acc.client_key,
            "client_secret": acc.client_secret,
            "code": acc.code,
            "grant_type": "authorization_code",
        }
        return _read(await _call(kit, f"{acc.api}/oauth/access_token/", form=form, token=""), _Access)

    async def _refreshed(self, acc: settings.Account, kit: Kit, known: Authorisation) -> _Access:
        form = {"client_key": acc.client_key, "grant_type": "refresh_token", "refresh_token": known.refresh}
        return _read(await _call(kit, f"{acc.api}/oauth/refresh_token/", form=form, token=""), _Access)

    async def _renewed(self, acc: settings.Account, kit: Kit, held: Authorisation) -> Authorisation | None:
        """With another refresh token, or with none left; None where Douyin didn't say."""
        form = {"client_key": acc.client_key, "refresh_token": held.refresh}
        try:
            answer = await _call(kit, f"{acc.api}/oauth/renew_refresh_token/", form=form, token="")
        except FaultError as error:
            is_last = error.fault == faults.TOO_OFTEN
            return structs.replace(held, renewals=authorisation.MOST_RENEWALS) if is_last else None
        got = _read(answer, _Refresh)
        return structs.replace(
            held,
            refresh=got.refresh_token,
            refresh_until=round(kit.now()) + got.expires_in,
            renewals=held.renewals + 1,
        )

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Is the operator's authorisation good, and how long; whose is it; and is the app's own token good?

        A new code is used at once: it is good for minutes, and the token before it for days.
        """
        code = authorisation.mark(acc.code)
        try:
            await kit.token()
            if code not in {await kit.recall("code"), await kit.recall("refused_code")}:
                await kit.forget_token()
                await kit.token()
        except FaultError as error:
            return [Check("authorisation", _words(error))]
        found = [Check("authorisation", await self._ending(kit, code)), Check("account", "")]
        if (open_id := await kit.recall("open_id")) and open_id != acc.open_id:
            found[1] = Check("account", f"The authorisation is of the account with open_id {open_id}: enter that.")
        try:
            await kit.token("client")
        except FaultError as error:
            return [*found, Check("app", _words(error))]
        return [*found, Check("app", "")]

    async def _ending(self, kit: Kit, code: str) -> str:
        """What is to be said of the authorisation: a code that wasn't taken, an end that can't be put off."""
        if await kit.recall("refused_code") == code:
            return "The new code was used or is too old, and the authorisation before still runs: scan anew."
        renewals, until = await kit.recall("renewals"), await kit.recall("refresh_until")
        is_last = renewals == str(authorisation.MOST_RENEWALS) and until.isdigit()
        return authorisation.warning(int(until), kit.now()) if is_last else ""


async def _answered(out: Out, kit: Kit) -> tuple[str, str, str]:
    """What is answered: the id, the conversation and the scene. Raises WindowClosed where there is nothing."""
    context = out.context
    msg_id, at = context.get("msg_id", ""), context.get("at", "")
    is_young = not at.isdigit() or kit.now() - int(at) / 1000 < REPLY_S
    if msg_id and is_young:
        return msg_id, context.get("conversation_id", ""), ""
    if entered := await kit.recall(_entered_key(out.peer)):
        code, _, conversation = entered.partition(" ")
        return code, conversation, protocol.ENTER
    raise FaultError(WindowClosed("time" if msg_id else "never"))


def _entered_key(peer: Peer) -> str:
    return f"entered:{peer.id}"


async def _call(kit: Kit, url: str, **request: Any) -> Answer:
    """`kit.call`; what waits for the next day's quota is told how long."""
    try:
        return await kit.call(url, **request)
    except FaultError as error:
        if error.fault == faults.QUOTA:
            wait = Retry(after_s=faults.until_midnight(kit.now()), account=True)
            raise FaultError(wait, error.answer) from None
        raise


def _read(answer: Answer, wanted: type[S]) -> S:
    """The answer's fields, which stand at the top or in `data`, by the page."""
    found = answer.json()
    data = found.get("data") if isinstance(found, dict) else None
    try:
        return msgspec.convert({**found, **data} if isinstance(data, dict) else found, wanted)
    except msgspec.ValidationError:
        raise FaultError(Retry(), "an answer of another form") from None


def _words(error: FaultError) -> str:
    fault = error.fault
    return fault.reason if isinstance(fault, Pause | Rejected) else error.answer or "Douyin doesn't answer."
