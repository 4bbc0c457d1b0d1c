"""What the person who typed `trunkline up` is told once everything runs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from trunkline.up.initialise import Prepared
from trunkline.up.system import System, host_and_port

DURABILITY: Final = {
    "synced": "a message is on the disk before it counts as sent",
    "fast": "on the disk within 10 ms; a power cut may cost the last 10 ms",
}


def banner(system: System, prepared: Prepared, took_s: float) -> str:
    """All that is worth knowing at the start, in lines; `took_s` seconds after it was typed."""
    options, address = system.options, system.url
    lines = [
        f"Trunkline {version('trunkline')}",
        "",
        f"  Desk     {address}/",
        f"  Chat     {address}/w/web",
        *([f"  Shop     {address}/demo/"] if options.demo else []),
        f"  Storage  {options.profile}: {DURABILITY[options.profile]}",
        f"  Data     {options.data.absolute()}",
        *([f"  Metrics  http://{host_and_port(system.health)}/metrics"] if system.health else []),
    ]
    if prepared.invitation:
        lines += ["", "  Become the first admin (this link works once):", f"  {address}/#/join/{prepared.invitation}"]
    if prepared.agents:
        lines += ["", "  Agents of the demo:"]
        width = max(len(agent["email"]) for agent in prepared.agents)
        lines += [f"  {a['email']:<{width}}  {a['password']}  {a['name']}" for a in prepared.agents]
    return "\n".join([*lines, "", f"Ready after {took_s:.1f} s. Ctrl-C stops it."])
