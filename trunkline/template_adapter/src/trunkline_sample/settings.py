"""Settings, read from `TRUNKLINE_SAMPLE_*`, or from `[sample]` in the file that TRUNKLINE_CONFIG names."""

from typing import Annotated

from msgspec import Meta

from backbone.follow import FollowSettings


class Settings(FollowSettings, frozen=True, kw_only=True):
    """What may be set."""

    notes: Annotated[bool, Meta(description="Whether notes among agents count too.")] = False
