"""Who comes in: addresses, sessions, passwords, origins, limits."""
