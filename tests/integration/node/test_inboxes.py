"""What a node knows of inboxes while the log is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from backbone import directory
from backbone.directory import Inbox
from backbone.errors import NotFoundError, UnavailableError, UnknownOutcomeError
from backbone.nats import subjects
from node import inboxes
from tests.harness.apart import run_apart
from tests.harness.system import TENANT, System
from trunkline.connect import connected


def test_an_inbox_once_seen_is_known_while_the_log_is_away_and_one_that_was_removed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inboxes, "KEPT_S", 0.0)
    system = System(tmp_path)

    async def run() -> None:
        async with connected(system.common, "test") as link:
            known = inboxes.Inboxes(link)
            for name in ("shop", "gone"):
                await directory.create_inbox(link, TENANT, Inbox(id=name, channel="web", name=name))
                assert (await known.find(name))[1].name == name
            kept = await directory.directory(link).get(subjects.key(TENANT, "inbox", "gone"))
            assert kept is not None
            await directory.remove_inbox(link, TENANT, "gone", kept.revision)
            with pytest.raises(NotFoundError):
                await known.find("gone")

            system.nats.stop()
            assert (await known.find("shop"))[1].name == "shop"
            for name in ("gone", "never-seen"):
                with pytest.raises((UnavailableError, UnknownOutcomeError)):
                    await known.find(name)

    system.nats.start()
    try:
        assert system.run("init", "--json").returncode == 0
        run_apart(run())
    finally:
        system.nats.stop()
