"""One conversation with 1,000 viewers, each a socket on the node that its writer isn't on: from the first who sees a
message to the last.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from tests.bench import variables
from tests.bench.figures import histogram_of, told
from tests.bench.loadgen.handle import Generator
from tests.bench.progress import say
from tests.bench.systems import Measured, raise_limits, running_product, running_prototype

VIEWERS = 1000
TIMES = 100
EVERY_S = 0.1


def measure() -> dict[str, Any]:
    """Milliseconds of 99 of 100 messages from the first viewer to the last, beside the prototype in the same run."""
    raise_limits()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        product = _fan(stack.enter_context(running_product(Path(folder) / "product", "fast")))
        found = {"race": "fanout", "profile": "fast", "sockets": variables.number("VIEWERS", VIEWERS), **product}
        if variables.with_baseline():
            found["baseline"] = _fan(stack.enter_context(running_prototype(Path(folder) / "prototype", "fast")))
            found["ratio"] = round(product["p99_ms"] / found["baseline"]["p99_ms"], 3)
    return found


def _fan(system: Measured) -> dict[str, Any]:
    generator = Generator(system.target())
    try:
        generator.ask("open", conversations=1)
        viewers = variables.number("VIEWERS", VIEWERS)
        found = generator.ask("fan", viewers=viewers, times=TIMES, every_s=EVERY_S)
    finally:
        generator.end()
    assert not found["doubled"], f"{found['doubled']} viewers saw a message twice"
    spread = told(histogram_of(ms / 1000 for ms in found["spread_ms"]))
    whole = told(histogram_of(ms / 1000 for ms in found["whole_ms"]))
    say(f"{system.name}: first to last {spread}, from sending {whole}")
    return {
        "p50_ms": spread["p50_ms"],
        "p99_ms": spread["p99_ms"],
        "max_ms": spread["max_ms"],
        "from_sending_p99_ms": whole["p99_ms"],
        "void": False,
    }
