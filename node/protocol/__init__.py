"""The wire: framing, frames, one connection, one session."""
