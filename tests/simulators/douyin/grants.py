"""What the platform keeps of an operator's authorisation and of the app's own tokens."""

from __future__ import annotations

from msgspec import Struct

DAY_S = 86_400


class Code(Exception):  # noqa: N818 - it is an answer, not a failure of the simulator
    """Answered with this code."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.words = words or f"error {code}"


class Refresh(Struct):
    """The refresh token of this moment."""

    value: str
    until: float
    renewals: int = 0


class Grants:
    """Codes, access tokens of 15 days, one refresh token of 30 that is renewed five times, client tokens of 2 hours."""

    def __init__(self) -> None:
        self.access_s = 15.0 * DAY_S
        self.refresh_s = 30.0 * DAY_S
        self.most_renewals = 5
        self.client_s = 7200.0
        self.client_grace_s = 300.0
        self.codes = {"code-1"}
        self.access: dict[str, float] = {}
        self.refresh: Refresh | None = None
        self.clients: dict[str, float] = {}
        self.renew_is_busy = False
        self.refreshes = 0
        self._n = 0

    def _new(self, kind: str) -> str:
        self._n += 1
        return f"{kind}.{self._n}"

    def begin(self, code: str, now: float) -> tuple[str, Refresh]:
        """The operator scanned: an access and a refresh token for the code, once."""
        if code not in self.codes:
            raise Code(10007, "code expired")
        self.codes.discard(code)
        self.refresh = Refresh(self._new("rft"), now + self.refresh_s)
        return self._access(now), self.refresh

    def refreshed(self, value: str, now: float) -> tuple[str, Refresh]:
        """Another access token; the refresh token stays as it is."""
        known = self._known(value, now)
        self.refreshes += 1
        return self._access(now), known

    def renewed(self, value: str, now: float) -> Refresh:
        """Another refresh token, which ends the one before."""
        known = self._known(value, now)
        if self.renew_is_busy:
            raise Code(28001005, "busy")
        if known.renewals >= self.most_renewals:
            raise Code(10020, "no renewals left")
        self.refresh = Refresh(self._new("rft"), now + self.refresh_s, known.renewals + 1)
        return self.refresh

    def client(self, now: float) -> str:
        """The app's own token; the one before lives five minutes more."""
        for value, until in self.clients.items():
            self.clients[value] = min(until, now + self.client_grace_s)
        token = self._new("clt")
        self.clients[token] = now + self.client_s
        return token

    def check(self, value: str, now: float) -> None:
        """Raises what is wrong with an operator's token."""
        if value not in self.access:
            raise Code(2190002, "access_token is wrong")
        if now >= self.access[value]:
            raise Code(2190008, "access_token has expired")

    def check_client(self, value: str, now: float) -> None:
        """Raises what is wrong with an app's token."""
        if now >= self.clients.get(value, 0):
            raise Code(28001003, "access_token is wrong")

    def _known(self, value: str, now: float) -> Refresh:
        if self.refresh is None or value != self.refresh.value or now >= self.refresh.until:
            raise Code(10010, "refresh_token has expired")
        return self.refresh

    def _access(self, now: float) -> str:
        token = self._new("act")
        self.access[token] = now + self.access_s
        return token
