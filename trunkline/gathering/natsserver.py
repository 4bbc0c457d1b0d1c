"""nats-server in series: what it says of itself and of its streams (account $SYS) as Prometheus reads it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from msgspec import Struct
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from backbone.nats.link import Link

VARZ: Final = "$SYS.REQ.SERVER.PING.VARZ"
JSZ: Final = "$SYS.REQ.SERVER.PING.JSZ"
STREAMS_MOST: Final = 500


class State(Struct, frozen=True):
    """Of a stream."""

    messages: int = 0
    bytes: int = 0
    last_seq: int = 0
    consumer_count: int = 0


class Configured(Struct, frozen=True):
    """Of a stream: `max_bytes` -1 for no bound."""

    max_bytes: int = -1


class Stream(Struct, frozen=True):
    """What the server says of one."""

    name: str
    state: State = State()
    config: Configured = Configured()


class Account(Struct, frozen=True):
    """Streams of one account."""

    stream_detail: list[Stream] = []


class JetStream(Struct, frozen=True):
    """The whole store: bytes used of those that it may use, and requests to its API."""

    class Api(Struct, frozen=True):
        """Requests so far."""

        total: int = 0
        errors: int = 0

    class Config(Struct, frozen=True):
        """What it may use."""

        max_storage: int = 0

    storage: int = 0
    memory: int = 0
    config: Config = Config()
    api: Api = Api()
    account_details: list[Account] = []


class Server(Struct, frozen=True):
    """The server itself."""

    version: str = ""
    mem: int = 0
    cpu: float = 0
    cores: int = 0
    connections: int = 0
    total_connections: int = 0
    subscriptions: int = 0
    slow_consumers: int = 0
    in_msgs: int = 0
    out_msgs: int = 0
    in_bytes: int = 0
    out_bytes: int = 0


class _ServerAnswer(Struct, frozen=True):
    data: Server


class _StoreAnswer(Struct, frozen=True):
    data: JetStream


_server = msgspec.json.Decoder(_ServerAnswer).decode
_jetstream = msgspec.json.Decoder(_StoreAnswer).decode


async def ask(link: Link, within_s: float) -> list[Metric]:
    """Its series. Raises TrunklineError, TimeoutError or ValueError if it doesn't say."""
    async with asyncio.timeout(within_s):
        server, jetstream = await asyncio.gather(
            _request(link, VARZ, {}, within_s),
            _request(link, JSZ, {"accounts": True, "streams": True, "config": True, "limit": STREAMS_MOST}, within_s),
        )
    return families(_server(server).data, _jetstream(jetstream).data)


def families(server: Server, store: JetStream) -> list[Metric]:
    """The series of what it said. Pure."""
    return [*_of_server(server), *_of_store(store)]


async def _request(link: Link, subject: str, wanted: dict[str, Any], within_s: float) -> bytes:
    if not link.is_usable:
        raise TimeoutError
    reply = await link.request_raw(subject, msgspec.json.encode(wanted), timeout_s=within_s)
    return bytes(reply.data)


def _of_server(server: Server) -> list[Metric]:
    info = GaugeMetricFamily("trunkline_nats_build_info", "1, with the version of nats-server.", labels=["version"])
    info.add_metric([server.version], 1)
    return [
        info,
        _gauge("memory_bytes", "Resident memory of nats-server.", server.mem),
        _gauge("connections", "Connections to nats-server open now.", server.connections),
        _counter("connections_opened", "Connections that nats-server took.", server.total_connections),
        _gauge("subscriptions", "Subscriptions at nats-server.", server.subscriptions),
        _counter(
            "slow_consumers", "Connections that nats-server cut since they took too little.", server.slow_consumers
        ),
        _counter("received_messages", "Messages that nats-server was sent.", server.in_msgs),
        _counter("sent_messages", "Messages that nats-server sent.", server.out_msgs),
        _counter("received_bytes", "Bytes that nats-server was sent.", server.in_bytes),
        _counter("sent_bytes", "Bytes that nats-server sent.", server.out_bytes),
    ]


def _of_store(store: JetStream) -> list[Metric]:
    size = _labelled("stream_bytes", "Bytes of a stream on the disk.")
    most = _labelled("stream_max_bytes", "Bytes that a stream may have; absent where it has no bound.")
    messages = _labelled("stream_messages", "Messages in a stream; of DEAD those that were given up.")
    last = _labelled("stream_last_sequence", "Sequence of a stream's last message.")
    consumers = _labelled("stream_consumers", "Consumers of a stream.")
    for account in store.account_details:
        for stream in account.stream_detail[:STREAMS_MOST]:
            name, state = [stream.name], stream.state
            size.add_metric(name, state.bytes)
            messages.add_metric(name, state.messages)
            last.add_metric(name, state.last_seq)
            consumers.add_metric(name, state.consumer_count)
            if stream.config.max_bytes >= 0:
                most.add_metric(name, stream.config.max_bytes)
    return [
        _gauge("store_bytes", "Bytes of all streams on the disk.", store.storage),
        _gauge("store_max_bytes", "Bytes that all streams may have on the disk.", store.config.max_storage),
        _counter("api_requests", "Requests to JetStream's API.", store.api.total),
        _counter("api_errors", "Requests to JetStream's API that it refused.", store.api.errors),
        size,
        most,
        messages,
        last,
        consumers,
    ]


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"trunkline_nats_{name}", meaning, value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(f"trunkline_nats_{name}", meaning, value)


def _labelled(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"trunkline_nats_{name}", meaning, labels=["stream"])
