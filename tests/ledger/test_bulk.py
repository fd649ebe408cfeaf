"""Many rows in few statements: each row once, whatever their number."""

import sqlite3

import pytest

from slurm_finops.ledger.bulk import BulkInsert


@pytest.mark.parametrize("rows", [0, 1, 19, 20, 21, 199, 200, 201, 240, 421])
def test_every_row_is_stored_once_and_counted(rows: int) -> None:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
    insert = BulkInsert("t", ("a", "b"), "ON CONFLICT DO NOTHING")
    wanted = [(i, f"text {i}") for i in range(rows)]
    assert insert.write(db, iter(wanted)) == rows
    assert db.execute("SELECT * FROM t ORDER BY a").fetchall() == wanted
    assert insert.write(db, wanted) == 0
