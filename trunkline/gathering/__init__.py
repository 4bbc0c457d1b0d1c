"""The process `health` of `trunkline up`: one port of health and metrics for all processes of a machine.

It asks each child on the loopback port that the child took, and nats-server over NATS, all at once and each within a
deadline: one that hangs or is away costs its own series and never the answer.
"""
