"""The command line: starts each process of Trunkline by itself, or all of them over embedded servers."""
