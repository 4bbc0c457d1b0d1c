"""Brings the schema up to this version: numbered SQL files, each applied once, in order (warehouse.md, section 3).

Runs on the writer, under the loader's lease. There are no down files. Statements repeat safely, so a
process killed half-way through a file begins that file again.

Files of `schema/additive/` only add columns with a default, indexes and views: an older version loads and reads as
before. They have a journal of their own, in which a version passes over what it doesn't know; in the other one it stops
at that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from adapters.warehouse.clickhouse.engine import Engine, quoted, rows
from adapters.warehouse.clickhouse.server import AwayError
from backbone.errors import UnfitError

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_JOURNALS = ("schema_migrations", "schema_additions")
_JOURNAL = """
CREATE TABLE IF NOT EXISTS {journal} {{{{on_cluster}}}} (
  number UInt32, name String, checksum String, at DateTime DEFAULT now()
) ENGINE = {{{{engine}}}}ReplacingMergeTree ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1
"""


class SchemaError(UnfitError):
    """The tables don't fit this version of Trunkline; nothing was changed."""

    code = "warehouse.schema"


class Migration(NamedTuple):
    """One file of `schema/`; `checksum` is the SHA-256 of its text, in hex. `is_additive`: an older version does not
    mind it.
    """

    number: int
    name: str
    text: str
    is_additive: bool = False

    @property
    def checksum(self) -> str:
        """What the journal remembers of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def journal(self) -> str:
        """The table that remembers it."""
        return _JOURNALS[self.is_additive]


def shipped() -> list[Migration]:
    """The files of `schema/`, by number. Raises SchemaError if a number is missing or taken twice."""
    folder = files("adapters.warehouse").joinpath("schema")
    found = sorted(
        Migration(int(match[1]), file.name, file.read_text(encoding="utf-8"), bool(is_additive))
        for is_additive, place in enumerate((folder, folder.joinpath("additive")))
        for file in place.iterdir()
        if (match := _NAME.match(file.name))
    )
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise SchemaError(message=f"Files of schema/ must be numbered 1 to n: {[m.name for m in found]}.")
    return found


def pending(wanted: list[Migration], applied: dict[int, str], added: Mapping[int, str] = {}) -> list[Migration]:
    """What is still to be applied; `applied` and `added`, what both journals hold, map numbers to checksums.

    Raises SchemaError if an applied file has changed since, or comes from a newer version and isn't additive.
    """
    known = {m.number: m for m in wanted}
    for number, checksum in sorted({**added, **applied}.items()):
        if number not in known and number in applied:
            raise SchemaError(
                "warehouse.schema_newer",
                newer(max(applied), len(wanted)),
            )
        if number in known and known[number].checksum != checksum:
            raise SchemaError(
                "warehouse.schema_changed",
                f"{known[number].name} isn't the file that made these tables; add a new file instead of changing it.",
            )
    return [m for m in wanted if m.number not in {**added, **applied}]


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
    for journal in _JOURNALS:
        for statement in statements(_JOURNAL.format(journal=journal), cluster):
            client.command(statement)
    wanted = shipped()
    _move_additions(client, cluster, wanted)
    done = []
    for migration in pending(wanted, *(_applied(client, journal) for journal in _JOURNALS)):
        for statement in statements(migration.text, cluster):
            client.command(statement)
        _note(client, migration)
        done.append(migration.name)
    return done


def _applied(client: Client, journal: str) -> dict[int, str]:
    found = client.query(f"SELECT number, checksum FROM {journal} FINAL").result_rows  # noqa: S608 - one of ours
    return {int(number): str(checksum) for number, checksum in found}


def _note(client: Client, migration: Migration) -> None:
    row = [migration.number, migration.name, migration.checksum]
    client.insert(migration.journal, [row], column_names=["number", "name", "checksum"])


def _move_additions(client: Client, cluster: str, wanted: list[Migration]) -> None:
    """Before there were two journals, additions stood in the first one, and kept every older version out."""
    applied = _applied(client, _JOURNALS[False])
    for migration in wanted:
        if migration.is_additive and applied.get(migration.number) == migration.checksum:
            _note(client, migration)
            text = f"ALTER TABLE {_JOURNALS[False]} {{{{on_cluster}}}} DELETE WHERE number = {migration.number}"
            for statement in statements(text, cluster):
                client.command(statement, settings={"mutations_sync": 2})
