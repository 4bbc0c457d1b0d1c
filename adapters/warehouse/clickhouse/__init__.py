"""ClickHouse itself, embedded or a server: clients, schema, whether it is there."""
