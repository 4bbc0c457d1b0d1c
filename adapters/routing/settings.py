"""Settings of routing (`TRUNKLINE_ROUTING_*`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class RoutingSettings(Struct, frozen=True, kw_only=True):
    """Times in seconds."""

    group: Annotated[int, Meta(ge=0, description="Group of tenants that this process routes.")] = 0
    groups: Annotated[int, Meta(ge=1, le=64, description="Groups that tenants are spread over.")] = 1
    gone_s: Annotated[
        float, Meta(gt=0, description="Time after an agent's last session until their work goes back.")
    ] = 60.0
    capacity: Annotated[
        int, Meta(ge=1, le=100, description="Conversations at once of an agent who chose no number.")
    ] = 6
    head_every_s: Annotated[float, Meta(gt=0, description="Least time between two writes of a head for messages.")] = (
        1.0
    )
    lease_s: Annotated[
        int, Meta(ge=2, le=60, description="Seconds after which another process may route after one that died.")
    ] = 15
    cursor_every_s: Annotated[float, Meta(gt=0, description="Time between two writes of the cursors.")] = 2.0
