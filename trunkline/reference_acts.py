"""Writes the table of acts in docs/protocol.md: `python -m trunkline.reference_acts docs/protocol.md`.

A test holds the page to the code, so that it can't rot.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from backbone import acts

BEGIN: Final = "<!-- acts: from backbone/acts.py by `make docs` -->"
END: Final = "<!-- end of acts -->"

WHEN: Final[dict[acts.Condition, str]] = {
    "is_resolved": "it is resolved",
    "is_not_resolved": "it isn't resolved",
    "is_theirs": "it is that agent's",
    "is_not_theirs": "it isn't that agent's",
    "is_owned": "it is somebody's",
}


def table() -> str:
    """A row an act: what it carries, the access that it needs, and what refuses it, the first that holds."""
    lines = ["| act | carries | access | refused where |", "| --- | --- | --- | --- |"]
    for kind, rule in acts.RULES.items():
        if kind is acts.Close:
            continue
        carries = ", ".join(kind.__struct_fields__) or "-"
        refusals = [("it is closed", acts.CLOSED), *((WHEN[condition], code) for condition, code in rule.refusals)]
        refused = "; ".join(f"{when}: `{code}`" for when, code in refusals)
        lines.append(f"| `{acts.tag(kind)}` | {carries} | `{rule.action}` | {refused} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with the table as it is now between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(page(path.read_text(encoding="utf-8")), encoding="utf-8")
