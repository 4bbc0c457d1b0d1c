"""A customer's mail: parts, character sets, quotations, and what of it may be shown."""
