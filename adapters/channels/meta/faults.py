"""What the Messenger Platform's errors mean, for Messenger and Instagram alike: pure."""

from __future__ import annotations

from typing import Final

from adapters.channels.meta.graph import Error
from backbone.channel import Fault, MediaGone, Pause, Rejected, Retry, WindowClosed

CLOSED: Final = WindowClosed("time")

FAULTS: Final[dict[int, Fault]] = {
    2018065: CLOSED,
    2018278: CLOSED,
    2534022: CLOSED,
    551: Rejected("The customer can't be written to now (551): they block the account, or theirs is closed."),
    1545041: Rejected("The customer can't be written to now (1545041): they block the account, or theirs is closed."),
    2018108: Rejected("The customer takes no messages of this account now (2018108)."),
    2018001: Rejected("Meta knows no such customer of this account (2018001)."),
    2534014: Rejected(
        "Instagram doesn't find the customer (2534014): their account is closed, or they block this one."
    ),
    2018300: Rejected("Another app has the conversation (2018300): it must hand it over first."),
    2018008: Rejected("Meta couldn't take the file (2018008)."),
    2018047: Rejected("Meta couldn't take the file (2018047): its type or what is in it is wrong."),
    2018294: Rejected("Meta couldn't take the video in time (2018294)."),
    2018109: Rejected("The file is too large for Meta (2018109)."),
    2018032: Rejected("Meta takes no empty message (2018032)."),
    2018034: Rejected("Meta takes no empty message (2018034)."),
    2018074: MediaGone(),
    33: Pause("Meta doesn't know the account's ID, or the token has no right to it (33): compare it with the app."),
    458: Pause("The access token ended (458): the app was removed from the account."),
    459: Pause("The access token ended (459): whoever gave it must sign in at Facebook once."),
    460: Pause("The access token ended (460): whoever gave it has changed their password."),
    463: Pause("The access token has expired (463)."),
    464: Pause("The access token ended (464): the person who gave it isn't confirmed at Facebook."),
    467: Pause("The access token isn't valid any more (467)."),
    492: Pause("Whoever gave the access token has no role on the page any more (492)."),
    0: Pause("Meta refuses the access token (0)."),
    102: Pause("Meta refuses the access token (102)."),
    190: Pause("Meta refuses the access token (190)."),
    3: Pause("The app may not do this (3): it lacks a capability."),
    10: Pause("The access token lacks the permission for messages, or Meta has restricted the account (10)."),
    230: Pause("The access token lacks the permission for messages (230)."),
    368: Pause("Meta has blocked the account for violating its policies (368)."),
    2018021: Pause("The app may not write to this customer before Meta has reviewed it (2018021)."),
    2018027: Pause("The app may not write to this customer before Meta has reviewed it (2018027)."),
    2018028: Pause("The app may write to its own testers only, before Meta has reviewed it (2018028)."),
    1: Retry(),
    2: Retry(),
    1200: Retry(),
    4: Retry(account=True),
    9: Retry(account=True),
    17: Retry(account=True),
    32: Retry(account=True),
    613: Retry(account=True),
    80002: Retry(account=True),
    80006: Retry(account=True),
}
"""By subcode, which Meta gives but once, else by code."""


def known(error: Error) -> Fault | None:
    """The table's word, None for none."""
    return FAULTS.get(error.error_subcode or error.code) or FAULTS.get(error.code)
