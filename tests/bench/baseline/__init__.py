"""What the product is measured against: the core of the line and nothing else, so that a ratio tells our own cost.

Two nodes on eight streams with RePublish: socket in, decoded, published with its id, acknowledged; pushed to a
socket on the other node. No sign-in, no authorisation, no limits, no resume, no bounds on a slow
reader. Not code to build on.
"""
