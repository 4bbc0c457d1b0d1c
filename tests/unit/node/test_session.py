"""One socket's protocol, pure: what may be acted on, what is refused, what ends the socket."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backbone.access import Who
from backbone.commands import To
from backbone.ids import derived_event_id, new_uuid
from node.entry.limits import TokenBucket
from node.protocol import frames as f
from node.protocol.session import Bounds, Close, Do, Refuse, Session

CONV = "00" + "a" * 26
BOUNDS = Bounds(
    text_bytes=100,
    visitor_conversations=2,
    agent_conversations=3,
    read_rate=1.0,
    read_burst=4,
)
VISITOR = Who(kind="visitor", tenant="main", id="c" + "a" * 26, inbox="web")
AGENT = Who(kind="agent", tenant="main", id="li", role="agent", session="main.li.x")


def session(who: Who | None = VISITOR) -> Session:
    one = Session(BOUNDS)
    if who:
        one.began(who, (TokenBucket(1.0, 3, 0.0), TokenBucket(100.0, 100, 0.0)))
    return one


def send(**fields: Any) -> f.Send:
    return f.Send(**{"id": new_uuid(), "conv": CONV, "text": "hi", **fields})


def test_the_first_frame_is_hello_and_hello_comes_once() -> None:
    assert session(None).on_frame(f.Ping(), 0) == Close(f.NOT_AUTHENTICATED, "the first frame must be hello")
    assert isinstance(session(None).on_frame(f.Hello(), 0), Do)
    assert isinstance(session().on_frame(f.Hello(), 0), Close)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 4400),
        ("nonsense", 4400),
        ("[]", None),
        ('{"t":"dance"}', None),
        ('{"t":"sub"}', None),
        ('{"t":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}", 4400),
    ],
)
def test_bad_frames_are_told_by_field_and_what_is_not_json_ends_the_socket(text: str, code: int | None) -> None:
    verdict = session().on_text(text, 0)
    if code:
        assert isinstance(verdict, Close)
        assert verdict.code == code
    else:
        assert isinstance(verdict, Refuse)
        assert verdict.err.code == "frame.invalid"


def test_a_bad_first_frame_ends_the_socket() -> None:
    verdict = session(None).on_text('{"t":"hello","token":5}', 0)
    assert isinstance(verdict, Close)
    assert verdict.code == f.BAD_FRAME


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        (send(text="x" * 101), "text.too_long", "text"),
        (send(text="你" * 34), "text.too_long", "text"),
        (send(text="  "), "text.empty", "text"),
        (send(text="a\x00b"), "text.invalid", "text"),
        (send(id="A" * 36), "id.uuid", "id"),
        (send(conv="00" + "1" * 26), "id.conversation", "conv"),
        (send(attachments=["../x"]), "id.uuid", "attachments"),
        (send(note=True), "access.agents_only", "note"),
        (send(to=To("web", "c1")), "access.agents_only", "note"),
        (f.Act(id=new_uuid(), conv=CONV, do="take"), "access.agents_only", ""),
        (f.Watch(view="all"), "access.agents_only", ""),
        (f.Presence(id=new_uuid(), state="online"), "access.agents_only", ""),
    ],
)
def test_what_a_visitor_is_refused(frame: f.ClientFrame, code: str, field: str) -> None:
    verdict = session().on_frame(frame, 0)
    assert isinstance(verdict, Refuse)
    assert (verdict.err.code, verdict.err.field) == (code, field)
    assert verdict.err.id == getattr(frame, "id", "")


def test_an_agent_must_say_where_a_message_goes() -> None:
    verdict = session(AGENT).on_frame(send(conv=None), 0)
    assert isinstance(verdict, Refuse)
    assert verdict.err.code == "send.no_conversation"
    assert isinstance(session(AGENT).on_frame(send(note=True), 0), Do)


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [
        ({"cc": ["a@b.example"], "note": True}, "mail.note", "note"),
        ({"subject": "a\nBcc: b@c.example"}, "mail.subject", "subject"),
        ({"subject": "a\ud800"}, "mail.subject", "subject"),
        ({"cc": ["no address"]}, "mail.address", "cc"),
        ({"cc": [""]}, "mail.address", "cc"),
        ({"cc": ["a@b.example\r\nBcc: c@d.example"]}, "mail.address", "cc"),
        ({"conv": None, "to": To("mail", address="nobody")}, "mail.address", "to.address"),
        ({"conv": None, "to": To("mail", "c" * 27, "a@b.example")}, "mail.whom", "to"),
    ],
)
def test_what_only_mail_has_is_checked_before_anything_is_done(more: Any, code: str, field: str) -> None:
    verdict = session(AGENT).on_frame(send(**more), 0)
    assert isinstance(verdict, Refuse)
    assert (verdict.err.code, verdict.err.field) == (code, field)


@pytest.mark.parametrize("more", [{"subject": "x"}, {"cc": []}, {"to": To("mail", address="a@b.example")}])
def test_a_visitor_says_nothing_of_what_only_mail_has(more: Any) -> None:
    verdict = session().on_frame(send(**more), 0)
    assert isinstance(verdict, Refuse)
    assert verdict.err.code == "access.agents_only"


def test_messages_come_at_a_rate_and_the_wait_is_told() -> None:
    one = session()
    assert [type(one.on_frame(send(), 0)) for _ in range(4)] == [Do, Do, Do, Refuse]
    verdict = one.on_frame(send(), 0.5)
    assert isinstance(verdict, Refuse)
    assert verdict.err.code == "limit.rate"
    assert 0 < verdict.err.retry_after_ms <= 501
    assert isinstance(one.on_frame(send(), 1.1), Do)


def test_conversations_of_a_socket_are_bounded() -> None:
    one = session()
    one.conversations = {CONV, "01" + "a" * 26}
    assert isinstance(one.on_frame(f.Sub(conv=CONV), 0), Do)
    verdict = one.on_frame(f.Sub(conv="02" + "a" * 26), 0)
    assert isinstance(verdict, Refuse)
    assert verdict.err.code == "limit.conversations"


frames = st.one_of(
    st.builds(send, text=st.text(max_size=50), conv=st.one_of(st.none(), st.text(max_size=30), st.just(CONV))),
    st.builds(f.Sub, conv=st.one_of(st.text(max_size=30), st.just(CONV))),
    st.builds(f.Mark, conv=st.just(CONV), read=st.integers()),
    st.builds(f.Signal, conv=st.just(CONV), kind=st.sampled_from(["typing", "stopped"])),
    st.builds(f.Ping, n=st.integers()),
    st.just(f.Hello()),
)


@given(st.lists(frames, max_size=20), st.sampled_from([None, VISITOR, AGENT]))
def test_any_order_of_frames_has_a_verdict(many: list[f.ClientFrame], who: Who | None) -> None:
    one = session(who)
    for number, frame in enumerate(many):
        verdict = one.on_frame(frame, float(number))
        assert isinstance(verdict, Do | Refuse | Close)
        if isinstance(verdict, Do) and not isinstance(frame, f.Hello):
            assert one.who is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.one_of(
        st.text(max_size=100),
        json_values.map(json.dumps),
        st.dictionaries(st.sampled_from(["t", "conv", "id", "text"]), json_values).map(json.dumps),
    )
)
def test_any_text_has_a_verdict(text: str) -> None:
    assert isinstance(session().on_text(text, 0), Do | Refuse | Close)


def test_reading_has_a_rate_of_its_own() -> None:
    one = session()
    verdicts = [one.on_frame(f.History(conv=CONV, before=(1, 9)), 0) for _ in range(5)]
    assert [type(v) for v in verdicts] == [Do, Do, Do, Do, Refuse]
    refused = one.on_frame(f.Sub(conv=CONV), 0)
    assert isinstance(refused, Refuse)
    assert (refused.err.code, refused.err.conv, refused.err.retry_after_ms) == ("limit.rate", CONV, 1001)
    assert isinstance(one.on_frame(f.Sub(conv=CONV), 1.1), Do)


def test_a_message_takes_from_the_bucket_of_its_actor_on_any_socket() -> None:
    shared = (TokenBucket(1.0, 3, 0.0),)
    sockets = [Session(BOUNDS), Session(BOUNDS)]
    for one in sockets:
        one.began(VISITOR, shared)
    verdicts = [sockets[n % 2].on_frame(send(), 0) for n in range(4)]
    assert [type(v) for v in verdicts] == [Do, Do, Do, Refuse]


def payload(frame: bytes) -> bytes:
    return frame[frame.index(b"{") :]


def test_frames_with_stored_bytes_are_json_and_keep_them() -> None:
    raw = b'{"type":"message.added","id":"1","text":"\xe4\xbd\xa0"}'
    ev_frame = msgspec.json.decode(payload(f.ev_frame(CONV, 5, 3, raw)))
    assert ev_frame == {"t": "ev", "conv": CONV, "seq": 5, "prev": 3, "event": json.loads(raw)}
    assert raw in f.evs_frame(CONV, 7, [(5, 3, raw)], 5, more=False)
    evs = msgspec.json.decode(payload(f.evs_frame(CONV, 7, [(5, 3, raw), (6, 5, raw)], 6, more=True, history=True)))
    assert [e[:2] for e in evs["events"]] == [[5, 3], [6, 5]]
    assert (evs["more"], evs["history"], evs["upto"]) == (True, True, 6)
    conflict = msgspec.json.decode(payload(f.conflict_frame(f.Err(code="conflict", message="x"), raw)))
    assert conflict["decided"]["id"] == "1"


@pytest.mark.parametrize(
    "frame", [send(id=derived_event_id("a", "b")), f.Act(id=derived_event_id("a", "b"), conv=CONV, do="take")]
)
def test_an_id_of_the_version_that_only_the_system_derives_is_refused(frame: f.ClientFrame) -> None:
    verdict = session(AGENT).on_frame(frame, 0)
    assert isinstance(verdict, Refuse)
    assert (verdict.err.code, verdict.err.field) == ("id.uuid", "id")


@pytest.mark.parametrize("mention", ["", "x" * 65, "a.b", "a b", "_a", "*", "小王"])
def test_a_mention_that_is_no_id_is_refused(mention: str) -> None:
    verdict = session(AGENT).on_frame(send(note=True, mentions=["li", mention]), 0)
    assert isinstance(verdict, Refuse)
    assert (verdict.err.code, verdict.err.field) == ("id.token", "mentions")


@pytest.mark.parametrize("half", ['"\\ud800"', '"\\udc00 and more"', '"a \\ud83d b"', b'"\xed\xa0\x80"'], ids=str)
def test_half_an_emoji_costs_its_message_and_not_the_chat(half: str | bytes) -> None:
    identity = new_uuid()
    text = half.encode() if isinstance(half, str) else half
    frame = b'{"t":"send","id":"%b","conv":"%b","text":%b}' % (identity.encode(), CONV.encode(), text)
    verdict = session().on_text(frame, 0)
    assert isinstance(verdict, Refuse)
    assert (verdict.err.id, verdict.err.code, verdict.err.field) == (identity, "text.invalid", "text")
    assert isinstance(session(None).on_text(frame, 0), Close)


@pytest.mark.parametrize("text", ['{"t":"send","text":NaN}', '{"text":"\\ud800"', "{" + '"a":' * 90_000])
def test_what_is_no_json_for_another_reason_still_ends_the_socket(text: str) -> None:
    assert isinstance(session().on_text(text, 0), Close)
