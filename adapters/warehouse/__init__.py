"""The log as tables: loads events into ClickHouse effectively once, answers reports and search (warehouse.md)."""
