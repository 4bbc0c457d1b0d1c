"""Putting a copy of the log back: the copy is tried by a nats-server before it takes the place of what is there."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from backbone.errors import TrunklineError
from backbone.nats import epochs
from backbone.nats.lineage import put_back
from backbone.nats.link import Link
from backbone.nats.streams import chat_stream, names_of_log
from backbone.settings import Common
from trunkline import datafolder, embedded
from trunkline.connect import connected
from trunkline.embedded import StartError
from trunkline.up import logmark

STREAMS: Final = "jetstream"
ROOM_SPARE: Final = 64 * 1024**2


class Restored(NamedTuple):
    """What stands in the folder now: events of the log, those that it lacks of what was there, where that is kept."""

    events: int
    lost: int
    kept: Path | None
    sealed_by_another: bool


def store_in(copy: Path) -> Path:
    """The store of nats-server in a copy of `nats/`, or of a whole data folder. Raises StartError if there is none."""
    for folder in (copy, copy / "nats"):
        if (folder / STREAMS).is_dir():
            return folder
    raise StartError(f"{copy} is no copy of a log: give a copy of DATA/nats, or of the whole data folder.")


def restore(copy: Path, data: Path, say: Callable[[str], None]) -> Restored:
    """Put the log of `copy` in place of that of `data`, on which nothing runs.

    Raises StartError, and changes nothing then.
    """
    source = store_in(copy)
    here = (data / "nats").absolute()
    if source.resolve() == here.resolve():
        raise StartError(f"{source} is the log itself; give the folder of a copy.")
    with datafolder.locked(data, say):
        size = sum(file.stat().st_size for file in source.rglob("*") if file.is_file())
        free = shutil.disk_usage(data).free
        if size + ROOM_SPARE > free:
            raise StartError(f"The copy has {size:,} bytes and {data} has room for {free:,}: make room first.")
        trying = data / "nats.restoring"
        shutil.rmtree(trying, ignore_errors=True)
        try:
            say(f"Copying {size / 1024**2:,.1f} MiB ...")
            shutil.copytree(source, trying)
            lasts = _tried(data, trying)
            signed = _take_secrets(source.parent / "secret", data / "secret")
        except OSError as error:
            shutil.rmtree(trying, ignore_errors=True)
            raise StartError(f"the copy couldn't be read or written: {error.strerror}: {error.filename}") from error
        except StartError:
            shutil.rmtree(trying, ignore_errors=True)
            raise
        kept = None
        if here.exists():
            kept = data / f"nats.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
            here.rename(kept)
        trying.rename(here)
    return Restored(sum(lasts.values()), logmark.lost(logmark.read(data), lasts), kept, sealed_by_another=not signed)


def _tried(data: Path, store: Path) -> dict[str, int]:
    """The last sequence of each stream, as nats-server finds the copy. Raises StartError if it holds no log."""
    password = datafolder.secret(data, "nats").read_text()
    server = embedded.start(store=store, password=password, sync="always", log=(data / "nats.log").absolute())
    try:
        common = Common(nats_url=f"nats://127.0.0.1:{server.port}", nats_user=embedded.USER, nats_password=password)
        return asyncio.run(_lasts(common))
    except TrunklineError as error:
        raise StartError(f"the copy can't be read: {error}") from error
    finally:
        server.process.terminate()
        server.process.wait()


async def _lasts(common: Common) -> dict[str, int]:
    async with connected(common, "restore") as link:
        found = await lasts(link)
    if not found:
        raise StartError("the copy holds no stream of a log.")
    return found


async def lasts(link: Link) -> dict[str, int]:
    """The last sequence of each stream of the log, by its two digits."""
    names = await names_of_log(link)
    return {name.removeprefix(chat_stream("")): (await epochs.stream_state(link, name)).last for name in names}


def _take_secrets(theirs: Path, ours: Path) -> bool:
    """Whether what the copy sealed can be opened here: the secrets come along where there are none yet."""
    copied = theirs / "signing"
    if not copied.is_file():
        return True
    if not (ours / "signing").exists():
        ours.mkdir(mode=0o700, exist_ok=True)
        datafolder.keep_private(ours / "signing", copied.read_text())
    return copied.read_text() == (ours / "signing").read_text()


async def begin_epochs(common: Common) -> int:
    """An epoch begins at the end of each stream of a log that was put back by other means; returns how many."""
    async with connected(common, "restore") as link:
        return await put_back(link)
