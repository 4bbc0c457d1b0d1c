"""What a channel says of itself, as nodes and consoles need it without the channel's code: kept in the bucket
`channels` under `_.about.<name>`, written by `trunkline init` for all that is installed and by each channel's process.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from backbone.accounts.form import Field, fields
from backbone.accounts.registry import Broken, Found
from backbone.channel import Channel, Measure, Window
from backbone.nats import subjects
from backbone.nats.buckets import Bucket
from backbone.nats.link import Link

SYSTEM: Final = "_"
GUIDE_MOST: Final = 32_000


class About(Struct, frozen=True, tag="about", kw_only=True, omit_defaults=True):
    """A channel's limits, the form of its accounts, and its page of steps (Markdown). `problem`: why it can't be used.

    `links`: what it doesn't take goes out as a link, since customers reach a node. `can_check`: it examines accounts.
    `recalls`, `edits`: what was sent can be withdrawn, changed, for `recall_s` and `edit_s` seconds (0: always).
    `callbacks`: its platform calls us, and waits `ack_seconds` for the answer. `templates`: it tells which may be sent.
    `addressed_by`: agents may write first, by addresses of this kind.
    """

    name: str
    kinds: list[str] = []
    text: tuple[int, Measure] = (4096, "chars")
    together: bool = False
    caption: bool = False
    media_bytes: dict[str, int] = {}
    media_types: dict[str, list[str]] = {}
    links: bool = True
    windows: list[Window] = []
    receipts: list[str] = []
    phrases: dict[str, str] = {}
    recalls: bool = False
    edits: bool = False
    recall_s: float = 0
    edit_s: float = 0
    callbacks: bool = True
    addressed_by: str = ""
    ack_seconds: float = 5
    templates: bool = False
    can_check: bool = False
    fields: list[Field] = []
    guide: str = ""
    problem: str = ""


def abouts(link: Link) -> Bucket[About]:
    """The bucket, for these keys alone."""
    return Bucket(link, "channels", About)


def about_key(name: str) -> str:
    """Of a channel's description."""
    return subjects.key(SYSTEM, "about", name)


def describe(channel: Channel, public_url: str) -> About:
    """A channel's description; reads its README. `public_url`: where customers reach a node, empty for nowhere."""
    caps = channel.caps
    return About(
        name=channel.name,
        kinds=sorted(caps.kinds),
        text=caps.text,
        together=caps.together,
        caption=caps.caption,
        media_bytes=dict(caps.media_bytes),
        media_types={kind: sorted(types) for kind, types in caps.media_types.items()},
        links=bool(public_url),
        windows=list(caps.windows),
        receipts=sorted(caps.receipts),
        phrases=dict(caps.phrases),
        recalls=caps.recalls,
        edits=caps.edits,
        recall_s=caps.recall_s,
        edit_s=caps.edit_s,
        callbacks=caps.callbacks,
        addressed_by=caps.addressed_by,
        ack_seconds=caps.ack_seconds,
        templates=hasattr(channel, "templates"),
        can_check=hasattr(channel, "check"),
        fields=fields(msgspec.json.schema(channel.Account)),
        guide=_guide(channel),
    )


def broken(one: Broken) -> About:
    """The description of a channel that can't be used."""
    return About(name=one.name, problem=one.problem)


def all_of(found: Found, public_url: str) -> list[About]:
    """Descriptions of all that is installed."""
    well = (describe(channel, public_url) for channel in found.channels.values())
    return [*well, *(broken(one) for one in found.broken)]


async def publish(link: Link, described: list[About]) -> None:
    """Keeps descriptions; one that is there already isn't written again."""
    bucket = abouts(link)
    there = {kept.value.name: kept.value for kept in await bucket.all(f"{SYSTEM}.about.*")}
    for one in described:
        if there.get(one.name) != one:
            await bucket.put(about_key(one.name), one)


async def known(link: Link) -> list[About]:
    """All descriptions, by name."""
    return sorted((kept.value for kept in await abouts(link).all(f"{SYSTEM}.about.*")), key=lambda one: one.name)


def _guide(channel: Any) -> str:
    """The README beside the channel's code, empty if there is none."""
    file = getattr(sys.modules.get(type(channel).__module__), "__file__", None)
    readme = Path(file).with_name("README.md") if file else None
    return readme.read_text(encoding="utf-8")[:GUIDE_MOST] if readme and readme.is_file() else ""
