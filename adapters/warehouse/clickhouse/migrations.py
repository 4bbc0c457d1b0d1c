"""Brings the schema up to this version: numbered SQL files, each applied once, in order (warehouse.md, section 3).

Runs on the writer, under the loader's lease. There are no down files. Statements repeat safely, so a
process killed half-way through a file begins that file again.
"""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import Engine, quoted, rows
from adapters.warehouse.clickhouse.server import AwayError
from backbone.errors import UnfitError

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_JOURNAL = """
CREATE TABLE IF NOT EXISTS schema_migrations {{on_cluster}} (
  number UInt32, name String, checksum String, at DateTime DEFAULT now()
) ENGINE = {{engine}}ReplacingMergeTree ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class SchemaError(UnfitError):
    """The tables don't fit this version of Trunkline; nothing was changed."""

    code = "warehouse.schema"


class Migration(NamedTuple):
    """One file of `schema/`; `checksum` is the SHA-256 of its text, in hex."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """What the journal remembers of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped() -> list[Migration]:
    """The files of `schema/`, by number. Raises SchemaError if a number is missing or taken twice."""
    found = sorted(
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"))
        for file in files("adapters.warehouse").joinpath("schema").iterdir()
        if (match := _NAME.match(file.name))
    )
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise SchemaError(message=f"Files of schema/ must be numbered 1 to n: {[m.name for m in found]}.")
    return found


def pending(wanted: list[Migration], applied: dict[int, str]) -> list[Migration]:
    """What is still to be applied; `applied` maps numbers to checksums.

    Raises SchemaError if an applied file has changed since, or comes from a newer version.
    """
    known = {m.number: m for m in wanted}
    for number, checksum in sorted(applied.items()):
        if number not in known:
            raise SchemaError(
                "warehouse.schema_newer",
                newer(max(applied), len(wanted)),
            )
        if known[number].checksum != checksum:
            raise SchemaError(
                "warehouse.schema_changed",
                f"{known[number].name} isn't the file that made these tables; add a new file instead of changing it.",
            )
    return [m for m in wanted if m.number not in applied]


def statements(text: str, cluster: str) -> list[str]:
    """The statements of a file, its two template words filled: `{{engine}}` and `{{on_cluster}}`."""
    filled = text.replace("{{engine}}", "Replicated" if cluster else "").replace(
        "{{on_cluster}}", f"ON CLUSTER {quoted(cluster)}" if cluster else ""
    )
    bare = re.sub(r"(?m)^[ \t]*--.*$", "", filled)
    return [part.strip() for part in bare.split(";\n") if part.strip().rstrip(";")]


async def probe(engine: Engine) -> None:
    """Raises AwayError if the server, or its tables, can't be used now."""
    if problem := await engine.probe(look):
        raise AwayError(problem)


def look(client: Client) -> str:
    """Why the tables can't be used by this version, in a sentence; empty if they can. Changes nothing."""
    there = rows(
        client,
        "SELECT 1 FROM system.tables WHERE database = {database:String} AND name = 'schema_migrations'",
        {"database": client.database},
    )
    if not there:
        return "The warehouse's tables aren't made yet; the loader does that."
    newest = int(rows(client, "SELECT max(number) FROM schema_migrations", {})[0][0])
    known = len(shipped())
    return newer(newest, known) if newest > known else ""


def newer(newest: int, known: int) -> str:
    """The sentence about tables of a newer version."""
    return f"The tables are at schema {newest}, this version knows {known}; start the newer Trunkline."


def migrate(client: Client, cluster: str) -> list[str]:
    """Applies what is pending; returns the names of the files it applied. Raises SchemaError."""
    for statement in statements(_JOURNAL, cluster):
        client.command(statement)
    journal = client.query("SELECT number, checksum FROM schema_migrations FINAL").result_rows
    done = []
    for migration in pending(shipped(), {int(number): str(checksum) for number, checksum in journal}):
        for statement in statements(migration.text, cluster):
            client.command(statement)
        client.insert(
            "schema_migrations",
            [[migration.number, migration.name, migration.checksum]],
            column_names=["number", "name", "checksum"],
        )
        done.append(migration.name)
    return done
