"""Independent client libraries as the other side: what they write we read, and what we or our simulators write they
read alike.
"""
