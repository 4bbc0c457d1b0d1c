"""The adapter sample for Trunkline: counts messages by tenant."""
