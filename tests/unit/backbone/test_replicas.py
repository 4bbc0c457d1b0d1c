"""What STREAM.INFO tells of replicas, as nats-server 2.15 answers it."""

from __future__ import annotations

from typing import Any

import pytest

from backbone.nats.replicas import Replicas, of, problem

SECOND_NS = 1_000_000_000


def _info(leader: str | None, *followers: dict[str, Any]) -> dict[str, Any]:
    cluster: dict[str, Any] = {"name": "trunkline", "replicas": list(followers)}
    if leader:
        cluster["leader"] = leader
    return {"config": {"num_replicas": 3}, "cluster": cluster}


def _follower(name: str, *, silent_s: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"name": name, "current": True, "active": int(silent_s * SECOND_NS), **more}


@pytest.mark.parametrize(
    ("info", "expected", "can_store"),
    [
        ({"config": {"num_replicas": 1}}, Replicas(1, "this one", 1), True),
        (_info("a", _follower("b"), _follower("c")), Replicas(3, "a", 3), True),
        (_info("a", _follower("b"), _follower("c", silent_s=12)), Replicas(3, "a", 2), True),
        (_info("a", _follower("b"), _follower("c", offline=True)), Replicas(3, "a", 2), True),
        # A leader that doesn't know yet that it is alone.
        (_info("a", _follower("b", silent_s=11), _follower("c", silent_s=11)), Replicas(3, "a", 1), False),
        # Nobody leads; the server that answers stands among the replicas.
        (
            _info(None, _follower("a"), _follower("b", silent_s=20), _follower("c", silent_s=20)),
            Replicas(3, "", 1),
            False,
        ),
        # An election is under way.
        (_info(None, _follower("a"), _follower("b"), _follower("c")), Replicas(3, "", 3), False),
    ],
)
def test_a_stream_can_store_with_a_leader_and_a_majority(
    info: dict[str, Any], expected: Replicas, *, can_store: bool
) -> None:
    found = of(info)
    assert found == expected
    assert found.can_store is can_store
    told = problem("CHAT_00", found)
    assert (told is None) is can_store
    assert told is None or "CHAT_00" in told
