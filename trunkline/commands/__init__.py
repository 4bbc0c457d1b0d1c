"""One command a file: `command` is what `trunkline <file's name>` runs."""
