"""Settings of the kit, the same for every channel: section `channel`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class ChannelSettings(Struct, frozen=True, kw_only=True):
    """What `trunkline adapter <channel>` reads besides the common settings."""

    plugins: Annotated[
        str, Meta(description="Channels of other packages that may be loaded, comma-separated; * for all.")
    ] = "*"
    park_after_s: Annotated[
        float, Meta(ge=0.1, le=300, description="A message that must wait longer no longer holds a place in memory.")
    ] = 30.0
    give_up_s: Annotated[
        float,
        Meta(ge=1, le=7 * 86_400, description="Seconds after which a message that nobody takes is a dead letter."),
    ] = 86_400.0
    settle_s: Annotated[
        float,
        Meta(
            ge=0, le=600, description="Seconds to wait for a word of a message whose sending ended without an answer."
        ),
    ] = 10.0
    unknown: Annotated[
        Literal["ask", "resend"],
        Meta(description="What follows a sending without an answer: the agent is asked, or it is sent again."),
    ] = "ask"
    concurrency: Annotated[
        int, Meta(ge=1, le=5000, description="Conversations of one stream that are worked on at once.")
    ] = 1000
    file_bytes: Annotated[int, Meta(ge=1024, description="Most bytes of a file from a provider.")] = 35 * 1024 * 1024
    public_url: Annotated[
        str,
        Meta(
            description="Address of the nodes as customers reach it, for links to files, such as https://chat.example.com."
        ),
    ] = ""
    unseen_s: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Seconds in which an app may fetch a message by itself before its user's devices are rung.",
        ),
    ] = 5.0
    lane_s: Annotated[int, Meta(ge=2, le=60, description="Seconds after which another replica takes a lane.")] = 6
    check_s: Annotated[float, Meta(ge=0.1, le=3600, description="Seconds between looks at a paused account.")] = 60.0
