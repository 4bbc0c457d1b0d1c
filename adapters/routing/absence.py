"""Who is gone: pure. An agent whose last session ended, or whose key of presence ran out, is gone after a
grace; and never within the grace of routing's own connect, which may itself have missed their keys.
"""

from __future__ import annotations


class Absence:
    """Keys of presence as they come and go, by agent. Times are seconds of one clock."""

    def __init__(self, grace_s: float, connected_at: float) -> None:
        self._grace_s = grace_s
        self._connected_at = connected_at
        self._sockets: dict[tuple[str, str], dict[str, float]] = {}
        self._left_at: dict[tuple[str, str], float] = {}

    def connected(self, now: float) -> None:
        """Routing's own connection came (back): nobody is judged within the grace from now."""
        self._connected_at = now

    def here(self, tenant: str, agent: str, socket: str, at: float) -> None:
        """A key of presence was written at `at`."""
        self._sockets.setdefault((tenant, agent), {})[socket] = at
        self._left_at.pop((tenant, agent), None)

    def left(self, tenant: str, agent: str, socket: str, now: float, *, expired: bool) -> None:
        """A key was deleted (they left just now), or ran out (they were last there when it was written)."""
        sockets = self._sockets.get((tenant, agent))
        if sockets is None or socket not in sockets:
            return
        at = sockets.pop(socket)
        if not sockets:
            del self._sockets[tenant, agent]
            self._left_at[tenant, agent] = at if expired else now

    def overdue(self, now: float, life_s: float) -> list[tuple[str, str, str]]:
        """Keys (tenant, agent, socket) that weren't written again within their life: nobody is there any more.

        They run out by themselves, except where a server that was killed has lost track of when.
        """
        found = [
            (tenant, agent, socket)
            for (tenant, agent), sockets in self._sockets.items()
            for socket, at in sockets.items()
            if now - at > life_s
        ]
        for tenant, agent, socket in found:
            self.left(tenant, agent, socket, now, expired=True)
        return found

    def is_present(self, tenant: str, agent: str) -> bool:
        """Whether one of their sockets is there."""
        return (tenant, agent) in self._sockets

    def gone(self, tenant: str, agent: str, now: float) -> bool:
        """Whether their work should go back to the queue."""
        if self.is_present(tenant, agent):
            return False
        since = max(self._left_at.get((tenant, agent), self._connected_at), self._connected_at)
        return now - since >= self._grace_s
