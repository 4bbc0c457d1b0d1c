"""The wire protocol `trunkline.v1`: a Struct per frame, both ways. JSON text frames, one object a frame, `t` names it.

A position is `[epoch, seq]`. Times are UTC ms. Answers with stored events are not built from Structs:
`evs_frame`, `ev_frame` and `skip_frame` splice the stored bytes in. What is made here is ready to be sent:
bytes of a WebSocket text frame, the same for every socket.
"""

from __future__ import annotations

from typing import Annotated, Literal, Union

import msgspec
from msgspec import Meta, Struct

from backbone import acts, commands
from backbone.commands import ClientId, ConversationId
from backbone.conversation import Head
from backbone.errors import InvalidInputError
from backbone.events import Event
from node.protocol.framing import text_frame

SUBPROTOCOL = "trunkline.v1"
VERSION = 1

ViewName = Annotated[str, Meta(pattern=r"^(mine|queue|all|mentions|snoozed|team:[A-Za-z0-9_-]{1,64})$")]
Position = tuple[int, int]

# --- client to node ---------------------------------------------------------------------------


class FromClient(Struct, tag_field="t", kw_only=True):
    """A frame of a client that is no command of `backbone.commands`."""


class Hello(FromClient, tag="hello", kw_only=True):
    """First frame, within 5 s. Agents send no token: their cookie came with the handshake."""

    token: str = ""
    client: Annotated[str, Meta(max_length=64)] = ""
    version: int = VERSION
    locale: Annotated[str, Meta(max_length=35)] = ""
    tz: Annotated[str, Meta(max_length=64)] = ""
    page: Annotated[str, Meta(max_length=2048)] = ""
    referrer: Annotated[str, Meta(max_length=2048)] = ""


class Sub(FromClient, tag="sub", kw_only=True):
    """Everything of `conv` after the watermark `after`; with null the newest `limit` events, then live."""

    conv: ConversationId
    after: Position | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Unsub(FromClient, tag="unsub", kw_only=True):
    """No more of `conv`."""

    conv: ConversationId


class History(FromClient, tag="history", kw_only=True):
    """The `limit` events before a position; moves no watermark."""

    conv: ConversationId
    before: Position
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class Send(commands.Send, tag_field="t", tag="send", kw_only=True):
    """A message: `backbone.commands.Send`."""


class Edit(commands.Edit, tag_field="t", tag="edit", kw_only=True):
    """Another text for a message: `backbone.commands.Edit`."""


class Recall(commands.Recall, tag_field="t", tag="recall", kw_only=True):
    """A message is withdrawn: `backbone.commands.Recall`."""


class ActArgs(Struct, frozen=True, omit_defaults=True):
    """What `do` took besides, before `act` carried both."""

    agent: str = ""
    team: str = ""
    reason: acts.Reason = ""


class Act(FromClient, tag="act", kw_only=True):
    """Something an agent does to a conversation. `do` with `args` is the form before `act`, and says the same."""

    id: ClientId
    conv: ConversationId
    act: acts.Asked | None = None
    do: Literal["", "take", "assign", "release", "resolve", "reopen"] = ""
    args: ActArgs = ActArgs()
    expect: int = 0


class Mark(commands.Mark, tag_field="t", tag="mark", kw_only=True):
    """Read or received up to a sequence."""


class Signal(commands.Signal, tag_field="t", tag="signal", kw_only=True):
    """Typing, viewing, stopped: to whoever is there, never stored."""


class Watch(FromClient, tag="watch", kw_only=True):
    """Agents: the rows of a view, now and as they change. Watching another view ends the one before."""

    view: ViewName
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class Presence(commands.Presence, tag_field="t", tag="presence", kw_only=True):
    """What an agent chooses to be."""


class Ping(FromClient, tag="ping", kw_only=True):
    """Are you there?"""

    n: int = 0


ClientFrame = Union[  # noqa: UP007 - msgspec reads the union at run time
    Hello, Sub, Unsub, History, Send, Edit, Recall, Act, Mark, Signal, Watch, Presence, Ping
]

# --- node to client ---------------------------------------------------------------------------


class FromNode(Struct, tag_field="t", kw_only=True, omit_defaults=True):
    """Any frame of a node."""


class Me(Struct, omit_defaults=True, kw_only=True):
    """Who the session is: a visitor (contact of an inbox) or an agent."""

    kind: Literal["visitor", "agent"]
    tenant: str
    id: str
    name: str = ""
    role: str = ""
    inbox: str = ""
    state: str = ""
    capacity: int = 0


class Limits(Struct):
    """What a client may do, so that it needn't find out."""

    frame_bytes: int
    text_bytes: int
    conversations: int
    attachments: int
    file_bytes: int


class Welcome(FromNode, tag="welcome", kw_only=True):
    """The session stands. `open` is a visitor's open conversation; `token` replaces the old one, if set."""

    session: str
    me: Me
    time: int
    heartbeat_s: int
    limits: Limits
    open: str | None = None
    token: str | None = None


class Evs(FromNode, tag="evs", kw_only=True, omit_defaults=False):
    """Complete from the watermark asked from to `upto`; with `more`, ask again from there."""

    conv: str
    epoch: int
    events: list[tuple[int, int, Event]]
    upto: int
    more: bool
    history: bool = False


class Ev(FromNode, tag="ev", kw_only=True, omit_defaults=False):
    """One event as it was stored; apply it if `prev` is your watermark."""

    conv: str
    seq: int
    prev: int
    event: Event


class Skip(FromNode, tag="skip", kw_only=True, omit_defaults=False):
    """Events you may not see: only the watermark moves."""

    conv: str
    seq: int
    prev: int


class Resync(FromNode, tag="resync", kw_only=True, omit_defaults=False):
    """Your watermark isn't of this log: forget the conversation and `sub` with null."""

    conv: str
    epoch: int


class Ok(FromNode, tag="ok", kw_only=True):
    """Stored. `seq`, `conv` and `at` say where, for what is stored."""

    id: str
    seq: int = 0
    conv: str = ""
    at: int = 0


class Err(FromNode, tag="err", kw_only=True):
    """Not done; `code` is stable, `decided` the event that decided a `conflict`, `of` the answered frame's `t`."""

    code: str
    message: str
    of: str = ""
    id: str = ""
    conv: str = ""
    field: str = ""
    retry_after_ms: int = 0
    decided: Event | None = None


class Signalled(FromNode, tag="signal", kw_only=True):
    """Somebody is typing or viewing; of routing: the place in the queue."""

    conv: str
    kind: Literal["typing", "viewing", "stopped", "queue"]
    by: str = ""
    by_kind: Literal["visitor", "agent", "system"] = "visitor"
    name: str = ""
    text: str = ""
    position: int = 0


class Opened(FromNode, tag="opened", kw_only=True):
    """Another connection of yours has opened this conversation, or written in it without naming it: `sub` to it."""

    conv: str


class Counts(Struct):
    """Conversations in each view, for the numbers beside their names."""

    mine: int = 0
    queue: int = 0
    all: int = 0


class Heads(FromNode, tag="heads", kw_only=True, omit_defaults=False):
    """A view: with `reset` the whole of it, else rows that changed and conversations `gone` from it."""

    view: str
    rev: int
    rows: list[Head]
    counts: Counts
    gone: list[str] = []
    reset: bool = False
    more: bool = False


class Notice(FromNode, tag="notice", kw_only=True):
    """A sentence for the person, such as lost storage; `code` is stable."""

    code: str
    message: str


class Drain(FromNode, tag="drain", kw_only=True):
    """Reconnect after a random part of `in_ms`."""

    in_ms: int


class Pong(FromNode, tag="pong", kw_only=True):
    """I am."""

    n: int = 0


NodeFrame = Union[  # noqa: UP007 - msgspec reads the union at run time
    Welcome, Evs, Ev, Skip, Resync, Ok, Err, Signalled, Opened, Heads, Notice, Drain, Pong
]

# --- close codes ------------------------------------------------------------------------------

RESTART = 1012
BAD_FRAME = 4400
NOT_AUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_SLOW = 4408
SIGNED_OUT = 4409
TOO_LARGE = 4413
TOO_OLD = 4426
TOO_MANY = 4429
OUR_FAULT = 4500

CLOSE_CODES = frozenset(
    {
        *(1000, 1001, 1002, 1005, 1006, 1007, 1009, 1011),
        *(RESTART, BAD_FRAME, NOT_AUTHENTICATED, FORBIDDEN, TOO_SLOW, SIGNED_OUT, TOO_LARGE, TOO_OLD, TOO_MANY),
        OUR_FAULT,
    }
)
"""Those that are counted apart: a client may close with any number."""


def name_of(frame: Struct) -> str:
    """The `t` of a client's frame."""
    return str(type(frame).__struct_config__.tag)


def act_of(frame: Act) -> acts.Asked:
    """What is asked for, in either form. Raises InvalidInputError `frame.invalid` where neither is there."""
    if frame.act is not None:
        return frame.act
    match frame.do:
        case "":
            raise InvalidInputError("frame.invalid", "Say what to do.", field="act")
        case "take":
            return acts.Take()
        case "assign":
            return acts.Assign(agent=frame.args.agent)
        case "release":
            return acts.Release(reason=frame.args.reason)
        case "resolve":
            return acts.Resolve(reason=frame.args.reason)
        case "reopen":
            return acts.Reopen(reason=frame.args.reason)


# --- codec ------------------------------------------------------------------------------------

_decoder: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
_encoder = msgspec.json.Encoder()


def decode(text: str | bytes) -> ClientFrame:
    """A client's frame. Raises msgspec.ValidationError or DecodeError, whose text names the field."""
    return _decoder.decode(text)


def encode(frame: NodeFrame) -> bytes:
    """A node's frame, ready to be sent."""
    return text_frame(_encoder.encode(frame))


def ok_frame(id: str, seq: int, conv: str, at: int) -> bytes:  # noqa: A002 - the field's name
    """An `ok` for a stored event; its parts are checked ids and hold nothing to escape."""
    return text_frame(b'{"t":"ok","id":"%b","seq":%d,"conv":"%b","at":%d}' % (id.encode(), seq, conv.encode(), at))


def conflict_frame(err: Err, decided: bytes | None) -> bytes:
    """An `err` with the stored bytes of the event that decided spliced in."""
    text = _encoder.encode(err)
    return text_frame(text if decided is None else b'%b,"decided":%b}' % (text[:-1], decided))


def ev_frame(conv: str, seq: int, prev: int, raw: bytes) -> bytes:
    """An `ev` with the stored bytes spliced in."""
    return text_frame(b'{"t":"ev","conv":"%b","seq":%d,"prev":%d,"event":%b}' % (conv.encode(), seq, prev, raw))


def skip_frame(conv: str, seq: int, prev: int) -> bytes:
    """A `skip`."""
    return text_frame(b'{"t":"skip","conv":"%b","seq":%d,"prev":%d}' % (conv.encode(), seq, prev))


def evs_frame(
    conv: str,
    epoch: int,
    events: list[tuple[int, int, bytes]],
    upto: int,
    *,
    more: bool,
    history: bool = False,
) -> bytes:
    """An `evs` with the stored bytes spliced in; `events` are (seq, prev, raw), ascending."""
    return text_frame(
        b'{"t":"evs","conv":"%b","epoch":%d,"events":[%b],"upto":%d,"more":%b,"history":%b}'
        % (
            conv.encode(),
            epoch,
            b",".join([b"[%d,%d,%b]" % event for event in events]),
            upto,
            b"true" if more else b"false",
            b"true" if history else b"false",
        )
    )
