"""Tries of one kind of process to do in NATS what it has no business doing, as a program that took it over would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import nats as nats_py
from nats.aio.client import Client

from trunkline import nats_users

CONV: Final = "00aaaaaaaaaaaaaaaaaaaaaaaaaa"
WITHIN_S: Final = 10.0

PUBLISHES: Final = (
    # Forged decisions, and the system's own voice.
    ("warehouse", f"chat.00.main.web.{CONV}"),
    ("warehouse", f"live.00.main.web.{CONV}"),
    ("telegram", f"chat.00.main.web.{CONV}"),
    ("telegram", "chat.00.main.desk.emma"),
    ("email", f"chat.00.main.telegram.{CONV}"),
    # Agents, sessions, inboxes, leases, cursors of others.
    ("telegram", "$KV.directory.main.agent.emma"),
    ("routing", "$KV.directory.main.agent.emma"),
    ("warehouse", "$KV.directory.main.inbox.web"),
    ("telegram", "$KV.sessions.main.emma.x"),
    ("routing", "$KV.sessions.main.emma.x"),
    ("warehouse", "$KV.sessions.main.emma.x"),
    ("warehouse", "$KV.contacts.main.c.x"),
    ("node", "$KV.heads.main.x"),
    ("node", "$KV.cursors.warehouse.00"),
    ("node", "$KV.leases.routing.main"),
    ("telegram", "$KV.leases.lane.email.00"),
    ("telegram", "$KV.seen.main.email.x"),
    ("node", "$KV.channels.main.cursor.mail.x"),
    # What the log is made of.
    *(
        (process, f"$JS.API.STREAM.{verb}.{stream}")
        for process in ("node", "routing", "warehouse", "telegram")
        for verb in ("CREATE", "DELETE", "PURGE")
        for stream in ("CHAT_00", "KV_directory", "LEDGER")
    ),
    ("node", "$JS.API.STREAM.UPDATE.KV_sessions"),
    ("node", "$JS.API.STREAM.UPDATE.OBJ_files"),
    ("node", "$JS.API.STREAM.UPDATE.AUDIT"),
    ("node", "$JS.API.STREAM.PURGE.AUDIT"),
    ("node", "$JS.API.STREAM.MSG.DELETE.AUDIT"),
    ("node", "audit.main"),
    ("node", "audit.directory.main.agent.emma"),
    ("node", "$JS.API.CONSUMER.CREATE.AUDIT.mine"),
    ("telegram", "$JS.API.STREAM.UPDATE.CHAT_00"),
    ("routing", "$JS.API.STREAM.UPDATE.KV_sessions"),
    ("warehouse", "$JS.API.STREAM.UPDATE.OBJ_files"),
    ("node", "$JS.API.STREAM.MSG.DELETE.CHAT_00"),
    ("telegram", "$JS.API.STREAM.MSG.DELETE.CHAT_00"),
    ("warehouse", "$JS.API.CONSUMER.DELETE.CHAT_00.channel-telegram"),
    ("node", "$JS.API.STREAM.SNAPSHOT.CHAT_00"),
    ("routing", "$JS.API.STREAM.RESTORE.CHAT_00"),
    # Reading what isn't theirs: each way that there is.
    *(
        (process, subject)
        for process in ("telegram", "routing", "warehouse")
        for subject in (
            "$JS.API.STREAM.INFO.KV_sessions",
            "$JS.API.DIRECT.GET.KV_sessions",
            "$JS.API.DIRECT.GET.KV_sessions.$KV.sessions.main.emma.x",
            "$JS.API.STREAM.MSG.GET.KV_sessions",
            "$JS.API.CONSUMER.CREATE.KV_sessions",
            "$JS.API.CONSUMER.CREATE.KV_sessions.mine",
            "$JS.API.CONSUMER.CREATE.KV_sessions.mine.$KV.sessions.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.KV_sessions.mine",
            "$JS.API.CONSUMER.MSG.NEXT.KV_sessions.mine",
        )
    ),
    ("telegram", "$JS.API.DIRECT.GET.KV_directory.$KV.directory.main.agent.emma"),
    *(
        (process, f"$JS.API.{asked}.$KV.directory.main.secret.agent.emma.print")
        for process in ("telegram", "routing", "warehouse")
        for asked in ("DIRECT.GET.KV_directory", "CONSUMER.CREATE.KV_directory.mine")
    ),
    ("routing", "$JS.API.DIRECT.GET.KV_directory.$KV.directory.main.secret.inbox.shop.print"),
    ("telegram", "$KV.directory.main.secret.inbox.shop.print"),
    ("telegram", "$JS.API.CONSUMER.CREATE.KV_directory.mine.$KV.directory.>"),
    ("telegram", "$JS.API.CONSUMER.CREATE.CHAT_00.mine.chat.00.*.email.*"),
    ("telegram", "$JS.API.CONSUMER.CREATE.CHAT_00.mine"),
    ("warehouse", "$JS.API.DIRECT.GET.KV_contacts.$KV.contacts.main.c.x"),
    ("warehouse", "$JS.API.DIRECT.GET.OBJ_files"),
    ("routing", "$O.files.M.x"),
    ("node", "$JS.API.STREAM.MSG.GET.DEAD"),
    # The operator's own requests, other adapters' requests, and the server.
    ("node", "rpc.warehouse._.sql"),
    ("telegram", "rpc.warehouse._.sql"),
    ("telegram", "rpc.warehouse.main.search.messages"),
    ("routing", "rpc.telegram.main.accounts"),
    ("telegram", "dead.main.routing"),
    ("telegram", "health.told.routing.routing-1"),
    ("warehouse", "$JS.ACK.CHAT_00.channel-telegram.1.1.1.1.1"),
    ("email", "$JS.ACK.CHAT_00.channel-telegram.1.1.1.1.1"),
    ("node", "$SYS.REQ.SERVER.PING.JSZ"),
    ("node", "$JS.API.SERVER.REMOVE"),
    ("node", "_TL.trunkline.x.1"),
)
"""Who tries, and the subject."""

SUBSCRIBES: Final = (
    *((process, subject) for process in ("node", "routing", "warehouse", "telegram") for subject in (">", "*.>")),
    # What others are asked and answered.
    ("node", "rpc.warehouse.>"),
    ("routing", "rpc.>"),
    ("warehouse", "rpc.telegram.>"),
    ("telegram", "rpc.email.>"),
    *((process, "_TL.trunkline.>") for process in ("node", "routing", "warehouse", "telegram")),
    ("telegram", "_TL.node.>"),
    ("telegram", "_INBOX.>"),
    ("warehouse", "_TLF.node.>"),
    ("routing", "_TA.>"),
    # What is said in other channels, and everywhere.
    ("telegram", "live.>"),
    ("telegram", "typing.email.>"),
    ("warehouse", "live.00.main.web.*"),
    ("node", "chat.>"),
    ("node", "$KV.sessions.>"),
    ("node", "health.told.>"),
    ("routing", "$JS.API.>"),
)


async def trespasses(url: str, secret: str) -> list[str]:
    """What each try got away with; empty if the server refused them all, and let each process go on."""
    got_away: list[str] = []
    for process in sorted({who for who, _ in (*PUBLISHES, *SUBSCRIBES)}):
        said: list[str] = []
        async with _as(url, secret, process, said) as link:
            publishes = [subject for who, subject in PUBLISHES if who == process]
            subscribes = [subject for who, subject in SUBSCRIBES if who == process]
            for subject in publishes:
                await link.publish(subject, b"{}")
            for subject in subscribes:
                await link.subscribe(subject)
            await _until_said(said, len(publishes) + len(subscribes))
            refused = "\n".join(said)
            got_away += [f"{process} publishes {s}" for s in publishes if f'publish to "{s.lower()}"' not in refused]
            got_away += [f"{process} hears {s}" for s in subscribes if f'subscription to "{s.lower()}"' not in refused]
            if not link.is_connected:
                got_away.append(f"{process} was cut off")
    return got_away


async def _until_said(said: list[str], count: int) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S):
            while len(said) < count:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def _as(url: str, secret: str, process: str, said: list[str]) -> AsyncIterator[Client]:
    async def on_error(error: Exception) -> None:
        said.append(str(error).lower())

    user, password = nats_users.credential(secret, process)
    link = await nats_py.connect(url.split(","), user=user, password=password, error_cb=on_error)
    try:
        yield link
    finally:
        await link.close()
        # nats-py returns before uvloop has let go of the socket; a loop that is closed meanwhile complains.
        await asyncio.sleep(0.05)
