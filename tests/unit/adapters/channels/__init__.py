"""Each channel: what it understands, says and makes of errors."""
