"""The settings that `up` reads for the whole machine."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from trunkline.embedded import StartError
from trunkline.up import machine
from trunkline.up.machine import Asked


def test_the_port_of_a_machine_stands_in_the_environment_or_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert machine.asked() == Asked("127.0.0.1", 0, "")
    settings = tmp_path / "trunkline.toml"
    settings.write_text('health_port = 9464\n[node]\npublic_url = "https://chat.example.com"\n')
    monkeypatch.setenv("TRUNKLINE_CONFIG", str(settings))
    assert machine.asked() == Asked("127.0.0.1", 9464, "https://chat.example.com")
    monkeypatch.setenv("TRUNKLINE_HEALTH_PORT", "9465")
    assert machine.asked().health_port == 9465


def test_a_wrong_port_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_HEALTH_PORT", "many")
    with pytest.raises(StartError, match="TRUNKLINE_HEALTH_PORT"):
        machine.asked()


def test_an_upgrade_goes_on_without_a_port_that_it_can_not_have_and_keeps_the_one_it_has() -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = Asked("127.0.0.1", taken.getsockname()[1], "")
        with machine.health_after(-1, wanted, said.append) as found:
            assert found is None
        assert "can't be used" in said[0]
        with machine.health_after(taken.detach(), wanted, said.append) as kept:
            assert kept is not None
            assert kept.getsockname()[1] == wanted.health_port
    assert len(said) == 1
