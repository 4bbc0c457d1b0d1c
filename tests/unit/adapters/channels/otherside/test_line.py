"""LINE's own library reads what our simulator posts, writes what our channel must be able to, and drives the API that
our channel is tried against; nothing is lost.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from linebot.v3 import WebhookParser, webhooks
from linebot.v3.exceptions import InvalidSignatureError
from linebot.v3.messaging import (
    ApiException,
    AsyncApiClient,
    AsyncMessagingApi,
    AsyncMessagingApiBlob,
    Configuration,
    ErrorResponse,
    MarkMessagesAsReadByTokenRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    ShowLoadingAnimationRequest,
    TextMessage,
)
from linebot.v3.oauth import AsyncApiClient as OauthClient
from linebot.v3.oauth import AsyncChannelAccessToken
from linebot.v3.oauth import Configuration as OauthConfiguration

from adapters.channels.line import Line, protocol
from backbone.channel import Message, Out, OutMedia, Peer
from tests.simulators.line import LineSimulator
from tests.unit.adapters.channels.kit_telegram import kit_for
from tests.unit.adapters.channels.leaves import lost
from tests.unit.adapters.channels.test_line_client import LINK, M4A
from tests.unit.adapters.channels.test_line_protocol import ACCOUNT, PNG, as_node, events_of

LEFT_OUT = {
    r"type|mode|timestamp|webhookEventId|source\.type": "the event's own kind, time, key and place",
    r"replyToken": "kept as context where it is a message's; a signal is answered by a push",
    r"source\.userId": "the person, who is the peer, and in groups the author",
    r"message\.type": "the kind, which ours stands for",
    r"message\.contentProvider\.(type|previewImageUrl)": "who holds a file, and a smaller picture of it",
    r"message\.(emojis|mention\.mentionees)\.\d+\.(index|length)": "where a sign or name stands; its words are kept",
    r"message\.mention\.mentionees\.\d+\.type": "whether it names one person, whose id is kept, or all",
    r"beacon\.type": "told as coming near",
    r"(joined|left)\.members\..*": "who comes to a group and goes, of whom each message says who wrote it",
    r"videoPlayComplete\.trackingId|delivery\.data|things\..*|chatControl\..*": "what is passed over",
    r"module\.(botId|type|scopes\.\d+)": "the account itself, which is paused or goes on",
    r"follow\..*|deliveryContext\..*": "truths",
}

MESSAGES: dict[str, dict[str, Any]] = {
    "text": {
        "id": "468",
        "type": "text",
        "text": "@All @Li (love) 👋",
        "quoteToken": "q-1",
        "quotedMessageId": "467",
        "markAsReadToken": "r-1",
        "emojis": [{"index": 9, "length": 6, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}],
        "mention": {
            "mentionees": [
                {"index": 0, "length": 4, "type": "all"},
                {"index": 5, "length": 3, "type": "user", "userId": "U0123", "isSelf": False},
            ]
        },
    },
    "sticker": {
        "id": "469",
        "type": "sticker",
        "quoteToken": "q-2",
        "stickerId": "51626",
        "packageId": "11538",
        "stickerResourceType": "MESSAGE",
        "keywords": ["bed", "sleep"],
        "text": "Good night",
        "markAsReadToken": "r-2",
    },
    "image": {
        "id": "470",
        "type": "image",
        "quoteToken": "q-3",
        "markAsReadToken": "r-3",
        "contentProvider": {
            "type": "external",
            "originalContentUrl": "https://app.example/1.jpg",
            "previewImageUrl": "https://app.example/1s.jpg",
        },
        "imageSet": {"id": "E005D41A7288F41B", "index": 1, "total": 2},
    },
    "video": {
        "id": "471",
        "type": "video",
        "quoteToken": "q-4",
        "markAsReadToken": "r-4",
        "duration": 60_123,
        "contentProvider": {"type": "line"},
    },
    "audio": {
        "id": "472",
        "type": "audio",
        "markAsReadToken": "r-5",
        "duration": 4321,
        "contentProvider": {"type": "line"},
    },
    "file": {"id": "473", "type": "file", "fileName": "合同.pdf", "fileSize": 2138, "markAsReadToken": "r-6"},
    "location": {
        "id": "474",
        "type": "location",
        "title": "my location",
        "address": "1-3 Kioicho",
        "latitude": 35.67966,
        "longitude": 139.73669,
        "markAsReadToken": "r-7",
    },
}

EVENTS: dict[str, dict[str, Any]] = {
    "unsend": {"unsend": {"messageId": "325708"}},
    "follow": {"replyToken": "t", "follow": {"isUnblocked": True}},
    "unfollow": {},
    "join": {"replyToken": "t"},
    "leave": {},
    "memberJoined": {"replyToken": "t", "joined": {"members": [{"type": "user", "userId": "U4af"}]}},
    "memberLeft": {"left": {"members": [{"type": "user", "userId": "U4af"}]}},
    "postback": {"replyToken": "t", "postback": {"data": "storeId=12345", "params": {"datetime": "2026-12-25T01:00"}}},
    "videoPlayComplete": {"replyToken": "t", "videoPlayComplete": {"trackingId": "track-id"}},
    "beacon": {"replyToken": "t", "beacon": {"hwid": "d41d8cd98f", "type": "enter", "dm": "0a1b"}},
    "accountLink": {"replyToken": "t", "link": {"result": "ok", "nonce": "dlkfjasf"}},
    "membership": {"replyToken": "t", "membership": {"type": "joined", "membershipId": 3189}},
    "module": {"module": {"type": "detached", "botId": "U53387d54", "reason": "bot_deleted"}},
    "activated": {"chatControl": {"expireAt": 1_462_629_479_859}},
    "deactivated": {},
    "botSuspended": {},
    "botResumed": {},
    "delivery": {"delivery": {"data": "15034552939884E2"}},
}


def _event(kind: str, more: dict[str, Any], *, in_group: bool = False) -> tuple[dict[str, Any], Any, list[Any]]:
    """The payload of one event, as the library reads it, and as our channel does."""
    simulator = LineSimulator()
    source = simulator.source_of("Zhao", "Buyers" if in_group else "")
    (push,) = simulator.event("ann", kind, source=source, **more)
    request = as_node(push.request)
    (read,) = WebhookParser(ACCOUNT.secret).parse(request.body.decode(), request.headers["x-line-signature"])
    return json.loads(request.body)["events"][0], read, events_of([push])


@pytest.mark.parametrize("in_group", [False, True], ids=["one", "group"])
@pytest.mark.parametrize("kind", MESSAGES)
def test_every_value_of_a_message_is_in_its_event(kind: str, in_group: bool) -> None:  # noqa: FBT001
    more = {"replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", "message": MESSAGES[kind]}
    payload, read, events = _event("message", more, in_group=in_group)
    assert isinstance(read, webhooks.MessageEvent)
    assert type(read.message).__name__.lower() == f"{kind}messagecontent"
    assert isinstance(events[0], Message)
    assert events[0].kind != "unsupported"
    assert lost(payload, events, {p: why for p, why in LEFT_OUT.items() if p != "replyToken"}) == []
    author = events[0].attributes.get("author_id", "")
    assert author == (payload["source"]["userId"] if in_group else "")


@pytest.mark.parametrize("kind", EVENTS)
def test_every_value_of_an_event_is_told_or_left_out_on_purpose(kind: str) -> None:
    payload, read, events = _event(kind, EVENTS[kind])
    assert type(read).__name__.lower().startswith(kind.lower() if kind != "delivery" else "pnpdelivery")
    assert events[0].name != "unknown"
    assert lost(payload, events, LEFT_OUT) == []


def test_an_edited_message_is_the_librarys_and_ours() -> None:
    message = {"id": "468", "type": "text", "text": "tomorrow", "quoteToken": "q-9"}
    payload, read, events = _event("messageEdited", {"message": message}, in_group=True)
    assert isinstance(read, webhooks.MessageEditedEvent)
    left_out = {**LEFT_OUT, r"message\.quoteToken": "that of the message as it was said goes on"}
    assert lost(payload, events, left_out) == []


@pytest.mark.parametrize("kind", ["text", "sticker", "image", "video", "audio", "file", "location"])
def test_the_library_reads_what_our_simulator_posts(kind: str) -> None:
    simulator = LineSimulator()
    (push,) = simulator.say("ann", "你好 👋", kind=kind, content=PNG)
    request = as_node(push.request)
    parser = WebhookParser(simulator.secret)
    (event,) = parser.parse(request.body.decode(), request.headers["x-line-signature"])
    assert isinstance(event, webhooks.MessageEvent)
    assert type(event.message).__name__.lower() == f"{kind}messagecontent"
    assert event.source.user_id == simulator.user_of("ann")
    with pytest.raises(InvalidSignatureError):
        parser.parse(request.body.decode() + " ", request.headers["x-line-signature"])


@pytest.mark.parametrize("number", range(4))
def test_what_the_library_refuses_the_channel_refuses(number: int) -> None:
    simulator = LineSimulator()
    forged = as_node(simulator.forged(simulator.say("ann", "hi")[0])[number])
    with pytest.raises(InvalidSignatureError):
        WebhookParser(ACCOUNT.secret).parse(forged.body.decode(), forged.headers.get("x-line-signature", "none"))
    with pytest.raises(protocol.BadSignatureError):
        protocol.verify(forged, ACCOUNT)


# --- the library's client against our simulator -------------------------------------------------


@contextlib.asynccontextmanager
async def _client(simulator: LineSimulator) -> AsyncIterator[AsyncApiClient]:
    """A client with a token that the library has issued."""
    async with OauthClient(OauthConfiguration(host=simulator.base)) as oauth:
        issued = await AsyncChannelAccessToken(oauth).issue_stateless_channel_token_by_client_secret(
            simulator.channel_id, simulator.secret
        )
    assert (issued.token_type, issued.expires_in) == ("Bearer", 900)
    async with AsyncApiClient(Configuration(host=simulator.base, access_token=issued.access_token)) as client:
        yield client


async def test_the_librarys_client_sends_by_our_simulator() -> None:
    simulator = LineSimulator()
    async with simulator.running(), _client(simulator) as client:
        api = AsyncMessagingApi(client)
        (heard,) = events_of(simulator.say("ann", "hi"))
        said = [TextMessage(text="hello", quoteToken=protocol.ref_of(heard.ref).quote)]
        token = heard.context["reply_token"]
        replied = await api.reply_message(ReplyMessageRequest(replyToken=token, messages=said))
        assert replied.sent_messages[0].quote_token
        with pytest.raises(ApiException) as twice:
            await api.reply_message(ReplyMessageRequest(replyToken=token, messages=said))
        assert (twice.value.status, _error(twice.value).message) == (400, "Invalid reply token")
        key = str(uuid.uuid4())
        pushed = await api.push_message(PushMessageRequest(to=heard.peer.id, messages=said), x_line_retry_key=key)
        with pytest.raises(ApiException) as again:
            await api.push_message(PushMessageRequest(to=heard.peer.id, messages=said), x_line_retry_key=key)
        assert again.value.status == 409
        assert again.value.headers["x-line-accepted-request-id"]
        assert _error(again.value).sent_messages == pushed.sent_messages
        assert [one.more["how"] for one in simulator.accepted] == ["reply", "push"]


async def test_the_librarys_client_is_told_what_is_wrong() -> None:
    simulator = LineSimulator()
    async with simulator.running(), _client(simulator) as client:
        api = AsyncMessagingApi(client)
        to = simulator.user_of("ann")
        with pytest.raises(ApiException) as wrong:
            await api.push_message(PushMessageRequest(to=to, messages=[TextMessage(text="x" * 5001)]))
        assert _error(wrong.value).details[0].var_property == "messages[0].text"
        simulator.month_most = simulator.pushed = 1
        with pytest.raises(ApiException) as over:
            await api.push_message(PushMessageRequest(to=to, messages=[TextMessage(text="x")]))
        assert over.value.status == 429


async def test_the_librarys_client_asks_our_simulator_for_the_rest() -> None:
    simulator = LineSimulator()
    async with simulator.running(), _client(simulator) as client:
        api, blob = AsyncMessagingApi(client), AsyncMessagingApiBlob(client)
        (heard,) = events_of(simulator.say("ann", "", kind="video", content=PNG))
        group = simulator.group_of("Buyers")
        assert bytes(await blob.get_message_content(heard.key)) == PNG
        assert (await blob.get_message_content_transcoding_by_message_id(heard.key)).status == "succeeded"
        assert (await api.get_profile(heard.peer.id)).display_name == "ann"
        assert (await api.get_group_summary(group)).group_name == "Buyers"
        assert (await api.get_group_member_profile(group, heard.peer.id)).display_name == "ann"
        assert (await api.get_bot_info()).chat_mode == "chat"
        assert (await api.get_message_quota()).type == "none"
        assert (await api.get_message_quota_consumption()).total_usage == 0
        assert (await api.get_webhook_endpoint()).active
        assert (await api.test_webhook_endpoint()).success
        await api.show_loading_animation(ShowLoadingAnimationRequest(chatId=heard.peer.id, loadingSeconds=5))
        token = protocol.ref_of(heard.ref).read
        await api.mark_messages_as_read_by_token(MarkMessagesAsReadByTokenRequest(markAsReadToken=token))
        assert (simulator.typed, simulator.read) == ([heard.peer.id], [heard.peer.id])


async def test_what_our_channel_sends_the_library_reads() -> None:
    simulator = LineSimulator()
    async with simulator.running(), kit_for(Line(), simulator.account(), simulator.clock) as (kit, acc):
        picture = OutMedia(
            file="f", name="a", mime="image/png", size=9, content=PNG, link=LINK, preview=f"{LINK}/preview"
        )
        sound = OutMedia(file="g", name="b", mime="audio/mp4", size=9, content=M4A, link=LINK)
        peer = Peer(simulator.user_of("ann"))
        for number, (kind, media) in enumerate((("text", None), ("image", picture), ("audio", sound))):
            key = f"{number:032x}"
            out = Out(event="e", key=key, conv="c", peer=peer, kind=kind, text="hi", media=media)  # type: ignore[arg-type]
            await Line().send(out, acc, kit)
        said = [one.more["message"] for one in simulator.accepted]
        read = PushMessageRequest.from_dict({"to": peer.id, "messages": said})
        assert [type(one).__name__ for one in read.messages] == ["TextMessage", "ImageMessage", "AudioMessage"]


def _error(refused: ApiException) -> ErrorResponse:
    return ErrorResponse.from_json(refused.body)
