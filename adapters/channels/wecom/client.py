"""微信客服: what is pulled from WeCom and sent to it."""

from __future__ import annotations

import hashlib
import re
from typing import ClassVar, Final
from urllib.parse import unquote

from msgspec import Raw, Struct

from adapters.channels import wechat_faults
from adapters.channels.wechat_platform import read
from adapters.channels.wecom import faults, protocol, rows, settings
from backbone.channel import (
    Caps,
    Check,
    FaultError,
    Kit,
    Media,
    Out,
    OutMedia,
    Page,
    Pause,
    Peer,
    Rejected,
    Retry,
    Sent,
    Signal,
    Token,
    Unknown,
    Upload,
    Window,
    WindowClosed,
)

MB: Final = 1024 * 1024
MOST_ROWS: Final = 1000
AMR: Final = 0

NEW, ASSISTANT, POOL, HUMAN, ENDED = range(5)
"""States of a session. Messages are taken in the first two."""


_FILENAME = re.compile(r'filename="?([^";]+)')
_FILENAME_UTF8 = re.compile(r"filename\*=utf-8''([^;]+)", re.IGNORECASE)


class _Token(Struct):
    access_token: str
    expires_in: int


class _Rows(Struct):
    next_cursor: str = ""
    has_more: int = 0
    msg_list: list[Raw] = []


class _Sent(Struct):
    msgid: str = ""


class _Session(Struct):
    service_state: int
    servicer_userid: str = ""


class _Uploaded(Struct):
    media_id: str


class _Customer(Struct):
    nickname: str = ""
    unionid: str = ""


class _Customers(Struct):
    customer_list: list[_Customer] = []


class _KfAccount(Struct):
    open_kfid: str = ""
    manage_privilege: bool = True


class _KfAccounts(Struct):
    account_list: list[_KfAccount] = []


class WeCom:
    """The channel `wecom`: a bell rings, the messages are pulled; answers go out under our own ids."""

    name: ClassVar[str] = "wecom"
    Account: ClassVar[type[Struct]] = settings.Account
    caps: ClassVar[Caps] = Caps(
        kinds=frozenset({"text", "image", "audio", "video", "file"}),
        text=(2048, "bytes"),
        media_types=protocol.TYPES,
        media_bytes={"image": 2 * MB, "audio": 2 * MB, "video": 10 * MB, "file": 20 * MB},
        windows=(Window(by="message", count=5, seconds=48 * 3600),),
        receipts=frozenset({"failed"}),
        idempotent=True,
        recalls=True,
        recall_s=120,
        token_as=("query", "access_token"),
        body_bytes=64 * 1024,
        media_life_s=3 * 86_400,
        poll_s=60,
        phrases=faults.PHRASES,
        data=rows.DATA,
    )

    verify = staticmethod(protocol.verify)
    parse = staticmethod(protocol.parse)
    classify = staticmethod(faults.classify)

    # --- what comes in ---------------------------------------------------------------------

    def streams(self, acc: settings.Account) -> tuple[str, ...]:
        """The one account's rows: a cursor is of an account, and another one begins anew."""
        return (acc.open_kfid,)

    async def fetch(self, acc: settings.Account, stream: str, cursor: str, hint: str, kit: Kit) -> Page:
        """A page of rows after `cursor`; from the oldest of three days without one. `hint`: the token of the bell."""
        asked = {"cursor": cursor, "token": hint, "limit": MOST_ROWS, "voice_format": AMR, "open_kfid": stream}
        url = f"{acc.api}/cgi-bin/kf/sync_msg"
        try:
            answer = await kit.call(url, json=asked, most_bytes=16 * MB)
        except FaultError as error:
            if error.fault != faults.STALE_BELL:
                raise
            answer = await kit.call(url, json={**asked, "token": ""}, most_bytes=16 * MB)
        found = read(answer, _Rows)
        is_further = bool(found.msg_list) or found.next_cursor not in {"", cursor}
        return Page(
            events=[rows.event_of(bytes(row)) for row in found.msg_list],
            cursor=found.next_cursor or cursor,
            # A page may be short or empty and more be there; one that leads nowhere ends it.
            more=found.has_more == 1 and is_further,
        )

    async def get_media(self, media: Media, acc: settings.Account, kit: Kit) -> tuple[bytes, str, str]:
        """The bytes, type and name of a customer's file."""
        answer = await kit.call(
            f"{acc.api}/cgi-bin/media/get", method="GET", query={"media_id": media.ref}, most_bytes=21 * MB
        )
        if not wechat_faults.is_file(answer.headers):
            raise FaultError(Retry(), "no file")
        mime = answer.headers.get("content-type", "").partition(";")[0].strip()
        if mime in {"", "application/octet-stream"} and media.mime:
            mime = media.mime
        return answer.body, mime, _name(answer.headers.get("content-disposition", "")) or media.name

    async def profile(self, peer: Peer, acc: settings.Account, kit: Kit) -> Peer:
        """The peer with their nickname, and the unionid where the company has an open platform."""
        asked = {"external_userid_list": [peer.id], "need_enter_session_context": 0}
        found = read(await kit.call(f"{acc.api}/cgi-bin/kf/customer/batchget", json=asked), _Customers).customer_list
        if not found:
            return peer
        name = found[0].nickname or peer.name
        if not (unionid := found[0].unionid):
            return Peer(peer.id, name, peer.alias, peer.verified)
        return Peer(peer.id, name, {**peer.alias, "unionid": unionid}, (*peer.verified, "unionid"))

    # --- what goes out ---------------------------------------------------------------------

    async def send(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        """Hands one part over under the part's own key, which WeCom takes once. It may still fail: a row says so."""
        try:
            return await self._post(out, acc, kit)
        except FaultError as error:
            if error.fault != faults.STATE:
                raise
        await self._open_session(out.peer, acc, kit)
        try:
            return await self._post(out, acc, kit)
        except FaultError as error:
            if error.fault == faults.STATE:
                # The session would allow it: what is left is that the customer wrote too long ago.
                raise FaultError(WindowClosed("time"), error.answer) from None
            raise

    async def _post(self, out: Out, acc: settings.Account, kit: Kit) -> Sent:
        if out.media is None:
            kind, content = "text", {"content": out.text}
        else:
            kind, content = protocol.KINDS[out.kind], {"media_id": await kit.upload(out.media, out.kind)}
        body = protocol.outgoing(out.peer.id, acc, out.key, kind, content)
        try:
            answer = await kit.call(f"{acc.api}/cgi-bin/kf/send_msg", json=body)
        except FaultError as error:
            if out.is_resend and faults.is_unlisted(error.fault):
                # The code for "this msgid was taken before" isn't published: this may be it.
                raise FaultError(Unknown(), error.answer) from None
            raise
        return Sent(read(answer, _Sent).msgid or out.key, "accepted")

    async def _open_session(self, peer: Peer, acc: settings.Account, kit: Kit) -> None:
        """Moves a session to where messages are taken. Raises FaultError where that isn't ours to do."""
        of = {"open_kfid": acc.open_kfid, "external_userid": peer.id}
        session = read(await kit.call(f"{acc.api}/cgi-bin/kf/service_state/get", json=of), _Session)
        if session.service_state == ENDED:
            raise FaultError(WindowClosed("ended"))
        if session.service_state == HUMAN:
            raise FaultError(Rejected(f"The conversation is with {session.servicer_userid or 'an agent'} in WeCom."))
        if session.service_state == POOL:
            raise FaultError(Rejected("The conversation waits for an agent in WeCom."))
        if session.service_state == NEW:
            await kit.call(f"{acc.api}/cgi-bin/kf/service_state/trans", json={**of, "service_state": ASSISTANT})

    async def welcome(self, signal: Signal, acc: settings.Account, kit: Kit) -> None:
        """Greets who opened the chat: the code of the event is good for 20 s, and once. Later there is nothing to do,
        and a page that is read again finds it used.
        """
        code = signal.data.get("code", "")
        if not code or not acc.welcome:
            return
        msgid = hashlib.sha256(signal.key.encode(errors="replace")).hexdigest()[:32]
        body = {"code": code, "msgid": msgid, "msgtype": "text", "text": {"content": acc.welcome}}
        try:
            await kit.call(f"{acc.api}/cgi-bin/kf/send_msg_on_event", json=body)
        except FaultError as error:
            if not isinstance(error.fault, Rejected | WindowClosed):
                raise

    async def recall(self, ref: str, out: Out, acc: settings.Account, kit: Kit) -> None:
        """Withdraws a message within two minutes; it counts among the five all the same."""
        del out
        await kit.call(f"{acc.api}/cgi-bin/kf/recall_msg", json={"msgid": ref, "open_kfid": acc.open_kfid})

    async def put_media(self, media: OutMedia, kind: str, acc: settings.Account, kit: Kit) -> str:
        """Uploads a file; the id is good for three days. The customer sees a file's name."""
        form = {"media": Upload(media.name, media.mime, media.content)}
        query = {"type": protocol.KINDS[kind]}
        return read(await kit.call(f"{acc.api}/cgi-bin/media/upload", form=form, query=query), _Uploaded).media_id

    # --- the account -----------------------------------------------------------------------

    async def token(self, acc: settings.Account, kit: Kit, name: str, previous: Token | None) -> Token:
        """The company's token: the same for all who ask while it is good, two hours at most."""
        del name, previous
        query = {"corpid": acc.corp_id, "corpsecret": acc.secret}
        try:
            answer = await kit.call(f"{acc.api}/cgi-bin/gettoken", method="GET", query=query, token="")
        except FaultError as error:
            if isinstance(error.fault, Rejected):
                raise FaultError(Pause(error.fault.reason), error.answer) from None
            raise
        got = read(answer, _Token)
        return Token(value=got.access_token, life_s=max(1, got.expires_in))

    async def check(self, acc: settings.Account, kit: Kit) -> list[Check]:
        """Are the credentials good, and is the 客服账号 ours to manage?"""
        try:
            await kit.token()
        except FaultError as error:
            return [Check("credentials", _words(error))]
        well = Check("credentials", "")
        try:
            answer = await kit.call(f"{acc.api}/cgi-bin/kf/account/list", json={"offset": 0, "limit": 100})
        except FaultError as error:
            return [well, Check("account", _words(error))]
        known = {one.open_kfid: one.manage_privilege for one in read(answer, _KfAccounts).account_list}
        if acc.open_kfid not in known:
            return [
                well,
                Check("account", "The 客服账号 isn't among those that the app may see: compare the open_kfid."),
            ]
        if not known[acc.open_kfid]:
            return [well, Check("account", "The app may not manage the 客服账号: allow it on the console of WeCom.")]
        return [well, Check("account", "")]


def _name(disposition: str) -> str:
    if found := _FILENAME_UTF8.search(disposition):
        return unquote(found[1])
    found = _FILENAME.search(disposition)
    return found[1] if found else ""


def _words(error: FaultError) -> str:
    fault = error.fault
    return fault.reason if isinstance(fault, Pause | Rejected) else error.answer or "WeCom doesn't answer."
