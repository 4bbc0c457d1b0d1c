"""Files that people send: stored, bounded, looked at."""
