"""What the platform keeps: tokens, files and the windows of each customer."""

from __future__ import annotations

from msgspec import Struct


class Code(Exception):  # noqa: N818 - it is an answer, not a failure of the simulator
    """Answered with this errcode."""

    def __init__(self, errcode: int, errmsg: str = "") -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.errmsg = errmsg or f"error {errcode}"


class Token(Struct):
    """A token that was given out; `dead` once somebody killed it."""

    value: str
    until: float
    dead: bool = False


class Tokens:
    """Stable tokens: the same to all who ask, a new one in the last five minutes, both good then."""

    def __init__(self, life_s: float, grace_s: float, void: int = 40001) -> None:
        self.life_s = life_s
        self.void = void
        self.grace_s = grace_s
        self.force_most = 20
        self.force_apart_s = 30.0
        self.given: list[Token] = []
        self.fetches = 0
        self.forced: list[float] = []

    def get(self, now: float, *, force: bool = False) -> Token:
        """The token of this moment."""
        self.fetches += 1
        if force:
            self._force(now)
        last = self.given[-1] if self.given else None
        if last is None or last.dead or last.until - now <= self.grace_s:
            last = Token(f"{len(self.given) + 1}_token", now + self.life_s)
            self.given.append(last)
        return last

    def _force(self, now: float) -> None:
        today = [at for at in self.forced if at > now - 86_400]
        if len(today) >= self.force_most or (today and now - today[-1] < self.force_apart_s):
            raise Code(45009, "reach max api daily quota limit")
        self.forced.append(now)
        self.kill()

    def kill(self) -> None:
        """All that were given are void at once."""
        for token in self.given:
            token.dead = True

    def check(self, value: str, now: float) -> None:
        """Raises what is wrong with a token."""
        if not value:
            raise Code(41001, "access_token missing")
        known = next((t for t in self.given if t.value == value), None)
        if known is None or known.dead:
            raise Code(self.void, "invalid credential, access_token is invalid or not latest")
        if now >= known.until:
            raise Code(42001, "access_token expired")


class File(Struct):
    """A file on the platform."""

    kind: str
    name: str
    mime: str
    content: bytes
    at: float


class Files:
    """Temporary files, good for three days."""

    def __init__(self, life_s: float) -> None:
        self.life_s = life_s
        self.kept: dict[str, File] = {}
        self.lost: set[str] = set()

    def put(self, file: File) -> str:
        """Keeps a file under a new id."""
        media_id = f"media-{len(self.kept) + 1}"
        self.kept[media_id] = file
        return media_id

    def lose(self) -> None:
        """None of them is known any more."""
        self.lost.update(self.kept)

    def end(self) -> None:
        """Their three days are over."""
        for file in self.kept.values():
            file.at -= self.life_s + 1

    def get(self, media_id: str, now: float) -> File:
        """The file, as long as it is kept."""
        file = self.kept.get(media_id)
        if file is None or media_id in self.lost or now - file.at > self.life_s:
            raise Code(40007, "invalid media_id")
        return file


class Opening(Struct):
    """One window of one customer."""

    until: float
    left: int


class Windows:
    """Who may be written to: several windows at once, and any that is open is enough."""

    def __init__(self, **rules: tuple[int, float]) -> None:
        self.rules = rules
        self.open: dict[str, dict[str, Opening]] = {}

    def happened(self, peer: str, by: str, now: float) -> None:
        """The customer did something that opens a window anew."""
        count, seconds = self.rules[by]
        self.open.setdefault(peer, {})[by] = Opening(now + seconds, count)

    def close(self, peer: str) -> None:
        """Nothing may be sent until they come back."""
        self.open.pop(peer, None)

    def state(self, peer: str, now: float) -> str:
        """`open`, `time` or `count`."""
        running = [w for w in self.open.get(peer, {}).values() if now < w.until]
        if not running:
            return "time"
        return "open" if any(w.left > 0 for w in running) else "count"

    def take(self, peer: str, now: float) -> None:
        """One message went out."""
        for window in self.open.get(peer, {}).values():
            if now < window.until and window.left > 0:
                window.left -= 1
