"""When a nats-server that lives is started again: by the disk, by its own words, by a node, by what it doesn't say."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from backbone import space
from backbone.space import MIB, Marks, Space
from trunkline.up import mending
from trunkline.up.mending import AGAIN_LEAST_S, AGAIN_MOST_S, GREET_EVERY_S, MUTE_ASKED, MUTE_UNASKED, STUCK_S, Mending

MARKS = Marks(full_percent=0, full_bytes=10 * MIB)
ROOMY, TIGHT, NOTHING = 1000 * MIB, 9 * MIB, 0
FULL = b"[ERR] JetStream failed to store a msg on stream 'A > CHAT_00': write /x/1.blk: no space left on device\n"


class Disk:
    """What the folder's disk has free, as the test says; the rest is real."""

    free = ROOMY


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()

    def look(_folder: Path) -> Space:
        return Space(made.free, 1000 * MIB)

    monkeypatch.setattr(space, "look", look)
    return made


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """One that takes connections and says nothing until it is told to greet."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def watched(tmp_path: Path, disk: Disk) -> Mending:
    """A server that nobody can reach: not mute, absent."""
    assert disk.free
    (tmp_path / "nats.log").touch()
    return Mending(tmp_path, tmp_path / "nats.log", ("127.0.0.1", 1), MARKS)


def test_one_on_a_sound_disk_is_left_alone(watched: Mending) -> None:
    assert [watched.look(float(second)) for second in range(100)] == [""] * 100


@pytest.mark.parametrize("words", mending.SAID)
def test_each_of_its_words_for_a_store_that_is_hurt_is_heard(watched: Mending, tmp_path: Path, words: bytes) -> None:
    with (tmp_path / "nats.log").open("ab") as log:
        log.write(b"[ERR] Filestore [CHAT_00] " + words.upper() + b"\n")
    assert "met a disk without room" in watched.look(0.0)


def test_one_that_met_a_full_disk_is_started_again_once_there_is_room_and_not_before(
    watched: Mending, disk: Disk
) -> None:
    disk.free = NOTHING
    assert watched.look(1) == ""
    disk.free = TIGHT
    assert watched.look(2) == ""
    disk.free = ROOMY
    assert "there is room again" in watched.look(3)
    assert watched.look(1000) == ""


def test_what_it_says_of_a_full_disk_counts_though_nobody_saw_it_full(watched: Mending, tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    log.write_bytes(b"[INF] Server is ready\n")
    assert watched.look(1) == ""
    with log.open("ab") as file:
        file.write(FULL)
    assert "disk without room" in watched.look(2)
    assert watched.look(1000) == ""


def test_what_it_said_before_we_watched_does_not_count(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "nats.log").write_bytes(FULL)
    watched = Mending(tmp_path, tmp_path / "nats.log", ("127.0.0.1", 1), MARKS)
    assert disk.free
    assert watched.look(1) == ""


def test_a_log_that_turns_over_is_read_from_its_new_beginning(watched: Mending, tmp_path: Path) -> None:
    log = tmp_path / "nats.log"
    log.write_bytes(b"x" * 10_000)
    assert watched.look(1) == ""
    log.rename(tmp_path / "nats.log.1")
    log.write_bytes(FULL)
    assert "disk without room" in watched.look(2)
    log.unlink()
    assert watched.look(1000) == ""


def test_of_a_huge_log_the_end_is_read_and_no_more(watched: Mending, tmp_path: Path) -> None:
    """A gigabyte since the last look: what is read is bounded, and what stands at its end is found."""
    log = tmp_path / "nats.log"
    with log.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, 2)
        file.write(FULL)
    assert len(watched._heard()) == mending.READ_MOST
    with log.open("ab") as file:
        file.truncate(2 << 30)
        file.seek(0, 2)
        file.write(FULL)
    assert "disk without room" in watched.look(1)


def test_words_that_no_file_has_count_too(watched: Mending) -> None:
    assert "disk without room" in watched.look(1, said=FULL.lower())


def test_one_that_answers_nothing_for_long_is_started_again_where_there_is_room(watched: Mending, disk: Disk) -> None:
    assert watched.look(1, stuck_s=STUCK_S - 1) == ""
    disk.free = TIGHT
    assert watched.look(2, stuck_s=STUCK_S) == ""
    disk.free = ROOMY
    assert "unanswered for 45 s" in watched.look(3, stuck_s=STUCK_S)


def test_waits_between_two_starts_double_and_begin_anew_after_a_good_while(watched: Mending) -> None:
    now = 2 * AGAIN_MOST_S
    began, waits = now, []
    assert watched.look(now, stuck_s=STUCK_S)
    for _ in range(7):
        while not watched.look(now, stuck_s=STUCK_S):
            now += 1
        waits.append(now - began)
        began = now
    assert waits == [min(AGAIN_LEAST_S * 2**doubled, AGAIN_MOST_S) for doubled in range(7)]
    now += 3 * AGAIN_MOST_S
    assert watched.look(now, stuck_s=STUCK_S)
    assert watched.look(now + AGAIN_LEAST_S - 1, stuck_s=STUCK_S) == ""
    assert watched.look(now + AGAIN_LEAST_S, stuck_s=STUCK_S)


def test_a_disk_that_cant_be_looked_at_stops_nobody(watched: Mending, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_folder: Path) -> Space:
        raise FileNotFoundError

    monkeypatch.setattr(space, "look", gone)
    assert watched.look(1) == ""


def test_one_that_takes_connections_and_says_nothing_is_started_again(
    server: socket.socket, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice in a row where somebody complains; where nobody does, as without traffic, oftener."""
    monkeypatch.setattr(mending, "GREETS_WITHIN_S", 0.05)
    assert disk.free
    for is_away, looks in ((True, MUTE_ASKED), (False, MUTE_UNASKED)):
        watched = Mending(tmp_path, tmp_path / "nats.log", server.getsockname(), MARKS)
        said = [watched.look(GREET_EVERY_S + second, is_away=is_away) for second in range(looks)]
        assert said == [*[""] * (looks - 1), "it takes connections and says nothing: it hangs"]
        # Not again at once: it reads its store.
        assert watched.look(GREET_EVERY_S + looks, is_away=is_away) == ""


def test_one_mute_look_between_good_ones_is_nothing(
    server: socket.socket, tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mending, "GREETS_WITHIN_S", 0.05)
    assert disk.free
    watched = Mending(tmp_path, tmp_path / "nats.log", server.getsockname(), MARKS)
    answers = iter(["mute", "greets"] * 10)
    real = mending.greets
    monkeypatch.setattr(mending, "greets", lambda _address: next(answers))
    assert {watched.look(10.0 + second, is_away=True) for second in range(20)} == {""}
    assert real(server.getsockname()) == "mute"


def test_who_greets_is_asked_now_and_then_and_not_at_each_look(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def greets(address: tuple[str, int]) -> str:
        asked.append(address)
        return "greets"

    monkeypatch.setattr(mending, "greets", greets)
    assert disk.free
    watched = Mending(tmp_path, tmp_path / "nats.log", ("127.0.0.1", 1), MARKS)
    for second in range(60):
        watched.look(100.0 + second)
    assert len(asked) == 60 / GREET_EVERY_S
