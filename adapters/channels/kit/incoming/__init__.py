"""From the platform to the log: callbacks, cursors, receipts, signals."""
