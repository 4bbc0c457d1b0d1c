"""What a channel implements, and what it is given: the contract between the kit (`adapters/channels/kit/`) and a
folder of `adapters/channels/`, or a package with an entry point in group `trunkline.channels`.

A channel translates. It owns no retry, clock, storage or queue: `verify`, `parse` and `classify` are pure, `send`
and the optional methods await nothing but what the kit hands them.
"""

from __future__ import annotations

from backbone.channel.caps import (
    API_VERSION,
    Caps,
    Measure,
    Rate,
    Window,
    windows_of,
)
from backbone.channel.contract import (
    Channel,
    Check,
    Optional,
    same,
)
from backbone.channel.faults import (
    Duplicate,
    Fault,
    FaultError,
    MediaGone,
    Moved,
    Pause,
    Rejected,
    Retry,
    TokenExpired,
    Unknown,
    WindowClosed,
)
from backbone.channel.inbound import (
    BadSignatureError,
    Event,
    Inbound,
    Kind,
    MalformedError,
    Media,
    Message,
    Page,
    Peer,
    Pull,
    Receipt,
    ReceiptKind,
    Reply,
    Request,
    Signal,
    SignalKind,
    Stored,
)
from backbone.channel.kit import (
    Answer,
    Kit,
    Token,
    Upload,
)
from backbone.channel.outbound import (
    FileKind,
    Out,
    OutMedia,
    Said,
    Sent,
    Template,
)
from backbone.channel.users import (
    Claim,
    Device,
)

__all__ = [
    "API_VERSION",
    "Answer",
    "BadSignatureError",
    "Caps",
    "Channel",
    "Check",
    "Claim",
    "Device",
    "Duplicate",
    "Event",
    "Fault",
    "FaultError",
    "FileKind",
    "Inbound",
    "Kind",
    "Kit",
    "MalformedError",
    "Measure",
    "Media",
    "MediaGone",
    "Message",
    "Moved",
    "Optional",
    "Out",
    "OutMedia",
    "Page",
    "Pause",
    "Peer",
    "Pull",
    "Rate",
    "Receipt",
    "ReceiptKind",
    "Rejected",
    "Reply",
    "Request",
    "Retry",
    "Said",
    "Sent",
    "Signal",
    "SignalKind",
    "Stored",
    "Template",
    "Token",
    "TokenExpired",
    "Unknown",
    "Upload",
    "Window",
    "WindowClosed",
    "same",
    "windows_of",
]
