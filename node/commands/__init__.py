"""What people do on the line, a file a use-case: neither sockets nor requests are known here."""
