"""Forms in which the words of a mail come beside plain text and HTML."""
