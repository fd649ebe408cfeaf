"""A read-only snapshot of the ledger in a browser: what is in it, and how Datasette shows it."""
