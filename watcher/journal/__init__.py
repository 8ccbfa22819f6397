"""The journal: the only state, in SQLite or PostgreSQL. Begin to read at tables.py and claims.py."""
