"""From the log to the platform: a message, its parts, its tries."""
