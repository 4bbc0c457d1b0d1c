"""Accounts of channels, as nodes, the command line and the channels themselves know them."""
