"""Callbacks of a platform whose signature doesn't cover the body, on two replicas."""

from __future__ import annotations

import time

from msgspec import structs

from adapters.channels.kit.incoming.hooks import Hook, Hooks
from adapters.channels.kit.incoming.receive import Receiver
from adapters.channels.kit.kits import Kits
from adapters.channels.kit.settings import ChannelSettings
from adapters.channels.kit.shared import Room
from adapters.channels.wechat import WeChat
from adapters.channels.wechat_crypto import sign
from backbone import directory
from backbone.accounts.accounts import Accounts, seal_settings
from backbone.files.attachments import Attachments
from backbone.log import Log
from backbone.nats.link import Link
from backbone.outside.http import Caller
from backbone.sealing import Sealer
from backbone.signing import Signer
from tests.integration.backbone.conftest import STREAMS
from tests.integration.backbone.rooms import SECRET

SETTINGS = {"app_id": "wx1234567890abcdef", "app_secret": "secret", "token": "token"}


def _said(text: str, number: int) -> bytes:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>o-lin</FromUserName><CreateTime>{int(time.time())}</CreateTime>"
        f"<MsgType>text</MsgType><Content>{text}</Content><MsgId>{number}</MsgId></xml>"
    ).encode()


async def test_query_that_somebody_saw_forges_no_second_message(link: Link) -> None:
    """In plain mode, whichever replica it comes to; the platform's own repetition is answered as before."""
    sealer, settings = Sealer([SECRET]), ChannelSettings()
    sealed = seal_settings(WeChat(), sealer, "main", "gh", SETTINGS)
    await directory.connect_inbox(link, "main", directory.Inbox(id="gh", channel="wechat", name="gh", settings=sealed))
    rooms = [
        Room(
            link=link,
            log=Log(link),
            channel=WeChat(),
            settings=settings,
            files=Attachments(link, settings.file_bytes),
            signer=Signer(SECRET),
            sealer=sealer,
            caller=Caller(),
            streams=STREAMS,
            instance=instance,
        )
        for instance in ("one", "two")
    ]
    accounts = [Accounts(link, room.channel, sealer) for room in rooms]
    for each in accounts:
        await each.caught_up()
    first, second = [Hooks(room, of, Receiver(room, of, Kits(room))) for room, of in zip(rooms, accounts, strict=True)]
    stamp, nonce = str(int(time.time())), "nonce.of > somebody *"
    query = {"signature": sign("token", stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": "o-lin"}
    seen = Hook(inbox="gh", method="POST", query=query, body=_said("hello", 1))
    assert (await first.answer("main", seen)).status == 200
    for hooks in (first, second):
        assert (await hooks.answer("main", seen)).status == 200
        forged = structs.replace(seen, body=_said("send the money elsewhere", 2))
        assert (await hooks.answer("main", forged)).status == 401
    fresh = {**query, "nonce": "another", "signature": sign("token", stamp, "another")}
    assert (await second.answer("main", structs.replace(seen, query=fresh, body=_said("and", 3)))).status == 200
    for each in accounts:
        await each.close()
    for room in rooms:
        await room.caller.close()
