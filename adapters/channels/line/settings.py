"""What an admin enters for one LINE Official Account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class Account(Struct, frozen=True, kw_only=True):
    """A channel of type Messaging API, as the LINE Developers Console shows it."""

    secret: Annotated[
        str,
        Meta(
            title="Channel secret",
            description="Of the channel's page Basic settings: LINE signs its callbacks by it.",
            min_length=1,
            extra_json_schema={"secret": True, "goes_to": ["api"]},
        ),
    ]
    channel_id: Annotated[
        str,
        Meta(
            title="Channel ID",
            description="Of the page Basic settings, digits. With it tokens of 15 minutes are issued by themselves; "
            "not needed with an access token.",
            pattern=r"^[0-9]{0,32}$",
        ),
    ] = ""
    access_token: Annotated[
        str,
        Meta(
            title="Channel access token",
            description="The long-lived one of the page Messaging API; not needed with a channel ID.",
            extra_json_schema={"secret": True},
        ),
    ] = ""
    preview: Annotated[
        str,
        Meta(
            title="Preview of videos",
            description="Address of a JPEG or PNG of at most 1 MB that is shown before a video of yours is played. "
            "Without one, videos go out as links.",
            pattern=r"^(https://.{1,1990})?$",
        ),
    ] = ""
    api: Annotated[
        str,
        Meta(title="Address of the API", description="https://api.line.me.", pattern=r"^https?://[^/]+$"),
    ] = "https://api.line.me"
    data_api: Annotated[
        str,
        Meta(
            title="Address of files",
            description="https://api-data.line.me: what customers send is fetched from there.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://api-data.line.me"
