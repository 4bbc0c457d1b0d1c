"""What a check of `trunkline doctor` answers with."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["ok", "warning", "wrong"]


class Check(Struct):
    """One finding. `todo` is empty when all is well."""

    name: str
    state: Severity
    detail: str
    todo: str = ""
