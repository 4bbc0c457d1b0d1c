"""The console's generated types are those of today's frames and events."""

from __future__ import annotations

import json
from pathlib import Path

from node.wire import schema

COMMITTED = Path(__file__).parents[2] / "console" / "api" / "schema.json"


def test_the_committed_schema_is_current() -> None:
    """Run `make wire` when this fails."""
    assert json.loads(COMMITTED.read_text()) == json.loads(json.dumps(schema()))
