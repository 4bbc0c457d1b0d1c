"""Who wrote a mail that somebody else carries: a form service, a mailing list or a group, a site of our own. Pure.

What such a mail says of its author is a claim, as a From without DMARC is: it names whom an answer goes to and proves
nothing.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from adapters.channels.email import charset, headers
from adapters.channels.email.headers import Address
from adapters.channels.email.mime import Part
from adapters.channels.email.settings import Account

_LISTS: Final = ("list-post", "mailing-list", "x-beenthere", "x-mailing-list", "x-google-group-address")
_ORIGINAL: Final = ("x-original-from", "x-original-sender", "x-mailfrom", "x-original-reply-to")
"""By Google Groups, Sympa and Mailman: the author whose From they took away for the sake of DMARC."""

_MOST_CHARS: Final = 1000
_WORDS: Final = r"via|über|par|vía|por|tramite|przez|через|经由|通过|透過|経由"
_VIA: Final = re.compile(
    rf"^['\"]?(?P<name>[^()]{{1,200}}?)['\"]?\s{{1,3}}(?:\((?:{_WORDS})\s[^()]{{1,200}}\)|via\s[^()]{{1,200}})$",
    re.IGNORECASE,
)
"""`'Anna Weber' via Care`, `Anna Weber (via Example Forms)`."""

_DEAF: Final = re.compile(
    r"(?:.{0,64}[._+-])?(?:no[._-]?reply|do[._-]?not[._-]?reply|nicht[._-]?antworten|ne[._-]?pas[._-]?repondre|"
    r"no[._-]?responder|nao[._-]?responda|non[._-]?rispondere)(?:[._+-].{0,64})?@.{1,253}"
)
"""An address that reads nothing."""


class Lists(NamedTuple):
    """The lists and groups that carried a mail: addresses, and ids (RFC 2919) in the form `care.groups.example`."""

    addresses: frozenset[str]
    ids: frozenset[str]

    def covers(self, address: str) -> bool:
        """Whether an address is one of theirs."""
        return address in self.addresses or address.replace("@", ".") in self.ids

    def is_ours(self, acc: Account) -> bool:
        """Whether one of them is an address of the mailbox: what it carries is written to us."""
        return any(self.covers(each.lower()) for each in (acc.address, *acc.aliases))


class Author(NamedTuple):
    """Who wrote, and who is said to have sent it: two where somebody carries the mail for the author."""

    who: Address
    carrier: Address
    lists: Lists

    @property
    def is_carried(self) -> bool:
        """Whether the author isn't who the mail is from."""
        return self.who.address != self.carrier.address


def of(part: Part, acc: Account) -> Author | None:
    """The author, None where the mail names nobody at all."""
    lists = _lists(part)
    named = (headers.addresses(part.first(name)) for name in ("from", "sender", "reply-to", "return-path"))
    carrier = next((found[0] for found in named if found), None)
    if carrier is None:
        return None
    is_own = acc.is_own(carrier.address)
    via = _VIA.match(carrier.name)
    if not (is_own or via or lists.covers(carrier.address) or _DEAF.fullmatch(carrier.address)):
        return Author(carrier, carrier, lists)
    # A list writes its author into headers of its own; of all others the Reply-To alone is for the author to name.
    is_list = is_own or bool(lists.addresses or lists.ids)
    places = (_ORIGINAL[0], "reply-to", *_ORIGINAL[1:]) if is_list else ("reply-to",)
    for place in places:
        for each in headers.addresses(part.first(place)):
            if not (acc.is_own(each.address) or lists.covers(each.address) or is_deaf(each.address)):
                name = each.name or (via["name"].strip("'\" ") if via else "")
                return Author(_plain(each._replace(name=name)), carrier, lists)
    copied = [each for each in headers.addresses(part.first("cc")) if via and each.name.casefold() == _of(via)]
    # Mailman puts the author into Cc where answers go to the list.
    return Author(copied[0] if is_list and copied else carrier, carrier, lists)


def is_deaf(address: str) -> bool:
    """Whether an address says that nobody reads what is written to it."""
    return _DEAF.fullmatch(address) is not None


def _of(via: re.Match[str]) -> str:
    return via["name"].strip("'\" ").casefold()


def _plain(who: Address) -> Address:
    """Groups put the author's name into apostrophes."""
    name = who.name
    return who._replace(name=name[1:-1]) if len(name) > 2 and name[0] == name[-1] == "'" else who


def _lists(part: Part) -> Lists:
    named = {
        address
        for place in _LISTS
        for value in part.every(place)[:5]
        for address in re.findall(r"[^\s<>,;:()?\"]{1,64}@[^\s<>,;:()?\"]{1,253}", _text(value).lower())
    }
    ids = (re.search(r"<([^<>\s]{1,300})>", _text(value)) for value in part.every("list-id")[:5])
    return Lists(frozenset(named), frozenset(found[1].lower() for found in ids if found))


def _text(value: bytes) -> str:
    return charset.decode(value[:_MOST_CHARS])
