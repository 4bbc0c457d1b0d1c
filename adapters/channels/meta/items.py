"""What the Messenger Platform's callbacks hold, as far as it is read."""

from __future__ import annotations

from msgspec import Raw, Struct, field

from adapters.channels.meta import content


class Change(Struct):
    """A field that changed, where a platform posts messages so."""

    field: str
    value: Raw = Raw()


class Entry(Struct):
    """What happened on one page or account."""

    id: str
    messaging: list[Raw] = []
    standby: list[Raw] = []
    changes: list[Change] = []


class Callback(Struct):
    """One callback."""

    object: str
    entry: list[Entry]


class Somebody(Struct):
    """Who, by their id on this account."""

    id: str = ""


class Message(content.Body, kw_only=True):
    """A message, an echo of ours, or one that was withdrawn."""

    mid: str
    is_echo: bool = False
    is_deleted: bool = False
    app_id: int | str = ""
    metadata: str = ""


class Edit(Struct):
    """Another text of a message."""

    mid: str
    text: str = ""
    num_edit: int | str = 0


class Postback(Struct):
    """A tapped button."""

    mid: str = ""
    title: str = ""
    payload: str = ""
    referral: content.Referral | None = None


class Reaction(Struct):
    """A sign under a message."""

    mid: str
    action: str = "react"
    emoji: str = ""
    reaction: str = ""


class Delivery(Struct):
    """What has arrived: messages by id, and a time (ms) up to which all has."""

    mids: list[str] = []
    watermark: int = 0


class Read(Struct):
    """What was read: up to a message (Instagram), or a time in ms (Messenger)."""

    mid: str = ""
    watermark: int = 0


class Optin(Struct):
    """A consent."""

    type: str = ""
    ref: str = ""
    payload: str = ""
    title: str = ""
    notification_messages_status: str = ""
    notification_messages_frequency: str = ""
    notification_messages_timezone: str = ""


class Linking(Struct):
    """An account of the company was linked, or is no longer."""

    status: str
    authorization_code: str = ""


class Enforcement(Struct):
    """What Meta does to the account."""

    action: str
    reason: str = ""


class Control(Struct):
    """Another app takes or gives the conversation."""

    new_owner_app_id: int | str = ""
    previous_owner_app_id: int | str = ""
    requested_owner_app_id: int | str = ""
    metadata: str = ""


class FollowUp(Struct):
    """What was said behind an answer."""

    payload: str = ""


class Question(Struct):
    """One answer of a feedback form."""

    type: str = ""
    payload: int | str = ""
    follow_up: FollowUp | None = None


class Screen(Struct):
    """A page of it."""

    questions: dict[str, Question] = {}


class Feedback(Struct):
    """A filled-in feedback form."""

    feedback_screens: list[Screen]


class Response(Struct):
    """One answer of a form of a customer's data."""

    key: str
    value: str = ""


class Answered(Struct):
    """A page of it."""

    responses: list[Response] = []


class Information(Struct):
    """A filled-in form of a customer's data."""

    screens: list[Answered]


class Judged(Struct):
    """What a customer thinks of an answer."""

    mid: str
    feedback: str


class Item(Struct):
    """One thing that happened between an account and a customer; which of the parts is there says what."""

    sender: Somebody = field(default_factory=Somebody)
    recipient: Somebody = field(default_factory=Somebody)
    timestamp: int | str = 0
    message: Message | None = None
    message_edit: Edit | None = None
    postback: Postback | None = None
    reaction: Reaction | None = None
    delivery: Delivery | None = None
    read: Read | None = None
    referral: content.Referral | None = None
    optin: Optin | None = None
    account_linking: Linking | None = None
    policy_enforcement: Enforcement | None = None
    pass_thread_control: Control | None = None
    take_thread_control: Control | None = None
    request_thread_control: Control | None = None
    messaging_feedback: Feedback | None = None
    messaging_customer_information: Information | None = None
    response_feedback: Judged | None = None
