"""`trunkline node`."""

import sys

import click


@click.command()
def command() -> None:
    """Run one node: sockets, REST, the desk and the widget. Start as many as you like, anywhere.

    It needs NATS (TRUNKLINE_NATS_URL) and the secret that all nodes share (TRUNKLINE_SECRET or
    TRUNKLINE_SECRET_FILE), and listens on TRUNKLINE_NODE_HOST and TRUNKLINE_NODE_PORT. SIGTERM drains it: clients
    are told to move, and go on elsewhere from where they were.
    """
    from node.main import main  # noqa: PLC0415  (the other commands don't wait for a web server)
    from trunkline import strays  # noqa: PLC0415  (the same)

    strays.refuse()
    sys.exit(main())
