"""`trunkline upgrade` typed by root: everything is done as the user whose folder it is."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline import progress
from trunkline.datafolder import Running
from trunkline.embedded import StartError

SERVICE = 12345

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A service's data folder, below one that only root may pass."""
    folder = tmp_path / "private" / "data"
    (folder / "upgrade").mkdir(parents=True)
    for path in (folder, folder / "upgrade"):
        os.chown(path, SERVICE, SERVICE)
    folder.parent.chmod(0o700)
    return folder


def apart(work: Callable[[], None]) -> int:
    """The exit code of a process of its own, which can become somebody else: 0 if `work` raised nothing."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - a child of pytest must end here
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _ask(data: Path, pid: int) -> None:
    list(progress.ask(progress.as_owner(data), Running(pid, 1, 2, "synced", upgrades=True)))


def test_nothing_is_left_that_the_service_cant_open(data: Path) -> None:
    def work() -> None:
        here = progress.as_owner(data)
        assert (os.geteuid(), os.getegid(), os.getgroups()) == (SERVICE, SERVICE, [])
        progress.prepare(here)
        (here / "upgrade" / "lock").touch()

    assert apart(work) == 0
    assert {path.stat().st_uid for path in data.rglob("*")} == {SERVICE}


def test_a_link_planted_by_the_service_leads_root_nowhere(data: Path, tmp_path: Path) -> None:
    target = tmp_path / "of-root"
    target.mkdir(mode=0o700)
    (data / "upgrade" / "lock").symlink_to(target / "planted")

    def work() -> None:
        with pytest.raises(StartError, match="can't be written: Permission denied"):
            _ask(data, os.getpid())

    assert apart(work) == 0
    assert list(target.iterdir()) == []


def test_no_process_of_root_is_signalled_that_the_service_names(data: Path) -> None:
    me = os.getpid()

    def work() -> None:
        with pytest.raises(StartError, match="isn't of the user whose folder this is"):
            _ask(data, me)

    assert apart(work) == 0


def test_roots_own_folder_is_worked_on_as_root(tmp_path: Path) -> None:
    def work() -> None:
        assert progress.as_owner(tmp_path) == Path()
        assert os.geteuid() == 0

    assert apart(work) == 0
