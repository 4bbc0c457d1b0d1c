"""The server that everything stands on, as nats.conf configures it."""

import nats as nats_py
import pytest
from nats.errors import Error

from tests.harness.nats import NatsServer


async def test_large_requests_pass_and_strangers_do_not(nats: NatsServer) -> None:
    """`max_payload` lets a provider's callback through; without the password nobody is let in."""
    link = await nats_py.connect(nats.url, user=nats.user, password=nats.password)
    assert link.max_payload == 2 * 1024 * 1024
    await link.close()
    with pytest.raises(Error):
        await nats_py.connect(nats.url, user=nats.user, password="wrong", allow_reconnect=False)


async def test_a_killed_server_comes_back_with_what_it_had_acknowledged(nats: NatsServer) -> None:
    """`kill -9` loses no acknowledged message, and the port stays."""
    link = await nats_py.connect(nats.url, user=nats.user, password=nats.password)
    await link.jetstream().add_stream(name="KEPT", subjects=["kept"])
    ack = await link.jetstream().publish("kept", "你好".encode())
    await link.close()
    port = nats.port
    nats.kill()
    nats.start()
    assert nats.port == port
    link = await nats_py.connect(nats.url, user=nats.user, password=nats.password)
    assert (await link.jetstream().get_msg("KEPT", ack.seq)).data == "你好".encode()
    await link.close()
