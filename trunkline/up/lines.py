"""What `up` says while it runs: lines of log in the form and with the keys of its children's, on the same stderr."""

from __future__ import annotations

import os
import secrets

from backbone.errors import SettingError
from backbone.process import saying
from backbone.settings import Common, load


class Lines:
    """Writes sentences; `instance` tells one `up` from the next."""

    def __init__(self) -> None:
        try:
            self._format: str = load(Common).log_format
        except SettingError:
            # Whoever reads the settings next says what is wrong with them.
            self._format = os.environ.get("TRUNKLINE_LOG_FORMAT", "auto")
        self._instance = f"up-{secrets.token_hex(4)}"

    def say(self, sentence: str) -> None:
        """Something that was to be expected."""
        self._write(sentence, "info")

    def warn(self, sentence: str) -> None:
        """Something that shouldn't be; `up` goes on."""
        self._write(sentence, "warning")

    def fail(self, sentence: str) -> None:
        """Why `up` ends."""
        self._write(sentence, "error")

    def _write(self, sentence: str, level: saying.Level) -> None:
        saying.say("up", sentence, level, log_format=self._format, instance=self._instance)
