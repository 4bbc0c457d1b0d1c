"""What else a platform may tell of beside messages: what became of ours, what customers do to theirs, who went and came
back, what somebody typed in the platform's own app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from backbone.channel import Request

if TYPE_CHECKING:
    from tests.simulators.base import Accepted, Push


class Telling:
    """A part of `Simulator`: subclasses override what their platform has, and `can` says what that is.

    A platform without callbacks returns no pushes: what it tells is fetched.
    """

    tells: ClassVar[tuple[str, ...]] = ()
    """States of a message of ours that the platform tells, in the order in which they come about."""

    finds_out_by_sending: ClassVar[bool] = False
    """Whether a customer who `moves` is found out by the refusal of what is sent to the old id."""

    @classmethod
    def can(cls, what: str) -> bool:
        """Whether the platform has such a thing, by the method's name."""
        return getattr(cls, what) is not getattr(Telling, what)

    def receipts(self, one: Accepted, *states: str) -> list[Push]:
        """What became of a message of ours: a callback for each state, in this order."""
        raise NotImplementedError

    def stale(self, push: Push) -> list[Request]:
        """The same callback, signed well at times long gone and far ahead: where the time is signed and has a rule."""
        raise NotImplementedError

    def comes_back(self, one: Accepted) -> list[Push]:
        """A message of ours, as the platform shows it to all who have the account open."""
        raise NotImplementedError

    def typed_elsewhere(self, peer: str, text: str) -> list[Push]:
        """An agent answers a customer in the platform's own app."""
        raise NotImplementedError

    def rewrites(self, peer: str, text: str) -> list[Push]:
        """The customer changes the last message of theirs."""
        raise NotImplementedError

    def corrects_caption(self, peer: str, text: str, better: str) -> tuple[list[Push], list[Push]]:
        """A picture with words, which can't be fetched `keeps_back` times; then the customer changes its words."""
        raise NotImplementedError

    def takes_back(self, peer: str) -> list[Push]:
        """The customer withdraws the last message of theirs."""
        raise NotImplementedError

    def comes_by(self, peer: str, scene: str) -> list[Push]:
        """Somebody comes by a code or link that carries `scene`, and says nothing."""
        raise NotImplementedError

    def taps(self, peer: str, choice: str) -> list[Push]:
        """The customer taps an entry of a menu, or a button."""
        raise NotImplementedError

    def fills_in(self, peer: str, question: str, answer: str) -> list[Push]:
        """The customer fills in a form."""
        raise NotImplementedError

    def says_in_group(self, group: str, author: str, text: str) -> list[Push]:
        """Somebody writes in a group, which is one customer."""
        raise NotImplementedError

    def quotes_ours(self, peer: str, one: Accepted, text: str) -> list[Push]:
        """The customer answers a message of ours, which theirs names."""
        raise NotImplementedError

    def moves(self, peer: str) -> list[Push]:
        """The platform calls the customer otherwise from now on; `texts(peer)` has what they get under both names."""
        raise NotImplementedError

    def refuses_later(self, one: Accepted, *, is_window: bool) -> list[Push]:
        """What the platform had taken it refuses by a status: for a moment, or since the customer must write first."""
        raise NotImplementedError

    def reads_up_to_now(self, peer: str) -> list[Push]:
        """The customer has read what was sent so far; pushed now or later, it means that."""
        raise NotImplementedError

    def withdraws_elsewhere(self, peer: str, text: str) -> tuple[list[Push], list[Push]]:
        """An agent answers in the platform's own app, and withdraws that."""
        raise NotImplementedError

    def leaves(self, peer: str) -> list[Push]:
        """The customer blocks us or no longer follows: from now on the platform takes nothing for them."""
        raise NotImplementedError

    def returns(self, peer: str) -> list[Push]:
        """Who left takes messages again."""
        raise NotImplementedError

    def unlinks(self) -> list[Push]:
        """The account's owner ends our permission."""
        raise NotImplementedError

    def links(self) -> list[Push]:
        """The account's owner gives it again."""
        raise NotImplementedError

    def shown_typing(self, peer: str) -> int:
        """How often the customer was shown that an agent types."""
        raise NotImplementedError

    def shown_read(self, peer: str) -> int:
        """How many messages of the customer are shown as read."""
        raise NotImplementedError

    def known_as(self, peer: str) -> tuple[str, dict[str, str]]:
        """What the platform says of a customer when asked: a name, and ids that it vouches for, by kind."""
        raise NotImplementedError

    def loses_files(self) -> None:
        """The platform no longer has what customers sent so far, and refuses each as one that is gone."""
        raise NotImplementedError

    def ends_files(self) -> None:
        """The time is over for which the platform keeps or hands out what customers sent so far."""
        raise NotImplementedError

    def pages(self, most: int) -> None:
        """From now on what customers say is fetched behind a cursor, `most` at a time where the platform decides that.
        Called before an account is made.
        """
        raise NotImplementedError
