"""What the Graph API's answers mean: pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from adapters.channels.meta import graph
from backbone.channel import Fault, MediaGone, Pause, Rejected, Retry, TokenExpired, WindowClosed

PAIR_S: Final = 6.0
"""One message to one customer in so many seconds, over a while."""

PHRASES: Final = {
    "time": "The customer's last message is over 24 hours ago: only a template can be sent.",
}

NO_OBJECT_FAULT: Final = Pause(
    "Meta doesn't know the phone number ID, or the token has no right to it (33): compare it with the app."
)

FAULTS: Final[dict[int, Fault]] = {
    0: TokenExpired(),
    190: TokenExpired(),
    3: Pause("The app may not do this (3): it lacks a capability."),
    10: Pause("The access token lacks whatsapp_business_messaging (10)."),
    33: NO_OBJECT_FAULT,
    368: Pause("Meta has blocked the account for violating its policies (368)."),
    131005: Pause("The access token has no right to send (131005)."),
    131037: Pause("The number's display name isn't approved (131037): see WhatsApp Manager."),
    131031: Pause("Meta has locked the account (131031)."),
    131042: Pause("There is a problem with the account's payment method (131042)."),
    131045: Pause("The number isn't registered: its certificate is wrong (131045)."),
    133010: Pause("The number isn't registered at the Cloud API (133010)."),
    1: Retry(),
    2: Retry(),
    4: Retry(account=True),
    80007: Retry(account=True),
    130429: Retry(account=True),
    131000: Retry(),
    131016: Retry(),
    131056: Retry(after_s=PAIR_S),
    131047: WindowClosed("time"),
    131026: Rejected("The customer can't get it (131026): no WhatsApp, an old version, or its terms weren't accepted."),
    131030: Rejected("A test number may write to its listed recipients only (131030)."),
    131048: Rejected("Meta holds it back (131048): too many customers blocked or reported this number."),
    131049: Rejected("Meta holds it back (131049) so that customers aren't written to too often."),
    131050: Rejected("The customer doesn't want marketing messages of this number (131050)."),
    131051: Rejected("WhatsApp doesn't take this kind of message (131051)."),
    131053: Rejected("WhatsApp couldn't take the file (131053): its type or what is in it is wrong."),
    132000: Rejected("The template has another number of parameters (132000)."),
    132001: Rejected("There is no such template in this language, or it isn't approved (132001)."),
    132005: Rejected("The template's text is too long with these parameters (132005)."),
    132007: Rejected("The template violates a policy (132007)."),
    132012: Rejected("The template's parameters have another form (132012)."),
    132015: Rejected("The template is paused for its low quality (132015)."),
    132016: Rejected("The template was disabled for its low quality (132016)."),
}

_MEDIA_GONE = re.compile(r"(?i)media.{0,40}(not found|expired|not exist|invalid|unknown)|invalid.{0,20}media")


def classify(status: int, body: bytes, headers: Mapping[str, str]) -> Fault | None:
    """None if all is well. What isn't in Graph's form comes from a proxy and passes: another try."""
    return graph.classify(status, body, headers, _known, "WhatsApp")


def _known(error: graph.Error) -> Fault | None:
    if error.code == graph.WRONG_PARAMETER and error.error_subcode == graph.NO_OBJECT:
        return NO_OBJECT_FAULT
    if error.code in {100, 131009} and _MEDIA_GONE.search(f"{error.message} {error.details}"):
        return MediaGone()
    return FAULTS.get(error.code)
