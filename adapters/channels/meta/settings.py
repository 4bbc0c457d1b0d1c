"""What an admin enters for an account of any of Meta's platforms."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

AppSecret = Annotated[
    str,
    Meta(
        title="App secret",
        description="Of the app's page Settings → Basic: Meta signs its callbacks by it.",
        min_length=1,
        extra_json_schema={"secret": True, "goes_to": []},
    ),
]
VerifyToken = Annotated[
    str,
    Meta(
        title="Verify token",
        description="A word of your choice, entered here and beside the callback's address at Meta.",
        min_length=1,
        extra_json_schema={"secret": True, "goes_to": []},
    ),
]
Version = Annotated[
    str, Meta(title="Version of the Graph API", description="Such as v23.0.", pattern=r"^v[0-9]{1,3}\.[0-9]$")
]
Api = Annotated[
    str,
    Meta(
        title="Address of the API",
        description="https://graph.facebook.com, unless you use one of your own.",
        pattern=r"^https?://[^/]+$",
    ),
]
AppId = Annotated[
    str,
    Meta(
        title="App ID",
        description="Of the app whose token this is, if nothing else sends by it: its echoes are then taken for ours. "
        "A conversation that is handed to it asks for an agent.",
        pattern=r"^[0-9]{0,32}$",
    ),
]
HumanAgent = Annotated[
    bool,
    Meta(
        title="Human Agent",
        description="Whether Meta has approved the app's feature Human Agent: people may then answer for 7 days, "
        "not for 24 hours.",
    ),
]

GRAPH = "https://graph.facebook.com"
