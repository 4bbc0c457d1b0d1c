"""Somebody who connects again and again, in a thread: what a refused or reset connection, or a request without an
answer, would look like to a browser that comes by just then.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit


class Probe(NamedTuple):
    """One request that took `took_s` seconds: `problem` is empty if it was answered with 200."""

    took_s: float
    problem: str


class Prober:
    """Probes until stopped; `probes` are in the order in which they ended."""

    def __init__(self, url: str, headers: Mapping[str, str], pause_s: float, timeout_s: float) -> None:
        self._address = urlsplit(url)
        self._headers = dict(headers)
        self._pause_s = pause_s
        self._timeout_s = timeout_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.probes: list[Probe] = []

    @property
    def problems(self) -> list[str]:
        """What went wrong, in words."""
        return [probe.problem for probe in self.probes if probe.problem]

    @property
    def worst_s(self) -> float:
        """The longest wait for an answer."""
        return max(probe.took_s for probe in self.probes)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the request at hand."""
        self._stop.set()
        self._thread.join(self._timeout_s + 5)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            problem = self._once()
            self.probes.append(Probe(time.monotonic() - began, problem))
            self._stop.wait(self._pause_s)

    def _once(self) -> str:
        """Each request on a connection of its own."""
        where = self._address
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=self._timeout_s)
        try:
            connection.request("GET", f"{where.path}?{where.query}", headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()
        return "" if answer.status == http.client.OK else f"{answer.status} {body[:200]!r}"


@contextlib.contextmanager
def probing(
    url: str, *, headers: Mapping[str, str] | None = None, pause_s: float = 0.005, timeout_s: float = 30.0
) -> Iterator[Prober]:
    """A prober for as long as the block lasts."""
    prober = Prober(url, headers or {}, pause_s, timeout_s)
    prober.start()
    try:
        yield prober
    finally:
        prober.stop()
