"""LINE's own library verifies and reads what our simulator posts, and signs what the example's channel takes."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from linebot.v3 import WebhookParser
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.webhooks import MessageEvent, TextMessageContent

from backbone.channel import Message
from tests.simulators.line import LineSimulator
from tests.unit.adapters.channels.test_line import ACCOUNT, as_node, line


def test_the_library_reads_what_our_simulator_posts() -> None:
    simulator = LineSimulator()
    (push,) = simulator.say("ann", "你好 👋")
    request = as_node(push.request)
    parser = WebhookParser(simulator.account()["secret"])
    (event,) = parser.parse(request.body.decode(), request.headers["x-line-signature"])
    assert isinstance(event, MessageEvent)
    assert isinstance(event.message, TextMessageContent)
    assert event.message.text == "你好 👋"
    with pytest.raises(InvalidSignatureError):
        parser.parse(request.body.decode() + " ", request.headers["x-line-signature"])


def test_what_the_library_would_take_the_channel_takes() -> None:
    simulator = LineSimulator()
    (push,) = simulator.say("ann", "hello")
    body = push.request.body
    signature = base64.b64encode(hmac.new(ACCOUNT.secret.encode(), body, hashlib.sha256).digest()).decode()
    assert WebhookParser(ACCOUNT.secret).parse(body.decode(), signature)
    request = as_node(push.request)
    request.headers["x-line-signature"] = signature
    assert line.Line().verify(request, ACCOUNT) is None
    (event,) = line.Line().parse(request, ACCOUNT)
    assert isinstance(event, Message)
    assert event.text == "hello"
