"""The SQLite system of record: schema steps, writes, reads."""
