"""A device that isn't there any more, as Apple and Google both may say."""

from __future__ import annotations

from backbone.channel import Rejected


class Gone(Rejected, frozen=True, tag=True):
    """This device's token is no more: it is forgotten, unless it registered after `since` (Unix ms; 0: whenever)."""

    since: int = 0
