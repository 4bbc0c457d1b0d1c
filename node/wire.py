"""Prints the JSON schema of the wire protocol and of every event, for the console's types.

`python -m node.wire > console/api/schema.json`; a test compares the file with this output.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from backbone import acts
from backbone.events import Event
from node.protocol.frames import ClientFrame, NodeFrame


def schema() -> dict[str, Any]:
    """One JSON schema (2020-12) with the definitions `ClientFrame`, `NodeFrame`, `Event` and all they use; under `acts`
    what refuses each act, and with which code.
    """
    roots, components = msgspec.json.schema_components((ClientFrame, NodeFrame, Event), ref_template="#/$defs/{name}")
    named = dict(zip(("ClientFrame", "NodeFrame", "Event"), roots, strict=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wire",
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in named},
        "$defs": {**components, **named},
        "acts": {
            acts.tag(kind): [list(refusal) for refusal in rule.refusals]
            for kind, rule in acts.RULES.items()
            if kind is not acts.Close
        },
    }


def main() -> None:
    """Writes the schema to standard output."""
    text = msgspec.json.format(msgspec.json.encode(schema(), order="sorted"), indent=1)
    sys.stdout.write(text.decode() + "\n")


if __name__ == "__main__":
    main()
