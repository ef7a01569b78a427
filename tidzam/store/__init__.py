"""The store: what was heard, recorded and annotated, in SQLite or PostgreSQL."""
