"""What an admin enters for an app of the company's own."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Account(Struct, frozen=True, kw_only=True):
    """One app: how its users are known, and how their devices are rung."""

    tenant: Annotated[
        str,
        Meta(
            title="Name in tokens",
            description="What the claim `tenant` of your tokens says, so that a token for another system isn't taken.",
            min_length=1,
        ),
    ]
    algorithm: Annotated[
        Literal["HS256", "RS256", "ES256"],
        Meta(
            title="Algorithm of tokens",
            description="How your server signs tokens of users (JWT). No other is taken, whatever a token says.",
        ),
    ] = "HS256"
    secret: Annotated[
        str,
        Meta(
            title="Secret of tokens",
            description="For HS256: at least 32 characters that your server signs by.",
            pattern=r"^(.{32,})?$",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    jwks: Annotated[
        str,
        Meta(
            title="Public keys of tokens",
            description='For RS256 and ES256: a JSON Web Key Set, {"keys": [...]}. While you change a key, both.',
            max_length=65_536,
            extra_json_schema={"multiline": True},
        ),
    ] = ""
    allows_user_hash: Annotated[
        bool,
        Meta(
            title="Accept user hashes",
            description="For apps that come from another system: HMAC-SHA256 of the user's id. "
            "Such a hash never ends, so whoever once saw it is that user for ever; move to tokens, then turn it off.",
        ),
    ] = False
    user_hash_secret: Annotated[
        str,
        Meta(
            title="Secret of user hashes",
            description="What your server makes user hashes by.",
            extra_json_schema={"secret": True, "goes_to": []},
        ),
    ] = ""
    shows_text: Annotated[
        bool,
        Meta(
            title="Show the text in pushes",
            description="Whether a message's text passes through Apple and Google and stands on locked screens.",
        ),
    ] = False
    title: Annotated[str, Meta(title="Title of pushes", max_length=100)] = "Support"
    notice: Annotated[
        str,
        Meta(title="Text of pushes", description="What stands there without the message's own text.", max_length=200),
    ] = "You have a new message."
    apns_key: Annotated[
        str,
        Meta(
            title="APNs key",
            description="For iPhones: the file AuthKey_….p8 of developer.apple.com → Keys, as a whole.",
            extra_json_schema={
                "secret": True,
                "multiline": True,
                "goes_to": ["apns_api", "apns_sandbox_api", "apns_verify"],
            },
        ),
    ] = ""
    apns_key_id: Annotated[str, Meta(title="APNs key ID", description="Ten characters, beside the key.")] = ""
    apns_team_id: Annotated[str, Meta(title="Apple team ID", description="Ten characters, of your membership.")] = ""
    apns_topic: Annotated[str, Meta(title="Bundle ID", description="The app's, such as com.example.app.")] = ""
    apns_api: Annotated[str, Meta(title="Address of APNs", pattern=r"^https?://[^/]+$")] = "https://api.push.apple.com"
    apns_sandbox_api: Annotated[
        str,
        Meta(
            title="Address of APNs for apps from Xcode",
            description="Devices that registered as sandbox are rung here.",
            pattern=r"^https?://[^/]+$",
        ),
    ] = "https://api.sandbox.push.apple.com"
    apns_verify: Annotated[
        bool,
        Meta(
            title="Verify Apple's certificate",
            description="Turn it off for a simulator only: otherwise anybody between reads your pushes.",
            extra_json_schema={"address": True},
        ),
    ] = True
    fcm_service_account: Annotated[
        str,
        Meta(
            title="Service account of Firebase",
            description="For Android: the JSON file of Firebase → Project settings → Service accounts.",
            extra_json_schema={"secret": True, "multiline": True, "goes_to": ["fcm_api"]},
        ),
    ] = ""
    fcm_api: Annotated[str, Meta(title="Address of FCM", pattern=r"^https?://[^/]+$")] = "https://fcm.googleapis.com"
