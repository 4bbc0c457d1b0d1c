"""The client protocol as bytes: control lines, header blocks, answers and who waits for them."""
