"""The load generator: processes of their own that hold sockets, send at intended times and note what arrives.

Raw sockets on epoll, without an event loop of callbacks and without decoding JSON: what the generator takes is taken
from the system under test, since both share the cores.
"""
