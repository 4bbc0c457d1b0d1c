"""The channel `api` follows Standard Webhooks: the specification's own library verifies what we post, and signs what we
take.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.channels.api import Api
from backbone.channel import BadSignatureError, Message, Out, Peer, Request
from tests.simulators.api import ApiSimulator
from tests.unit.adapters.channels.kit_telegram import kit_for

pytestmark = pytest.mark.anyio


async def test_the_library_verifies_what_we_post() -> None:
    simulator, channel = ApiSimulator(), Api()
    async with simulator.running(), kit_for(channel, simulator.account(), simulator.clock) as (kit, acc):
        out = Out(event="e", key="0123456789abcdef" * 2, conv="c", peer=Peer("u-42", "Li"), text="你好 👋")
        await channel.send(out, acc, kit)
        await channel.close()
    ((body, headers),) = simulator.posted
    said: Any = Webhook(acc.secret).verify(body, headers)
    assert (said["text"], said["peer"]["id"]) == ("你好 👋", "u-42")
    with pytest.raises(WebhookVerificationError):
        Webhook(acc.secret).verify(body + b" ", headers)


def test_we_verify_what_the_library_signs() -> None:
    simulator, channel = ApiSimulator(), Api()
    simulator.base = "http://127.0.0.1"
    acc: Any = channel.Account(**simulator.account())
    body = json.dumps({"t": "message", "peer": {"id": "u-42"}, "text": "你好 👋"}, ensure_ascii=False)
    now = dt.datetime.now(dt.UTC)
    signed = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(acc.secret).sign("msg_1", now, body),
    }
    request = Request(method="POST", headers=signed, body=body.encode())
    assert channel.verify(request, acc) is None
    (event,) = channel.parse(request, acc)
    assert isinstance(event, Message)
    assert (event.key, event.peer.id, event.text) == ("msg_1", "u-42", "你好 👋")
    with pytest.raises(BadSignatureError):
        channel.verify(Request(method="POST", headers=signed, body=body.encode() + b" "), acc)
