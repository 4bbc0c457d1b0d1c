"""The suite for adapters that follow the log: `trunkline adapter check NAME`."""
