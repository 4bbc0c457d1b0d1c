"""A kit for each account, made when it is first asked for."""

from __future__ import annotations

import msgspec

from adapters.channels.kit.account_kit import AccountKit
from adapters.channels.kit.shared import Room
from adapters.channels.kit.tokens import Tokens
from backbone.accounts import form
from backbone.accounts.accounts import Account
from backbone.ids import key_hash


class Kits:
    """The kits of one process."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._fields = form.fields(msgspec.json.schema(room.channel.Account))
        self._made: dict[str, AccountKit] = {}

    def of(self, account: Account) -> AccountKit:
        """The kit of an account."""
        kit = self._made.get(account.id)
        if kit is None:
            room = self._room
            tokens = Tokens(
                room.link,
                room.sealer,
                account.tenant,
                account.id,
                room.instance,
                lambda: key_hash(account.inbox.settings),
                lambda: self._place_of(account),
            )
            kit = self._made[account.id] = AccountKit(
                room.link, room.channel, account, room.caller, tokens, room.settings.file_bytes
            )
        return kit

    def _place_of(self, account: Account) -> str:
        """The addresses of an account as a hash; empty where its settings can't be used."""
        if account.settings is None:
            return ""
        values = form.place(self._fields, msgspec.to_builtins(account.settings))
        return key_hash(msgspec.json.encode(values, order="sorted").decode())
