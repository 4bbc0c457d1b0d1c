"""Settings of a node (`TRUNKLINE_NODE_*`)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

MIB = 1024 * 1024


class NodeSettings(Struct, frozen=True, kw_only=True):
    """Where a node listens, what it serves and what it allows. Times in seconds, sizes in bytes."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 takes a free one.")] = 8080
    fd: Annotated[int, Meta(ge=-1, description="Listening socket handed down by a parent; -1 for none.")] = -1
    takes_over: Annotated[
        bool, Meta(description="Listen only once all is there: beside the node that this one follows.")
    ] = False
    console_dir: Annotated[str, Meta(description="Folder of the built console and widget; empty serves none.")] = ""
    public_url: Annotated[
        str, Meta(description="Address by which browsers reach the nodes, if a proxy stands before them.")
    ] = ""
    hosts: Annotated[
        str,
        Meta(
            description="Further names by which this node is reached, comma-separated; * for any. Addresses in "
            "figures, localhost and the name in public_url always are."
        ),
    ] = ""
    demo: Annotated[bool, Meta(description="Serve the demo shop at /demo/.")] = False
    page_parameters: Annotated[
        str,
        Meta(description="Parameters that are kept of the address of a page with the chat, comma-separated."),
    ] = "utm_*"
    secure_cookies: Annotated[
        bool, Meta(description="Cookies over HTTPS only; also on where public_url begins with https.")
    ] = False
    sockets: Annotated[int, Meta(ge=1, description="Sockets at once; further ones are refused with 4429.")] = 50_000
    connections: Annotated[
        int, Meta(ge=10, description="HTTP connections at once; beyond, the longest idle is closed for a new one.")
    ] = 2000
    address_connections: Annotated[int, Meta(ge=4, description="The same of one address.")] = 500
    requests: Annotated[int, Meta(ge=4, description="HTTP requests at once; further ones get 503.")] = 500
    address_sockets: Annotated[int, Meta(ge=1, description="Sockets at once from one address.")] = 5000
    actor_sockets: Annotated[int, Meta(ge=1, description="Sockets at once of one visitor or agent.")] = 50
    handshakes: Annotated[
        int, Meta(ge=1, description="Sockets at once that haven't been greeted; further ones are refused with 4429.")
    ] = 20_000
    greetings: Annotated[int, Meta(ge=1, description="Sockets greeted at once; further ones wait their turn.")] = 64
    proxies: Annotated[
        str,
        Meta(
            description="Addresses or networks (CIDR) of proxies whose X-Forwarded-For and -Proto are believed, "
            "comma-separated; loopback always is."
        ),
    ] = ""
    hello_s: Annotated[float, Meta(gt=0, description="Time until a socket must have said hello.")] = 5.0
    heartbeat_s: Annotated[int, Meta(ge=1, description="Silence after which a client pings.")] = 20
    silent_s: Annotated[float, Meta(gt=0, description="Silence after which a socket is closed.")] = 30.0
    frame_bytes: Annotated[int, Meta(ge=1024, description="Largest frame.")] = 128 * 1024
    text_bytes: Annotated[int, Meta(ge=256, description="Longest text of a message.")] = 16 * 1024
    file_bytes: Annotated[int, Meta(ge=1024, description="Largest file.")] = 20 * MIB
    uploads: Annotated[int, Meta(ge=1, description="Uploads at once.")] = 256
    actor_uploads: Annotated[int, Meta(ge=1, description="Uploads at once of one visitor or agent.")] = 6
    address_uploads: Annotated[int, Meta(ge=1, description="Uploads at once from one address.")] = 32
    upload_visitor_mib: Annotated[int, Meta(ge=1, description="MiB a minute that a visitor uploads.")] = 60
    upload_agent_mib: Annotated[int, Meta(ge=1, description="MiB a minute that an agent uploads.")] = 600
    upload_address_mib: Annotated[int, Meta(ge=1, description="MiB a minute uploaded from one address.")] = 300
    upload_tenant_mib: Annotated[int, Meta(ge=1, description="MiB a minute uploaded to one tenant.")] = 1200
    visitor_conversations: Annotated[int, Meta(ge=1, description="Conversations on one visitor's socket.")] = 200
    agent_conversations: Annotated[int, Meta(ge=1, description="Conversations on one agent's socket.")] = 2000
    visitor_rate: Annotated[float, Meta(gt=0, description="Messages a second of a visitor, on all sockets.")] = 5.0
    visitor_burst: Annotated[int, Meta(ge=1, description="Messages of a visitor at once.")] = 20
    agent_rate: Annotated[float, Meta(gt=0, description="Messages a second of an agent, on all sockets.")] = 20.0
    agent_burst: Annotated[int, Meta(ge=1, description="Messages of an agent at once.")] = 60
    address_rate: Annotated[float, Meta(gt=0, description="Messages a second from one address.")] = 500.0
    address_burst: Annotated[int, Meta(ge=1, description="Messages from one address at once.")] = 2000
    read_rate: Annotated[
        float, Meta(gt=0, description="Conversations opened and pages read a second on one socket.")
    ] = 50.0
    read_burst: Annotated[
        int, Meta(ge=1, description="Conversations opened and pages read at once; a resume takes one for each.")
    ] = 2500
    login_rate: Annotated[
        float,
        Meta(
            gt=0,
            description="Wrong sign-ins a minute to one account from one address; thrice as many from all slow it.",
        ),
    ] = 10.0
    login_address_rate: Annotated[
        float, Meta(gt=0, description="Sign-ins a minute from one address (of IPv6: one /64); an office may share one.")
    ] = 120.0
    visitors_rate: Annotated[float, Meta(gt=0, description="New visitors a minute per address.")] = 60.0
    actor_requests: Annotated[
        float, Meta(ge=1, description="Requests a minute of one visitor or agent to the REST API of this node.")
    ] = 1200.0
    unsent_bytes: Annotated[
        int, Meta(ge=4096, description="Bytes waiting for a slow reader; beyond, it is closed with 4408.")
    ] = MIB
    unacknowledged: Annotated[
        int, Meta(ge=1, description="Publishes at once without an acknowledgement; beyond, clients wait.")
    ] = 4096
    wait_s: Annotated[
        float, Meta(ge=0, description="Time that a message waits for its turn before it is refused with log.busy.")
    ] = 1.0
    session_idle_s: Annotated[int, Meta(ge=60, description="Idle time after which an agent is signed out.")] = 12 * 3600
    session_life_s: Annotated[int, Meta(ge=60, description="Time after which an agent signs in again.")] = 14 * 86_400
    visitor_life_s: Annotated[
        int, Meta(ge=60, description="Time after which a visitor's token renews itself no more; they begin as another.")
    ] = 365 * 86_400
    user_life_s: Annotated[
        int,
        Meta(ge=60, description="Time after which a user of an app proves anew, by the company's token, who it is."),
    ] = 30 * 86_400
    drain_spread_ms: Annotated[
        int, Meta(ge=0, description="Time over which clients reconnect when the node leaves.")
    ] = 3000
