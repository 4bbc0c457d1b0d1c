"""Users of an app whose sockets are the nodes': who they are, and their devices.

The channel proves a claim and keeps devices; a user's contact is theirs by the company's own id of them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from adapters.channels.kit.kits import Kits
from adapters.channels.kit.shared import Room
from backbone import contacts
from backbone.accounts.accounts import Accounts
from backbone.asks.accounts import Nothing
from backbone.asks.users import DEVICE, IDENTIFY, DeviceChange, SignIn
from backbone.channel import Peer
from backbone.contacts import User
from backbone.nats import rpc


class Users:
    """Answers for all accounts of one channel that has users."""

    def __init__(self, room: Room, accounts: Accounts, kits: Kits) -> None:
        self._room = room
        self._accounts = accounts
        self._kits = kits

    def verbs(self) -> dict[str, rpc.Verb[Any]]:
        """By their names: `identify`, `device`."""
        return {**rpc.answered(IDENTIFY, self.identify), **rpc.answered(DEVICE, self.device)}

    async def identify(self, tenant: str, asked: SignIn) -> User:
        """Who it is, by the contact that this user always has. Raises NotAuthenticatedError."""
        account = self._accounts.well_set(tenant, asked.inbox)
        channel: Any = self._room.channel
        # Checking a signature is arithmetic that would hold the loop up.
        peer: Peer = await asyncio.to_thread(channel.identify, asked.claim, account.settings, time.time())
        vouched = {kind: value for kind, value in peer.alias.items() if kind in peer.verified}
        contact = await contacts.identify(self._room.link, tenant, account.id, peer.id, vouched)
        return User(contact=contact, user=peer.id, name=peer.name)

    async def device(self, tenant: str, change: DeviceChange) -> Nothing:
        """Keeps a device, or forgets it. Raises InvalidInputError."""
        account = self._accounts.well_set(tenant, change.inbox)
        channel: Any = self._room.channel
        kit = self._kits.of(account)
        await channel.device(Peer(change.contact), change.device, account.settings, kit, is_there=change.is_there)
        return Nothing()
