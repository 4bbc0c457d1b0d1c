"""Builds and parses subjects. The only file that joins tokens with dots, or knows that a conversation's
id names its stream.
"""

from __future__ import annotations

from typing import NamedTuple

from backbone.ids import check_conversation, check_name, check_token

DESK = "desk"
DESK_STREAM = "00"
HEALTH_ASK = "health.ask.all"
HEALTH_TOLD = "health.told.*.*"
LINEAGE_ASK = "lineage.ask.all"
DISK_TOLD = "disk.told.all"
OPENED = "opened.*.*"


class ChatSubject(NamedTuple):
    """`chat.<s>.<tenant>.<channel>.<conv>`, taken apart; `conv` is an id of `desk` where channel is."""

    stream: str
    tenant: str
    channel: str
    conv: str


def stream_of(conv: str) -> str:
    """The two digits that name the stream of a conversation."""
    return conv[:2]


def chat(tenant: str, channel: str, conv: str) -> str:
    """The subject of one conversation. Raises InvalidInputError for a token that may not be one."""
    check_conversation(conv)
    return f"chat.{stream_of(conv)}.{check_name(tenant, 'tenant')}.{check_token(channel, 'channel')}.{conv}"


def desk(tenant: str, target: str) -> str:
    """The subject of what belongs to no conversation: `target` is an agent, a contact or a run."""
    return f"chat.{DESK_STREAM}.{check_name(tenant, 'tenant')}.{DESK}.{check_token(target, 'target')}"


def any_channel(tenant: str, conv: str) -> str:
    """Matches the one subject of a conversation whose channel isn't known."""
    check_conversation(conv)
    return f"chat.{stream_of(conv)}.{check_name(tenant, 'tenant')}.*.{conv}"


def live(chat_subject: str) -> str:
    """Where RePublish copies what is stored on `chat_subject`."""
    return "live" + chat_subject[4:]


def parse_chat(subject: str) -> ChatSubject:
    """Takes a stored (or live) subject apart. Raises ValueError if it isn't one."""
    parts = subject.split(".")
    if len(parts) != 5 or parts[0] not in {"chat", "live"}:
        msg = f"not the subject of a conversation: {subject}"
        raise ValueError(msg)
    return ChatSubject(*parts[1:])


def stream_subjects(stream: str) -> str:
    """All that stream `CHAT_<stream>` takes."""
    return f"chat.{stream}.*.*.*"


def channel_filter(stream: str, channel: str) -> str:
    """All conversations of one channel in one stream."""
    return f"chat.{stream}.*.{check_token(channel, 'channel')}.*"


def republish(stream: str) -> tuple[str, str]:
    """Source and destination of a stream's RePublish."""
    return f"chat.{stream}.>", f"live.{stream}.>"


def dead(tenant: str, adapter: str) -> str:
    """The dead-letter subject of one adapter for one tenant (`_` where the tenant can't be told)."""
    return f"dead.{check_token(tenant, 'tenant')}.{check_token(adapter, 'adapter')}"


def health_told(user: str, instance: str) -> str:
    """Where a process of a user of NATS says how it is."""
    return f"health.told.{check_token(user, 'user')}.{check_token(instance, 'instance')}"


def bell(channel: str, tenant: str, inbox: str) -> str:
    """Tells all replicas of a channel that an account has something to be fetched; stored nowhere."""
    return f"bell.{check_token(channel, 'channel')}.{check_name(tenant, 'tenant')}.{check_name(inbox, 'inbox')}"


def bells(channel: str) -> str:
    """All bells of a channel."""
    return f"bell.{check_token(channel, 'channel')}.*.*"


def account_of_bell(subject: str) -> tuple[str, str]:
    """The tenant and inbox that a bell rings for."""
    _, _, tenant, inbox = subject.split(".")
    return tenant, inbox


def typing(channel: str, conv: str, tenant: str) -> str:
    """Tells the replica that has a conversation's lane that an agent types in it (or stopped); stored nowhere."""
    lane = check_conversation(conv)[:2]
    return f"typing.{check_token(channel, 'channel')}.{lane}.{check_name(tenant, 'tenant')}.{conv}"


def typings(channel: str, stream: str) -> str:
    """What agents do in the conversations of one lane."""
    return f"typing.{check_token(channel, 'channel')}.{stream}.*.*"


def opened(tenant: str, contact: str) -> str:
    """Tells all nodes that a contact has opened a conversation, or written in their open one; stored nowhere."""
    return f"opened.{check_name(tenant, 'tenant')}.{check_token(contact, 'contact')}"


def rpc(service: str, tenant: str, verb: str) -> str:
    """A request to an adapter; `verb` may have several tokens (`report.overview`), tenant `_` is the command line's."""
    return f"rpc.{check_token(service, 'service')}.{check_token(tenant, 'tenant')}.{_verb(verb)}"


def rpc_filter(service: str, verb: str) -> str:
    """All tenants' requests for one verb of one service."""
    return f"rpc.{check_token(service, 'service')}.*.{_verb(verb)}"


def tenant_of_rpc(subject: str) -> str:
    """Whose request it is."""
    return subject.split(".", 3)[2]


def _verb(verb: str) -> str:
    return ".".join(check_token(part, "verb") for part in verb.split("."))


def key(*parts: str) -> str:
    """The key of a bucket, made of checked tokens."""
    return ".".join(check_token(part, "key") for part in parts)


def key_filter(*parts: str) -> str:
    """All keys of a bucket that begin with `parts`."""
    return key(*parts) + ".>"


def message_id(conv: str, event_id: str) -> str:
    """`Nats-Msg-Id` of an event: no conversation can swallow another's id."""
    return f"{conv}:{event_id}"
