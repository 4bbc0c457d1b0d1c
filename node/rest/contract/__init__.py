"""What a route declares, and what follows from it: guards, decoding, errors, the document."""
