"""The console's own tests, run with the Node.js that the lock names: types, logic, size budgets, the wire's types."""

from __future__ import annotations

import msgspec
import pytest

from console import DIST, SOURCE, build
from node.wire import schema


@pytest.mark.timeout(180)
def test_types_logic_and_budgets() -> None:
    """`python -m console.build test`; fails by the first of its steps that does."""
    build.check()


def test_the_committed_schema_is_what_the_structs_say() -> None:
    """After a change of a frame or an event: `make wire`."""
    committed = msgspec.json.decode((SOURCE / "api" / "schema.json").read_bytes())
    assert committed == msgspec.json.decode(msgspec.json.encode(schema()))


def test_what_is_served_is_the_production_build() -> None:
    """Solid's development build once shipped because of a variable in the environment: it warns on the console."""
    build.ensure()
    scripts = list(DIST.rglob("*.js"))
    assert scripts
    assert not [path.name for path in scripts if "dev-" in path.name]
    assert not [path.name for path in scripts if "You appear to have multiple instances of Solid" in path.read_text()]
