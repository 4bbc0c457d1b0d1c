"""The edge: bytes in, events out, nothing kept that another node can't rebuild."""
