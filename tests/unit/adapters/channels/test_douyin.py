"""抖音: callbacks as events, in both forms and both trees."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.channels.douyin import Douyin
from adapters.channels.douyin.protocol import sign
from adapters.channels.douyin.settings import Account
from backbone.channel import (
    BadSignatureError,
    Channel,
    MalformedError,
    Media,
    Message,
    Peer,
    Receipt,
    Request,
    Signal,
)
from tests.simulators.base import Push
from tests.simulators.douyin import DouyinSimulator
from tests.unit.adapters.channels.kit_wechat import events_of

CHANNEL: Channel = Douyin()
FORMS: list[Any] = ["object", "string"]
TREES: list[Any] = ["web", "mini"]
STRANGE = "你好 👨‍👩‍👧 שלום \u2028 ]]> <b>&amp; \\u4f60 \"'"
CHALLENGE = b'{"event":"verify_webhook","client_key":"","content":{"challenge":12345}}'


def simulated(form: Any = "object", tree: Any = "mini") -> tuple[DouyinSimulator, Account]:
    simulator = DouyinSimulator(form, tree)
    simulator.base = "http://127.0.0.1:9"
    return simulator, msgspec.convert(simulator.account(), Account)


def event(account: Account, push: Push) -> Any:
    [found] = events_of(CHANNEL, account, push.request)
    return found


# --- verify -----------------------------------------------------------------------------------


def test_vector_of_the_signature() -> None:
    assert sign("secret", CHALLENGE) == "31191d5830de16ba44cf9800c4abb2eb31661018"


def test_check_of_the_address_is_echoed_in_its_own_type_and_a_wrong_one_refused() -> None:
    simulator, account = simulated()
    *right, (wrong, _, _) = simulator.handshakes()
    assert len(right) == 3
    for request, status, body in right:
        reply = CHANNEL.verify(request, account)
        assert reply is not None
        assert (reply.status, reply.body, reply.content_type) == (status, body, "application/json")
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(wrong, account)


@pytest.mark.parametrize("challenge", [True, None, 1.5, {"a": 1}, "x" * 257])
def test_challenge_of_another_type_is_not_echoed(challenge: Any) -> None:
    _, account = simulated()
    body = json.dumps({"event": "verify_webhook", "content": {"challenge": challenge}}).encode()
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(Request(method="POST", body=body), account)


def test_message_that_mentions_the_check_is_no_check() -> None:
    simulator, account = simulated()
    [push] = simulator.say("lin", "verify_webhook")
    assert event(account, push).text == "verify_webhook"
    with pytest.raises(BadSignatureError):
        CHANNEL.verify(Request(method="POST", body=push.request.body), account)


def test_forged_callback_is_refused() -> None:
    simulator, account = simulated()
    [push] = simulator.say("lin", "hello")
    for request in simulator.forged(push):
        with pytest.raises(BadSignatureError):
            CHANNEL.verify(request, account)


def test_signature_in_capitals_is_the_same() -> None:
    simulator, account = simulated()
    request = simulator.say("lin", "hello")[0].request
    headers = {**request.headers, "x-douyin-signature": request.headers["x-douyin-signature"].upper()}
    assert CHANNEL.verify(msgspec.structs.replace(request, headers=headers), account) is None


# --- parse ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("form", FORMS)
def test_text_comes_as_it_was_written(form: Any, tree: Any) -> None:
    simulator, account = simulated(form, tree)
    simulator.clock.ahead_s = 1_400_000_000 - simulator.clock.now() + 0.5
    message = event(account, simulator.say("lin", STRANGE)[0])
    [message_id] = simulator.said
    assert isinstance(message, Message)
    assert (message.key, message.text, message.kind) == (message_id, STRANGE, "text")
    assert message.at // 1000 == 1_400_000_000
    assert message.peer == Peer("lin", "lin 的昵称" if tree == "mini" else "")
    assert message.context == {
        "msg_id": message_id,
        "conversation_id": simulator.conversation("lin"),
        "at": str(message.at),
    }


def test_text_may_stand_in_an_object() -> None:
    simulator, account = simulated()
    assert event(account, simulator.say("lin", text={"text": "你好"})[0]).text == "你好"  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "mime"), [("image", "image/jpeg"), ("video", "video/mp4")])
def test_file_from_the_phone_is_named_by_its_message(kind: str, mime: str) -> None:
    simulator, account = simulated()
    message = event(account, simulator.say("lin", kind=kind, content=b"x")[0])
    assert message.kind == kind
    assert message.media == [Media(kind, f"message {message.key} {simulator.conversation('lin')}", mime)]


def test_emoji_is_a_picture_at_an_address() -> None:
    simulator, account = simulated()
    push = simulator.say("lin", kind="emoji", resource_url="https://p3.douyinpic.com/e", resource_type="image")[0]
    assert event(account, push).media == [Media("image", "address https://p3.douyinpic.com/e")]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("image", "(a picture that Douyin doesn't pass on)"),
        ("video", "(a video that Douyin doesn't pass on)"),
        ("other", "(unsupported: other)"),
        ("hologram", "(unsupported: hologram)"),
    ],
)
def test_message_without_its_content_is_unsupported_and_kept(kind: str, said: str) -> None:
    simulator, account = simulated(tree="web")
    push = simulator.push("im_receive_msg", "lin", simulator.open_id, simulator._inside("lin", "@1", kind, {}))
    message = event(account, push)
    assert (message.kind, message.text, message.media) == ("unsupported", said, [])
    assert message.raw == push.request.body


def test_shared_video_and_filled_in_card_are_cards() -> None:
    simulator, account = simulated()
    inside = simulator._inside("lin", "@1", "video", {"item_id": "@item"})
    video = event(account, simulator.push("im_receive_msg", "lin", simulator.open_id, inside))
    assert (video.kind, video.attributes) == ("card", {"item_id": "@item"})
    rows = [{"label": "姓名", "value": "林"}, {"label": "电话", "value": "138****5678"}, 7]
    card = simulator.say("lin", kind="retain_consult_card", card_id="@card", card_status=2, card_data=rows)[0]
    assert event(account, card).text == "姓名: 林\n电话: 138****5678"
    assert event(account, card).attributes == {"card_id": "@card", "form": {"姓名": "林", "电话": "138****5678"}}


def test_unknown_event_is_kept_as_it_came() -> None:
    simulator, account = simulated()
    _, push = simulator.unknown("lin")
    signal = event(account, push)
    assert (signal.name, signal.key, signal.peer) == ("unknown", push.id, Peer("lin"))
    assert signal.raw == push.request.body


@pytest.mark.parametrize("form", FORMS)
def test_message_of_ours_that_comes_back_is_a_receipt(form: Any) -> None:
    simulator, account = simulated(form)
    receipt = event(account, simulator.agent_says("lin", "hello", source=simulator.client_key))
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.peer, receipt.upto) == ("sent", Peer("lin", "lin 的昵称"), False)
    assert receipt.key == f"sent:{receipt.ref}"


@pytest.mark.parametrize("source", ["", "another-app"])
def test_message_of_a_colleague_or_another_app_is_an_echo_that_nothing_answers(source: str) -> None:
    simulator, account = simulated()
    message = event(account, simulator.agent_says("lin", "from the phone", source))
    assert isinstance(message, Message)
    assert (message.echo, message.text, message.peer.id) == (True, "from the phone", "lin")
    # An answer that names a message of our own side is refused.
    assert message.context == {}


def test_reading_is_up_to_an_index() -> None:
    simulator, account = simulated()
    simulator.say("lin", "hello")
    receipt = event(account, simulator.reads("lin"))
    index = simulator.indexes["lin"]
    key = f"read:{simulator.conversation('lin')}:{index}"
    assert receipt == Receipt(key=key, ref="", status="read", peer=Peer("lin"), upto=True, at=index // 1000)


def test_our_own_reading_is_of_no_use() -> None:
    simulator, account = simulated()
    assert event(account, simulator.reads("lin", reader=simulator.open_id)).name == "ignored"


def test_customer_who_comes_in_brings_what_may_be_answered() -> None:
    simulator, account = simulated("string")
    signal = event(account, simulator.enters("lin"))
    [message_id] = simulator.said
    assert (signal.name, signal.peer.id) == ("enter", "lin")
    chat = simulator.conversation("lin")
    assert signal.data == {"code": message_id, "conversation_id": chat, "scene": "1", "ad_id": "7"}


def test_withdrawn_message_is_named() -> None:
    simulator, account = simulated()
    signal = event(account, simulator.recalls("lin", "@7"))
    assert (signal.name, signal.data, signal.peer.id) == ("recall", {"ref": "@7"}, "lin")


@pytest.mark.parametrize(
    ("happened", "who", "name"),
    [
        ("authorize", "_000operator", "linked"),
        ("contract_authorize", "_000operator", "linked"),
        ("unauthorize", "_000operator", "unlinked"),
        ("contract_unauthorize", "_000operator", "unlinked"),
        ("unauthorize", "a-customer", "ignored"),
    ],
)
def test_end_of_an_authorisation_is_the_operators(happened: str, who: str, name: str) -> None:
    simulator, account = simulated()
    signal = event(account, simulator.happens(happened, who))
    assert signal.name == name
    assert ("scan anew" in signal.data.get("reason", "")) == (name == "unlinked")


def test_message_to_another_account_of_the_app_is_kept_and_not_taken_for_ours() -> None:
    simulator, account = simulated()
    [push] = simulator.say("lin", "hello")
    other = msgspec.structs.replace(account, open_id="_000another")
    signal = event(other, push)
    assert isinstance(signal, Signal)
    assert (signal.name, signal.raw) == ("unknown", push.request.body)


def test_redelivery_has_the_same_key() -> None:
    simulator, account = simulated()
    for push in (
        *simulator.say("lin", "hello"),
        simulator.enters("lin"),
        simulator.reads("lin"),
        *simulator.unknown("x"),
    ):
        assert event(account, push).key == event(account, push).key


def test_event_of_a_permission_is_told_by_what_is_signed() -> None:
    simulator, account = simulated()
    push = simulator.happens("authorize")
    request = msgspec.structs.replace(
        push.request, headers={k: v for k, v in push.request.headers.items() if k != "msg-id"}
    )
    [first], [second] = (events_of(CHANNEL, account, request) for _ in range(2))
    assert first.key == second.key == event(account, push).key != event(account, simulator.happens("authorize")).key


def test_what_is_signed_and_not_to_be_understood_is_malformed() -> None:
    simulator, account = simulated()
    for request in simulator.malformed():
        assert CHANNEL.verify(request, account) is None
        with pytest.raises(MalformedError):
            CHANNEL.parse(request, account)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just("_000operator")),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(["text", "label", "open_id"]), inner)),
    max_leaves=4,
)
contents = st.dictionaries(
    st.sampled_from(
        ["message_type", "text", "server_message_id", "create_time", "user_infos", "card_data", "index", "read_open_id"]
    ),
    st.one_of(values, st.sampled_from(["text", "user_local_image", "retain_consult_card"])),
)
envelopes = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["im_receive_msg", "im_send_msg", "im_message_read", "im_recall_msg", "unauthorize"]),
        "content": st.one_of(contents, contents.map(json.dumps), values),
    },
    optional={"from_user_id": values, "to_user_id": values},
)


@given(
    st.one_of(st.binary(max_size=200), envelopes.map(lambda found: json.dumps(found).encode())),
    st.dictionaries(st.sampled_from(["x-douyin-signature", "msg-id"]), st.text()),
)
def test_any_bytes_are_events_or_refused(body: bytes, headers: dict[str, str]) -> None:
    simulator, account = simulated()
    for request in (Request(method="POST", headers=headers, body=body), simulator.signed(body)):
        try:
            CHANNEL.verify(request, account)
            found = list(CHANNEL.parse(request, account))
        except (BadSignatureError, MalformedError):
            continue
        assert all(isinstance(one, Message | Receipt | Signal) for one in found)
