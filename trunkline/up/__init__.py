"""`trunkline up`: the whole system on one machine: nats-server, a node and the adapters as child processes.

Each child is started by the command line that production uses; `up` adds the order of starting and stopping,
the settings that join them, and what to tell the person who typed it. Asked by SIGHUP (`trunkline upgrade`), it
executes the code now installed in its own place, which takes over its children and replaces them one by one.
Standard library alone, but for the settings, which the command line has read already.
"""
