"""What a channel must show before it counts as supported: `trunkline channel check NAME`."""
