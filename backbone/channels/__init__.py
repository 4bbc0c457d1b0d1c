"""The kit: everything that channels have in common, over the contract of `backbone.channel`."""
