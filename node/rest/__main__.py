"""Prints the OpenAPI document, for the console's types: `python -m node.rest > console/api/openapi.json`.

A test compares the file with this output.
"""

from __future__ import annotations

import sys

import msgspec

from node.rest.contract.openapi import document
from node.rest.table import ROUTES

text = msgspec.json.format(msgspec.json.encode(document(ROUTES), order="sorted"), indent=1)
sys.stdout.write(text.decode() + "\n")
