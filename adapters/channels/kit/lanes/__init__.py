"""One conversation after the other: who works on which, and what follows from its events."""
